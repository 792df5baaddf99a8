"""Pages for anybody."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def landing(request: HttpRequest) -> HttpResponse:
    """What Guildhall is, for a visitor."""
    return render(request, "web/public/landing.html", {"hold_hours": settings.PAYOUT_HOLD_HOURS})
