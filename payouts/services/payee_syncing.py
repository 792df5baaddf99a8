"""Looking again at accounts that could not receive money: a lost message keeps nobody unpaid."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.db.models import F

from marketplace.kit.errors import DomainError
from payouts.gateways.port import GatewayError
from payouts.models import Payee
from payouts.services.onboarding import sync_payee
from payouts.services.pacing import Watch, keep_pace

logger = logging.getLogger(__name__)
MOST_PAYEES = 500
LONGEST_JOB = timedelta(seconds=35)


def sync_waiting(*, at: datetime, watch: Watch | None = None) -> int:
    """Ask Stripe about restricted accounts, then those whose set-up is not finished; how many.

    Of each state those first that were not looked at for longest. A sequence at the set pace, for
    as long as one job may take. An account that cannot be read keeps no other from its turn: the
    first failure is raised when all had theirs.
    """
    timer, looked = watch or Watch(at), 0
    rows = Payee.objects.filter(rail="stripe", state__in=["restricted", "onboarding"])
    # By the alphabet restricted accounts are the first.
    oldest = rows.order_by("-state", F("checked_at").asc(nulls_first=True), "id")[:MOST_PAYEES]
    failures: list[Exception] = []
    for account_id in list(oldest.values_list("account_id", flat=True)):
        if keep_pace(watch=timer, until=at + LONGEST_JOB) is None:
            break
        looked += 1
        try:
            sync_payee(account_id=str(account_id), at=timer.now())
        except (DatabaseError, DomainError, GatewayError) as failure:
            logger.exception("Could not look at an account", extra={"account": str(account_id)})
            failures.append(failure)
    if failures:
        raise failures[0]
    return looked
