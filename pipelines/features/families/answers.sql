-- fragment: features.customer_state
-- One row per customer who answered a survey in 365 days: the latest answer to each configured question.
-- key: customer_id
with placed as (
    select
        a.customer_id,
        a.question_id,
        a.answer,
        row_number() over (
            partition by a.customer_id, a.question_id
            order by a.answered_on desc, a.survey_id desc, a.response_id desc
        ) as place
    from facts.survey_answers as a
    where a.answered_on >= $from_365
)

select customer_id, "$answers"
from placed
where place = 1
group by customer_id
