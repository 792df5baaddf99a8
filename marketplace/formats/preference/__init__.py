"""Preference: two responses, which is better and why."""

from importlib import resources

from pydantic_core import from_json

from marketplace.formats.interface import Format
from marketplace.formats.preference import agreement, checks, export, presentation
from marketplace.formats.preference.schema import Answer, Prompt

FORMAT = Format(
    kind="preference",
    version=1,
    title="Preference",
    purpose="Compare two responses to one prompt.",
    objective=False,
    Prompt=Prompt,
    Answer=Answer,
    example=from_json(resources.files(__name__).joinpath("example.json").read_bytes()),
    labels=lambda prompt: None,  # noqa: ARG005 an opinion has no right label
    check=checks.check,
    distance=agreement.distance,
    grade=agreement.grade,
    label_of=agreement.side,
    export=export.export,
    export_rich=export.export_rich,
    presentation=presentation.presentation,
    estimate_seconds=presentation.estimate_seconds,
    mirror_prompt=presentation.mirror_prompt,
    mirror_answer=presentation.mirror_answer,
)
