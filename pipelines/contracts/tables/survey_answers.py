"""The contract of `survey_answers`: one row an answer to one question."""

from pipelines.contracts.fact import OWNED_BY_PERSON, Fact
from pipelines.contracts.model import Check, Column, Contract, Reference

CONTRACT = Contract(
    table="survey_answers",
    description="Answers to surveys, one row a question answered.",
    grain="one row per survey, response and question",
    key=("survey_id", "response_id", "question_id"),
    number="response_id",
    own_key=("survey_id", "response_id"),
    event="answered_on",
    fact=Fact(day="answered_on", owners=OWNED_BY_PERSON),
    columns=(
        Column("survey_id", "VARCHAR", "The survey", required=True),
        Column("response_id", "VARCHAR", "One person's filled-in survey", required=True),
        Column("question_id", "VARCHAR", "The question", required=True),
        Column("customer_id", "VARCHAR", "Who answered, as orders write it; empty where anonymous"),
        Column("contact_id", "VARCHAR", "The person at the account, where known"),
        Column("answered_on", "DATE", "The day of the answer", unit="date", required=True),
        Column("answer", "VARCHAR", "The answer as given"),
        Column("score", "DOUBLE", "The answer as a number, where it is one", unit="points"),
        Column("scale_min", "DOUBLE", "Lowest score the question allows", unit="points"),
        Column("scale_max", "DOUBLE", "Highest score the question allows", unit="points"),
    ),
    references=(Reference("contact_id", "contacts", "contact_id"),),
    checks=(
        Check(
            "score_within_scale",
            "UnexpectedRowsExpectation",
            {
                "unexpected_rows_query": "select response_id from {batch} where _fault_reason is null"
                " and (score < scale_min or score > scale_max)"
            },
            "a score lies within the scale of its question",
            needs=("score",),
        ),
    ),
)
