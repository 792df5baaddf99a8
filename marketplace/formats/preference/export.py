"""Preference rows in the columns of TRL's DPO, CPO and ORPO trainers, and a rich row beside."""

from __future__ import annotations

from pydantic import JsonValue

from marketplace.formats.interface import Record
from marketplace.formats.preference.agreement import side
from marketplace.formats.preference.schema import Answer, Prompt

Finished = Record[Prompt, Answer]


def export(record: Finished) -> dict[str, JsonValue] | None:
    """`{"prompt", "chosen", "rejected"}` by majority of sides; None where the sides are even."""
    lead = majority(record)
    if lead == "tie":
        return None
    better, worse = record.prompt.response_a, record.prompt.response_b
    if lead == "b":
        better, worse = worse, better
    return {"prompt": record.prompt.prompt, "chosen": better, "rejected": worse}


def majority(record: Finished) -> str:
    """The side with more votes; a tie vote counts for neither."""
    sides = [side(vote.answer) for vote in record.votes]
    lead = sides.count("b") - sides.count("a")
    if lead == 0:
        return "tie"
    return "b" if lead > 0 else "a"


def export_rich(record: Finished) -> dict[str, JsonValue]:
    """Everything that was said: `overall_preference` is the mean, -3 (first) to 3 (second)."""
    scores = [vote.answer.overall for vote in record.votes]
    return {
        "task_id": record.task_id,
        "context": [{"role": "user", "content": record.prompt.prompt}],
        "response1": record.prompt.response_a,
        "response2": record.prompt.response_b,
        "overall_preference": round(sum(scores) / len(scores), 3) if scores else None,
        "majority": majority(record),
        "individual_preference": [
            {
                "expert": vote.expert,
                "score": vote.answer.overall,
                "reasoning": vote.answer.rationale,
                "criteria": {
                    score.criterion: {"response1": score.a, "response2": score.b}
                    for score in vote.answer.scores
                },
                "both_bad": vote.answer.both_bad,
                "confidence": vote.confidence,
            }
            for vote in record.votes
        ],
    }
