"""Pages of an expert begin here: who asks, and which of their rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from marketplace.kit.errors import NotFound
from marketplace.people.access import expert_of, signed_in
from marketplace.people.models import Expert
from tasks.access import own_assignments
from tasks.models import Assignment

P = ParamSpec("P")
ExpertView = Callable[Concatenate[HttpRequest, Expert, P], HttpResponse]


def for_expert(view: ExpertView[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Hand the view its expert; who has no profile yet is led to where it is made."""

    @wraps(view)
    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        expert = expert_of(signed_in(request))
        if expert is None:
            messages.info(request, "Start an expert profile first.")
            return redirect("account")
        return view(request, expert, *args, **kwargs)

    return wrapped


def own_assignment(expert: Expert, assignment_id: UUID) -> Assignment:
    """The expert's own assignment with what its pages show, or NotFound."""
    found = (
        own_assignments(to=expert.user)
        .filter(pk=assignment_id)
        .select_related("task", "batch", "guideline", "expert", "project__organization")
    )
    assignment = found.order_by("pk").first()
    if assignment is None:
        raise NotFound("There is no such task of yours.")
    return assignment
