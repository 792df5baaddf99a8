"""Every component in every variant, for people who build pages and for the tests that scan them."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.kit.markdown import render_markdown
from marketplace.people.access import require_staff
from marketplace.web.styleguide import samples


def show(request: HttpRequest) -> HttpResponse:
    """All components; for staff, and for anybody where DEBUG is on."""
    if not settings.DEBUG:
        require_staff(request.user)
    messages.info(request, "A message of the last request.")
    return render(
        request,
        "web/styleguide/show.html",
        {
            "sample": {name.lower(): value for name, value in vars(samples).items()},
            "prose": render_markdown(samples.PROSE),
        },
    )
