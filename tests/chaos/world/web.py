"""The one page: work comes in, 202 is the promise that it will be done."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from marketplace.jobs.services.enqueueing import enqueue


def accept_payout(_request: HttpRequest, payout_id: UUID) -> HttpResponse:
    with transaction.atomic():
        enqueue("world.pay", key=f"world.pay:{payout_id}", payout_id=str(payout_id))
    return HttpResponse(status=202)
