"""What a customer needs and values, from surveys: configured scales, and the latest answers."""

from collections.abc import Mapping, Sequence

from pipelines.config.features import Scale
from pipelines.engine import quote
from pipelines.features.feature import NEEDS, NUMBER, TEXT, Feature, Fragment, ages_of, slug

_NEEDS = ("survey_answers",)
_AGES = ages_of("survey_answers", (365,))


def scale_name(scale: str) -> str:
    return f"scale_{scale}"


def answer_name(question: str) -> str:
    """`Q 1` -> `answer_q_1`."""
    return f"answer_{slug(question)}"


def scales(configured: Mapping[str, Scale]) -> list[Fragment]:
    """One fragment a scale: the mean of its questions in the latest response within 365 days, from 0 to 1.

    A score is put between the ends of its own question, and turned round where a high one means little. Sums
    are of decimals: their last digit does not depend on the order of the rows.
    """
    return [
        Fragment(
            scale_name(name),
            features=(
                Feature(
                    scale_name(name),
                    NEEDS,
                    "share",
                    NUMBER,
                    f"Scale {name} (0 to 1) in the latest response within 365 days",
                    _NEEDS,
                ),
            ),
            needs=_NEEDS,
            ages=_AGES,
            text=_SCALE.replace("{name}", name),
            parameters={
                f"scale_{name}_questions": list(one.questions),
                f"scale_{name}_reverse": list(one.reverse),
            },
        )
        for name, one in configured.items()
    ]


_SCALE = """
with scored as (
    select a.customer_id, a.survey_id, a.response_id, a.answered_on,
        list_contains($scale_{name}_reverse, a.question_id) as reversed,
        cast(
            cast(a.score - a.scale_min as double) / (a.scale_max - a.scale_min) as decimal(18, 8)
        ) as position
    from facts.survey_answers as a
    where a.answered_on >= $from_365 and list_contains($scale_{name}_questions, a.question_id)
        and a.score is not null and a.scale_max > a.scale_min
),
response as (
    select customer_id, survey_id, response_id, max(answered_on) as answered_on, count(*) as answers,
        sum(case when reversed then 1 - position else position end) as total
    from scored
    group by customer_id, survey_id, response_id
),
placed as (
    select customer_id, cast(total as double) / answers as scale,
        row_number() over (
            partition by customer_id order by answered_on desc, survey_id desc, response_id desc
        ) as place
    from response
)
select customer_id, scale as scale_{name} from placed where place = 1
"""


def answers(questions: Sequence[str]) -> Fragment:
    """The latest answer to each configured question within 365 days, as it was given."""
    columns = ", ".join(
        f"max(answer) filter (where question_id = $question_{i}) as {quote(answer_name(one))}"
        for i, one in enumerate(questions)
    )
    return Fragment(
        "answers",
        features=tuple(
            Feature(answer_name(one), NEEDS, "", TEXT, f"Latest answer to {one} within 365 days", _NEEDS)
            for one in questions
        ),
        needs=_NEEDS,
        ages=_AGES,
        text=f"""
with placed as (
    select a.customer_id, a.question_id, a.answer,
        row_number() over (
            partition by a.customer_id, a.question_id
            order by a.answered_on desc, a.survey_id desc, a.response_id desc
        ) as place
    from facts.survey_answers as a
    where a.answered_on >= $from_365
)
select customer_id, {columns} from placed where place = 1 group by customer_id
""",
        parameters={f"question_{i}": one for i, one in enumerate(questions)},
    )
