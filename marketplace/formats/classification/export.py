"""Classification rows `{"text", "label"}`, and a rich row beside."""

from __future__ import annotations

from collections import Counter

from pydantic import JsonValue

from marketplace.formats.classification.schema import Answer, Prompt
from marketplace.formats.interface import Record

Finished = Record[Prompt, Answer]


def export(record: Finished) -> dict[str, JsonValue] | None:
    """The text with its published label, else the label of the majority; None on a tie."""
    label = record.label or majority(record)
    return None if label is None else {"text": record.prompt.text, "label": label}


def majority(record: Finished) -> str | None:
    """The label with most votes; None without votes or when two lead together."""
    leaders = Counter(vote.answer.label for vote in record.votes).most_common(2)
    if not leaders or (len(leaders) == 2 and leaders[0][1] == leaders[1][1]):
        return None
    return leaders[0][0]


def export_rich(record: Finished) -> dict[str, JsonValue]:
    """Everything that was said, with the label set it was chosen from."""
    return {
        "task_id": record.task_id,
        "text": record.prompt.text,
        "question": record.prompt.question,
        "labels": list(record.prompt.labels),
        "label": record.label or majority(record),
        "votes": [
            {
                "expert": vote.expert,
                "label": vote.answer.label,
                "note": vote.answer.note,
                "confidence": vote.confidence,
            }
            for vote in record.votes
        ],
    }
