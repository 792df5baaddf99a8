"""Anticipated errors become pages that say what to do; what browsers may do with our pages."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from marketplace.kit.errors import DomainError
from marketplace.web.errors import (
    DATABASE_AWAY,
    answer_database_away,
    answer_domain_error,
    page_not_found,
)

NOT_SIGNED_IN, NOT_FOUND = 401, 404
CLOSED = "camera=(), microphone=(), geolocation=(), usb=()"


class BrowserRules:
    """Close the devices that no page uses; on sign-out, drop the drafts kept in the browser."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", CLOSED)
        match = request.resolver_match
        if request.method == "POST" and match and match.view_name == "account_logout":
            response["Clear-Site-Data"] = '"storage"'
        return response


class ErrorsMiddleware:
    """A DomainError from a view is answered with its message and status, a lost database with 503.

    One of status 401 leads a page to the sign-in and stays 401 for htmx, which would otherwise
    swap the sign-in page into a fragment.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if settings.DEBUG and response.status_code == NOT_FOUND and not request.resolver_match:
            return page_not_found(request)  # Django would list every address of ours
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, DATABASE_AWAY):
            return answer_database_away(request)
        if not isinstance(exception, DomainError):
            return None
        if exception.status == NOT_SIGNED_IN and not _is_partial(request):
            query = urlencode({"next": request.get_full_path()})
            return HttpResponseRedirect(f"{reverse('account_login')}?{query}")
        return answer_domain_error(request, exception)


def _is_partial(request: HttpRequest) -> bool:
    return bool(request.headers.get("HX-Request")) or request.path.startswith("/api/")
