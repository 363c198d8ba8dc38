"""What a customer needs and values, from surveys: configured scales, and the latest answers."""

from collections.abc import Mapping, Sequence

from pipelines.config.features import Scale
from pipelines.engine import Statement, binding, load_fragment, named
from pipelines.features.feature import NEEDS, NUMBER, TEXT, Feature, Fragment, ages_of, slug

_NEEDS = ("survey_answers",)
_AGES = ages_of("survey_answers", (365,))


def scale_name(scale: str) -> str:
    return f"scale_{scale}"


def answer_name(question: str) -> str:
    """`Q 1` -> `answer_q_1`."""
    return f"answer_{slug(question)}"


def scales(configured: Mapping[str, Scale]) -> list[Fragment]:
    """One fragment a scale: the mean of its questions in the latest response within 365 days, from 0 to 1."""
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
            text=_scale(name),
            parameters={
                f"scale_{name}_questions": list(question.questions),
                f"scale_{name}_reverse": list(question.reverse),
            },
        )
        for name, question in configured.items()
    ]


def _scale(name: str) -> str:
    """The SELECT of one scale: it binds its own questions, and its column is named for it."""
    own = {what: f"scale_{name}_{what}" for what in ("questions", "reverse")}
    return named(binding(load_fragment("features/families/scale").sql, own), "scale", scale_name(name))


def answers(questions: Sequence[str]) -> Fragment:
    """The latest answer to each configured question within 365 days, as it was given."""
    columns = {
        answer_name(question): Statement(f"max(answer) filter (where question_id = $question_{i})")
        for i, question in enumerate(questions)
    }
    return Fragment(
        "answers",
        features=tuple(
            Feature(
                answer_name(question), NEEDS, "", TEXT, f"Latest answer to {question} within 365 days", _NEEDS
            )
            for question in questions
        ),
        needs=_NEEDS,
        ages=_AGES,
        text=load_fragment("features/families/answers").filled(answers=columns),
        parameters={f"question_{i}": question for i, question in enumerate(questions)},
    )
