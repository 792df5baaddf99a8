"""The nightly look at the books, written into the events."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from marketplace.events.services.recording import record
from payouts.selectors.invariants import LEDGER, LedgerReport, check_ledger

logger = logging.getLogger(__name__)


def audit_ledger(*, at: datetime) -> LedgerReport:
    """Check every invariant and record what was found, sound or not. A sequence."""
    report = check_ledger(at)
    for broken in report.broken:
        logger.error(
            "The ledger is broken",
            extra={"invariant": broken.invariant, "problem": broken.problem},
        )
    for warned in report.warnings:
        logger.warning(
            "The ledger warns",
            extra={"invariant": warned.invariant, "problem": warned.problem},
        )
    with transaction.atomic():
        record(
            "ledger.checked" if not report.broken else "ledger.found_broken",
            at=at,
            object_kind="ledger",
            object_id=LEDGER,
            data={
                "checked": list(report.checked),
                "broken": len(report.broken),
                "warnings": len(report.warnings),
            },
        )
    return report
