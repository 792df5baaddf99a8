"""Classification: one right label out of a closed set."""

from importlib import resources

from pydantic_core import from_json

from marketplace.formats.classification import agreement, checks, export, presentation
from marketplace.formats.classification.schema import Answer, Prompt
from marketplace.formats.interface import Format

FORMAT = Format(
    kind="classification",
    version=1,
    title="Classification",
    purpose="Give a text the one label that fits.",
    objective=True,
    Prompt=Prompt,
    Answer=Answer,
    example=from_json(resources.files(__name__).joinpath("example.json").read_bytes()),
    labels=presentation.labels,
    check=checks.check,
    distance=agreement.distance,
    grade=agreement.grade,
    label_of=agreement.label_of,
    export=export.export,
    export_rich=export.export_rich,
    presentation=presentation.presentation,
    estimate_seconds=presentation.estimate_seconds,
)
