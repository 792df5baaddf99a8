"""`Authorization: Bearer guild_live_<prefix>_<secret>`."""

from __future__ import annotations

from uuid import UUID

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from marketplace.kit import clock
from marketplace.organizations.access import Principal
from marketplace.organizations.models import ApiKey
from marketplace.organizations.selectors import live_key
from marketplace.organizations.services.keys import note_use
from marketplace.people.access import signed_in


class ApiKeyUser:
    """The key as DRF's `request.user`; the row itself is `request.auth`."""

    is_authenticated = True
    is_anonymous = False
    is_active = True
    is_staff = False

    def __init__(self, key: ApiKey) -> None:
        self.key = key

    @property
    def pk(self) -> UUID:
        """The key's id: limits and idempotency count per key."""
        return self.key.pk


class ApiKeyAuthentication(BaseAuthentication):
    """Lets in a live key. A request without a bearer header is somebody else's to judge."""

    def authenticate(self, request: Request) -> tuple[ApiKeyUser, ApiKey] | None:
        scheme, _, token = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        at = clock.now()
        key = live_key(token=token.strip().decode("latin-1"), at=at)
        if key is None:
            raise AuthenticationFailed("This key is not valid.", code="key_not_valid")
        note_use(key=key, at=at)
        return ApiKeyUser(key), key

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 as DRF has it
        return 'Bearer realm="api"'


def principal_of(request: Request) -> Principal:
    """The key or the person asking; raises NotSignedIn for neither."""
    if isinstance(request.auth, ApiKey):
        return request.auth
    return signed_in(request)
