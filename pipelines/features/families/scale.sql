-- fragment: features.customer_state
-- One row per customer with an answer to $questions in 365 days: their mean in the latest response, from 0 to 1.
-- A score is put between the ends of its own question, and turned round where the question is in $reverse. Sums
-- are of decimals: their last digit does not depend on the order of the rows.
-- key: customer_id
with scored as (
    select
        a.customer_id,
        a.survey_id,
        a.response_id,
        a.answered_on,
        list_contains($reverse, a.question_id) as reversed,
        cast(
            cast(a.score - a.scale_min as double) / (a.scale_max - a.scale_min) as decimal(18, 8)
        ) as position
    from facts.survey_answers as a
    where
        a.answered_on >= $from_365
        and list_contains($questions, a.question_id)
        and a.score is not null
        and a.scale_max > a.scale_min
),

response as (
    select
        customer_id,
        survey_id,
        response_id,
        max(answered_on) as answered_on,
        count(*) as answers,
        sum(case when reversed then 1 - position else position end) as total
    from scored
    group by customer_id, survey_id, response_id
),

placed as (
    select
        customer_id,
        cast(total as double) / answers as scale,
        row_number() over (
            partition by customer_id order by answered_on desc, survey_id desc, response_id desc
        ) as place
    from response
)

select
    customer_id,
    scale
from placed
where place = 1
