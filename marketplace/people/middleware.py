"""What requests of people pass: a second factor, short staff sessions, limits that can count."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import cast

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.module_loading import import_string

from marketplace.kit.cache import ForgivingRedisCache
from marketplace.kit.errors import DomainError
from marketplace.people.access import has_second_factor, is_staff, needs_second_factor
from marketplace.people.models import User

Answer = Callable[[HttpRequest], HttpResponse]
ACCOUNTS = "/accounts/"
LOGOUT = f"{ACCOUNTS}logout/"
# Open without the second factor: setting it up, proving who one is, leaving.
SETTING_UP = (
    f"{ACCOUNTS}2fa/",
    f"{ACCOUNTS}reauthenticate/",
    f"{ACCOUNTS}confirm-email/",
    LOGOUT,
    "/static/",
)
RETRY_AFTER_SECONDS = 60
SEEN_SECONDS = 300


class SecondFactorNeeded(DomainError):
    """This person's roles ask for a second factor, and none is set up."""

    code = "second_factor_needed"
    status = 403


class LimitsCannotBeCounted(DomainError):
    """The cache server is away, so guesses cannot be counted and none are taken."""

    code = "limits_cannot_be_counted"
    status = 503


class TrackSessions:
    """Keep the list of signed-in devices: once a while for each, and when its address changes.

    allauth's own middleware writes with every request. While the cache is away, so does this.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if isinstance(request.user, User) and request.session.session_key and _is_due(request):
            UserSession.objects.create_from_request(request)
        return self.get_response(request)


class RequireSecondFactor:
    """Staff, and members who hold keys or money, see only the second-factor pages until it is set.

    A demo waives it, which its banner says; `people.E003` refuses a demo outside DEBUG.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _lacks_second_factor(request):
            return self.get_response(request)
        if request.path.startswith("/api/") or request.headers.get("HX-Request"):
            message = "Your role needs a second factor. Set it up under your account's security."
            return _refuse(request, SecondFactorNeeded(message))
        return HttpResponseRedirect(reverse("mfa_index"))


class ShortStaffSessions:
    """A session of staff ends STAFF_SESSION_SECONDS after the first request as staff."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        longest = settings.STAFF_SESSION_SECONDS
        if is_staff(request.user) and request.session.get_expiry_age() > longest:
            request.session.set_expiry(timedelta(seconds=longest))
        return self.get_response(request)


class RequireCountedLimits:
    """Account forms answer 503 while their limits cannot be counted. Signing out always works."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _counts_attempts(request) or _cache().is_reachable():
            return self.get_response(request)
        message = "We cannot check sign-ins right now. Please try again in a minute."
        response = _refuse(request, LimitsCannotBeCounted(message))
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response


def _lacks_second_factor(request: HttpRequest) -> bool:
    user: object = request.user
    if settings.DEMO or not isinstance(user, User) or request.path.startswith(SETTING_UP):
        return False
    return needs_second_factor(user) and not has_second_factor(user)


def _is_due(request: HttpRequest) -> bool:
    client = f"{get_adapter().get_client_ip(request)} {request.headers.get('User-Agent', '')}"
    text = f"{request.session.session_key} {request.user.pk} {client}"
    digest = hashlib.sha256(text.encode()).hexdigest()  # a session's key opens it: keep it out
    return bool(cache.add(f"seen:{digest}", 1, timeout=SEEN_SECONDS))


def _counts_attempts(request: HttpRequest) -> bool:
    is_account_form = request.path.startswith(ACCOUNTS) and request.path != LOGOUT
    return request.method == "POST" and is_account_form


def _cache() -> ForgivingRedisCache:
    # Django types the default cache by its base class; settings name ours.
    return cast("ForgivingRedisCache", cache)


def _refuse(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The error as pages and the API show it; whoever draws them is named by the settings."""
    answer = import_string(settings.DOMAIN_ERRORS_ANSWERED_BY)
    response: HttpResponse = answer(request, error)
    return response
