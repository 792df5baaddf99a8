"""Statements for programs: an organisation's by key, an expert's own when signed in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.kit.drf.pagination import KeysetPagination
from marketplace.kit.errors import NotFound
from marketplace.organizations.api.authentication import principal_of
from marketplace.organizations.api.permissions import HasScope
from marketplace.organizations.models import ApiKey
from marketplace.people.access import signed_in
from payouts.access import visible_documents
from payouts.models import Document

Values = dict[str, Any]  # Any: JSON, rendered by DRF
_FIELDS = ("id", "number", "currency", "period_from", "period_until", "sha256", "issued_at")


class StatementView(serializers.Serializer[Document]):
    """A monthly statement; `period_until` is the day after its last."""

    id = serializers.UUIDField()
    number = serializers.CharField()
    currency = serializers.CharField()
    period_from = serializers.DateField()
    period_until = serializers.DateField()
    sha256 = serializers.CharField(help_text="Of the body: sorted keys, no spaces, UTF-8.")
    issued_at = serializers.DateTimeField()


class StatementBodyView(StatementView):
    """The same with everything that it says, in whole minor units."""

    body = serializers.JSONField()


class _Organizations(APIView):
    """For keys that may read the money."""

    permission_classes = [IsAuthenticated, HasScope(ApiKey.Scope.FUNDING_READ)]

    def rows(self, request: Request) -> QuerySet[Document]:
        own = visible_documents(to=principal_of(request))
        return own.filter(kind="statement", organization__isnull=False)


class _Own(APIView):
    """For experts, who see their own."""

    permission_classes = [IsAuthenticated]

    def rows(self, request: Request) -> QuerySet[Document]:
        person = signed_in(request)
        return visible_documents(to=person).filter(kind="statement", expert__user=person)


class StatementList(_Organizations):
    """The statements of the key's organisation, oldest first."""

    pagination_class = KeysetPagination

    @extend_schema(responses=StatementView(many=True))
    def get(self, request: Request) -> Response:
        return _page(self.rows(request), request, self)


class StatementDetail(_Organizations):
    """One of them with its body."""

    @extend_schema(responses=StatementBodyView)
    def get(self, request: Request, paper_id: UUID) -> Response:
        return _one(self.rows(request), paper_id)


class OwnStatementList(_Own):
    """One's own statements as an expert, oldest first."""

    pagination_class = KeysetPagination

    @extend_schema(responses=StatementView(many=True))
    def get(self, request: Request) -> Response:
        return _page(self.rows(request), request, self)


class OwnStatementDetail(_Own):
    """One of them with its body."""

    @extend_schema(responses=StatementBodyView)
    def get(self, request: Request, paper_id: UUID) -> Response:
        return _one(self.rows(request), paper_id)


def _page(rows: QuerySet[Document], request: Request, view: APIView) -> Response:
    pages = KeysetPagination()
    listed = pages.paginate_queryset(rows, request, view)
    return pages.get_paginated_response([_values(row) for row in listed])


def _one(rows: QuerySet[Document], paper_id: UUID) -> Response:
    row = rows.filter(pk=paper_id).order_by("pk").first()
    if row is None:
        raise NotFound("There is nothing here.")
    return Response({**_values(row), "body": row.body})


def _values(row: Document) -> Values:
    return {name: getattr(row, name) for name in _FIELDS}
