"""The site while a restore goes on, or did not pass its checks."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from marketplace.kit.servers.folders import restoring_marker
from marketplace.web.errors import RETRY_AFTER_SECONDS, answer_error

OPEN = frozenset({"/healthz"})


def is_restoring() -> bool:
    """Whether what the database holds has not been found whole yet."""
    return restoring_marker(settings.DATA_DIR).exists()


class ClosedWhileRestoring:
    """Answers 503 to everything but /healthz until what was restored has passed its checks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in OPEN or not is_restoring():
            return self.get_response(request)
        response = answer_error(
            request,
            status=503,
            message="A backup is being restored. The site opens when it has been checked.",
            code="restoring",
        )
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
