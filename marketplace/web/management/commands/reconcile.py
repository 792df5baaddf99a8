"""Compare the provider's books with ours."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketplace.kit import clock
from payouts.gateways.port import GatewayError
from payouts.models import Break
from payouts.services import reconciling

SHOWN = ("kind", "ref", "currency", "expected_minor", "found_minor", "detail")


class Command(BaseCommand):
    help = "Read what the provider did, match it with the ledger; exit 1 while a break is open."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--full", action="store_true", help="compare everything there ever was")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:  # Any: Django's signature
        verb = reconciling.reconcile_fully if options["full"] else reconciling.reconcile
        try:
            run = verb(at=clock.now())
        except GatewayError as error:
            raise CommandError(f"The provider did not answer: {error.message}") from error
        rows = Break.objects.filter(state="open").order_by("opened_at", "id")
        breaks = [{name: getattr(row, name) for name in SHOWN} for row in rows]
        if options["json"]:
            facts = {"transactions": run.transactions, "repaired": run.repaired}
            report = {**facts, "balances": run.balances, "breaks": breaks}
            self.stdout.write(json.dumps(report, indent=2))
        else:
            for each in breaks:
                self.stderr.write(f"{each['kind']} {each['ref']}: {each['detail']}")
        if breaks:
            raise CommandError(f"The books differ: {len(breaks)} open breaks.")
        if not options["json"]:
            self.stdout.write(f"Nothing differs: {run.transactions} movements are booked.")
