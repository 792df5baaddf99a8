"""Pages of staff begin here: who asks, in which role, and whether they proved it lately."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST

from marketplace.events.models import Event
from marketplace.jobs.models import Job
from marketplace.people.access import is_staff, require_staff, signed_in, staff_roles
from marketplace.people.models import User

P = ParamSpec("P")
StaffView = Callable[Concatenate[HttpRequest, User, P], HttpResponseBase]
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

BOOKS = ("finance", "auditor")
CASES = ("vetting", "quality", "auditor")
OPERATORS = ("finance", "quality", "support", "vetting")


def for_staff(*roles: str) -> Callable[[StaffView[P]], View[P]]:
    """Hand the view its person, who has one of the roles; without roles any staff will do."""

    def decorate(view: StaffView[P]) -> View[P]:
        @wraps(view)
        def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            user = signed_in(request)
            require_staff(user, *roles)
            return view(request, user, *args, **kwargs)

        return wrapped

    return decorate


def act_of(*roles: str) -> Callable[[StaffView[P]], View[P]]:
    """A POST by somebody with one of the roles."""

    def decorate(view: StaffView[P]) -> View[P]:
        posted: View[P] = require_POST(for_staff(*roles)(view))
        return posted

    return decorate


def money_act(view: StaffView[P]) -> View[P]:
    """A POST that moves money or lets it go: finance, who proved who they are a moment ago.

    A demo waives the proof, as it waives the second factor.
    """

    @wraps(view)
    def proved(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        # The roles come first: a stranger is told 404 and asked for no password.
        require_staff(signed_in(request), "finance")
        answer: HttpResponseBase = _recently(acting)(request, *args, **kwargs)
        return answer

    acting = act_of("finance")(view)
    return proved


def _recently(view: View[P]) -> View[P]:
    checked: View[P] = reauthentication_required(view, enabled=lambda _request: not settings.DEMO)
    return checked


def may(user: User, *roles: str) -> bool:
    """Whether the person has one of these roles: for what a page offers."""
    return bool(staff_roles(user) & set(roles))


def visible_jobs(*, to: User) -> QuerySet[Job]:
    """Staff of any role see all; a job holds ids, nobody's data."""
    return Job.objects.all() if is_staff(to) else Job.objects.none()


def visible_events(*, to: User) -> QuerySet[Event]:
    """Auditors only."""
    return Event.objects.all() if may(to, "auditor") else Event.objects.none()
