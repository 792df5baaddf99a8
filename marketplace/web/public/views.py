"""Pages for anybody."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def home(request: HttpRequest) -> HttpResponse:
    """What Guildhall is, for a visitor."""
    return render(request, "web/public/landing.html")
