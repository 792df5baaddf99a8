"""manage.py journey: the main job on a file, in a scratch instance of its own."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from marketplace.kit.servers.errors import ServerUnavailable
from marketplace.web.journey.plan import Plan
from marketplace.web.journey.scratch import scratch_instance


def add_plan_arguments(parser: ArgumentParser) -> None:
    """The options that make a plan."""
    parser.add_argument("--input", required=True, type=Path, help="JSON, JSON Lines or CSV")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=PATH",
        help="where a field of the format comes from; twice for one field joins the parts",
    )
    parser.add_argument("--format", default="preference", choices=("preference", "classification"))
    parser.add_argument("--experts", type=int, default=12)
    parser.add_argument("--answers", type=int, default=3, help="per row")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--truth", default="", help="the column that says which answer is right")
    parser.add_argument("--out", type=Path, help="keep the export in this folder")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def plan_of(options: dict[str, Any], out: Path) -> Plan:  # Any: Django's options
    """The plan that the options describe. Raises CommandError naming the option at fault."""
    file: Path = options["input"]
    if not file.is_file():
        raise CommandError(f"--input: there is no file {file}.")
    if options["answers"] < 1 or options["experts"] < options["answers"]:
        raise CommandError("--experts: a row needs as many experts as answers, and at least one.")
    return Plan(
        file=file.resolve(),
        mapping=tuple(options["map"]),
        format=options["format"],
        experts=options["experts"],
        answers=options["answers"],
        seed=options["seed"],
        truth=options["truth"],
        out=out.resolve(),
    )


class Command(BaseCommand):
    """Make the instance, run the journey inside it, end with its exit code."""

    help = "Run the main job on a file: import, fund, vet, answer, review, score, pay, export."
    requires_system_checks: list[str] = []  # they may ask a database that is not needed here

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_plan_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:  # Any: Django's signature
        with tempfile.TemporaryDirectory() as unkept:
            plan = plan_of(options, options["out"] or Path(unkept))
            words = [*plan.words(), *(["--json"] if options["json"] else [])]
            try:
                with scratch_instance(
                    below=settings.DATA_DIR / "scratch", checkout=settings.BASE_DIR
                ) as scratch:
                    code = scratch.run("journey_inside", *words)
            except ServerUnavailable as refused:
                raise CommandError(refused.message) from None
        if code:
            raise SystemExit(code)
