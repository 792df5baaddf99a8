"""What a key's scopes let it do."""

from __future__ import annotations

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from marketplace.organizations.access import require_scope
from marketplace.organizations.models import ApiKey


class _HasScope(BasePermission):
    scope: str

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 as DRF has it
        if not isinstance(request.auth, ApiKey):
            return False
        require_scope(request.auth, self.scope)
        return True


def HasScope(scope: str) -> type[BasePermission]:  # noqa: N802 stands where classes stand
    """A permission class: a key carrying the scope. People are refused: they have the pages."""
    if scope not in ApiKey.Scope.values:
        raise ValueError(f"{scope} is not a scope")
    return type("HasScope", (_HasScope,), {"scope": scope})
