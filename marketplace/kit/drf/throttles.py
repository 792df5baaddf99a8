"""How often one asker may call the API. A cache server that is away counts nothing: fail open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

if TYPE_CHECKING:
    # APIView's own body loads this module, by the settings.
    from rest_framework.views import APIView


class PerPrincipal(SimpleRateThrottle):
    """Counts by key or user, by address for strangers: rates `signed_in` and `anonymous`.

    A view may name its own rate with `throttle_scope`.
    """

    def __init__(self) -> None:
        """The rate depends on who asks, so it is read with the request."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        known = request.user.is_authenticated
        self.scope = getattr(view, "throttle_scope", "signed_in" if known else "anonymous")
        self.rate = self.get_rate()
        self.num_requests, self.duration = self.parse_rate(self.rate)
        return super().allow_request(request, view)

    def get_cache_key(self, request: Request, view: APIView) -> str:  # noqa: ARG002 as DRF has it
        is_known = request.user.is_authenticated
        ident = str(request.user.pk) if is_known else self.get_ident(request)
        return self.cache_format % {"scope": self.scope, "ident": ident}
