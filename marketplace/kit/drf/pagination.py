"""Lists by cursor: stable while rows are added, and as fast on the last page as on the first."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.kit.errors import InvalidInput

LIMIT = 50
LARGEST_LIMIT = 200


class KeysetPagination(BasePagination):
    """`?limit=` (1 to 200) and `?cursor=`, by primary key: oldest first, as keys are time-ordered.

    Answers `{"results": [...], "next_cursor": "..." or null}`.
    """

    next_cursor: str | None = None

    def paginate_queryset(  # type: ignore[override]  # a plain sequence has no keys
        self, queryset: QuerySet[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:  # Any: rows of the caller's model
        del view
        limit = _limit(request.query_params.get("limit"))
        cursor = request.query_params.get("cursor")
        if cursor is not None:
            queryset = queryset.filter(pk__gt=_opened(cursor, queryset.model))
        rows = list(queryset.order_by("pk")[: limit + 1])
        self.next_cursor = _closed(rows[limit - 1]) if len(rows) > limit else None
        return rows[:limit]

    def get_paginated_response(self, data: Any) -> Response:  # Any: serialized rows
        return Response({"results": data, "next_cursor": self.next_cursor})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "next_cursor"],
            "properties": {
                "results": schema,
                "next_cursor": {"type": "string", "nullable": True},
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        del view
        limit = {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": LIMIT}
        return [
            _parameter("limit", limit, "Rows per page."),
            _parameter("cursor", {"type": "string"}, "`next_cursor` of the page before."),
        ]


def _limit(text: str | None) -> int:
    if text is None:
        return LIMIT
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LARGEST_LIMIT):
        raise _not_readable("limit", f"limit goes from 1 to {LARGEST_LIMIT}.")
    return int(text)


def _closed(row: Model) -> str:
    return base64.urlsafe_b64encode(str(row.pk).encode()).decode().rstrip("=")


def _opened(cursor: str, model: type[Model]) -> Any:  # Any: the model's key
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        return model._meta.pk.to_python(text)  # noqa: SLF001 Django's documented name
    except (binascii.Error, ValueError, ValidationError):
        raise _not_readable("cursor", "This cursor was not made here.") from None


def _not_readable(field: str, text: str) -> InvalidInput:
    return InvalidInput(text, errors=[{"field": field, "problem": text}])


def _parameter(name: str, schema: dict[str, Any], meaning: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": meaning,
        "schema": schema,
    }
