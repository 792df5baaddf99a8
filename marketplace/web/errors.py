"""Pages for what went wrong. They read no row and no session: they work when little else does."""

from __future__ import annotations

import logging
import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from marketplace.kit.errors import DomainError
from marketplace.web.appearance import appearance

logger = logging.getLogger(__name__)
RETRY_AFTER_SECONDS = 10
DATABASE_AWAY = (OperationalError, InterfaceError)
TITLES = {
    400: "This request could not be read",
    403: "Not yours to do",
    404: "Nothing here",
    409: "Not possible now",
    410: "No longer here",
    413: "Too large",
    422: "This cannot be used",
    429: "Too many requests",
    500: "Something broke on our side",
    503: "Back in a moment",
}


def answer_error(
    request: HttpRequest, *, status: int, message: str, code: str = "", data: object = None
) -> HttpResponse:
    """The error as the asker reads it: problem+json under /api, an alert for htmx, else a page."""
    title = TITLES.get(status, "Not possible")
    if request.path.startswith("/api/"):
        problem = {"type": "about:blank", "title": title, "status": status, "detail": message}
        extra = data if isinstance(data, dict) else {}
        return JsonResponse(
            {**extra, **problem, "code": code or f"http_{status}"},
            status=status,
            content_type="application/problem+json",
        )
    context = {"status": status, "title": title, "message": message, **appearance(request)}
    name = "alert" if request.headers.get("HX-Request") else "page"
    return HttpResponse(render_to_string(f"web/errors/{name}.html", context), status=status)


def answer_domain_error(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The verb's own sentence, with its status."""
    return answer_error(
        request, status=error.status, message=error.message, code=error.code, data=error.data
    )


def answer_database_away(request: HttpRequest) -> HttpResponse:
    """503: nothing was written; the browser and API clients are told when to come back."""
    response = answer_error(
        request,
        status=503,
        message="The database is not answering. Nothing was changed. Please try again in ten "
        "seconds.",
        code="database_away",
    )
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    """Django's handler400."""
    return answer_error(request, status=400, message="Go back and try again.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    """Django's handler403."""
    return answer_error(request, status=403, message="Your account may not do this.")


def page_not_found(
    request: HttpRequest,
    exception: Exception | None = None,  # noqa: ARG001 Django's
) -> HttpResponse:
    """Django's handler404."""
    return answer_error(
        request, status=404, message="The address is wrong, or the page is not yours to see."
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500, called while the exception is at hand; an absent database is a 503."""
    if isinstance(sys.exc_info()[1], DATABASE_AWAY):
        return answer_database_away(request)
    return answer_error(
        request,
        status=500,
        message="The error is logged. What you typed on a task is kept in this browser.",
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was opened before the last sign-in or sign-out."""
    logger.info("Form refused", extra={"reason": reason})
    return answer_error(
        request,
        status=403,
        message="This form is too old. Reload the page and send it again; a draft is kept in "
        "this browser.",
        code="csrf_failed",
    )
