"""Read the body of a request."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from marketplace.kit.drf.serializers import StrictSerializer
from marketplace.kit.errors import InvalidInput


def read(kind: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """The checked body (Any: values of its fields); a fault is 422 with each field."""
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    values: dict[str, Any] = body.validated_data
    return values


def read_uuid(name: str, text: str) -> UUID:
    """An id from the address, or InvalidInput."""
    try:
        return UUID(text)
    except ValueError:
        raise not_readable(name, "This is no id.") from None


def not_readable(field: str, text: str) -> InvalidInput:
    """422 for one parameter of the address."""
    return InvalidInput(text, errors=[{"field": field, "problem": text}])
