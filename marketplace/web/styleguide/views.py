"""Every component in every variant, for people who build pages and for the tests that scan them."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.formats.registry import FORMATS, get
from marketplace.kit.markdown import render_markdown
from marketplace.people.access import require_staff
from marketplace.web.answers.fields import fields_of
from marketplace.web.answers.given import lines_of
from marketplace.web.answers.showing import parts_of
from marketplace.web.styleguide import samples


def show(request: HttpRequest) -> HttpResponse:
    """All components."""
    _allow(request)
    messages.info(request, "A message of the last request.")
    context = {
        "sample": {name.lower(): value for name, value in vars(samples).items()},
        "prose": render_markdown(samples.PROSE),
        "formats": FORMATS.values(),
    }
    return render(request, "web/styleguide/show.html", context)


def show_format(request: HttpRequest, kind: str) -> HttpResponse:
    """A format's example as the expert sees it, and its answer as a reviewer reads it."""
    _allow(request)
    format = get(kind)  # noqa: A001  the domain's word
    prompt, answer = format.example["prompt"], format.example["answer"]
    assert isinstance(answer, dict)
    context = {
        "format": format,
        "parts": parts_of(format, prompt),
        "fields": fields_of(format, prompt),
        "lines": lines_of(format, prompt, answer),
    }
    return render(request, "web/styleguide/format.html", context)


def _allow(request: HttpRequest) -> None:
    """For staff, and for anybody where DEBUG is on."""
    if not settings.DEBUG:
        require_staff(request.user)
