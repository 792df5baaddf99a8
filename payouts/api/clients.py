"""A client's payments and refunds. Keys may read payments; only people move money."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.kit import clock
from marketplace.kit.drf.idempotency import HEADER, KeyMissing, idempotent_with_key
from marketplace.kit.drf.pagination import KeysetPagination
from marketplace.kit.drf.serializers import StrictSerializer
from marketplace.kit.errors import Forbidden, NotFound
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from marketplace.organizations.access import organizations_of, require_role, require_scope
from marketplace.organizations.api.authentication import principal_of
from marketplace.organizations.models import ApiKey, Organization
from marketplace.people.models import User
from payouts.access import PAYING_ROLES, visible_fundings, visible_refunds
from payouts.api import serializers
from payouts.models import Funding, Refund
from payouts.services.funding import start_checkout
from payouts.services.refunding import request_refund

KEY = OpenApiParameter(
    HEADER, OpenApiTypes.STR, OpenApiParameter.HEADER, required=True, description="Any text once."
)


class FundingList(APIView):
    """Payments of one's organisations, and a new one."""

    permission_classes = [IsAuthenticated]
    pagination_class = KeysetPagination

    @extend_schema(responses=serializers.FundingView(many=True))
    def get(self, request: Request) -> Response:
        asker = principal_of(request)
        if isinstance(asker, ApiKey):
            require_scope(asker, ApiKey.Scope.FUNDING_READ)
        pages = KeysetPagination()
        rows = visible_fundings(to=asker).select_related("organization")
        page = pages.paginate_queryset(rows, request, self)
        return pages.get_paginated_response([_funding(row) for row in page])

    @extend_schema(
        request=serializers.NewFunding,
        responses={201: serializers.FundingView},
        parameters=[KEY],
    )
    def post(self, request: Request) -> Response:
        """Begin a payment; a person pays on the page at `url`. The same key: the same page."""
        key = request.headers.get(HEADER, "")
        if not key:
            raise KeyMissing(f"Send a header {HEADER}: this request moves money.")
        person = _person(request)
        sent = _read(serializers.NewFunding, request)
        client = _paying(person, sent["organization"])
        back = request.build_absolute_uri(reverse("client:billing", args=[client.slug]))
        row = start_checkout(
            organization=client,
            amount=Money(**sent["amount"]),
            by=person.pk,
            success_url=f"{back}?paid=1",
            cancel_url=back,
            key=f"api:{sha256(f'{person.pk}:{key}'.encode()).hexdigest()}",
            at=clock.now(),
        )
        return Response(_funding(row), 201)


class RefundList(APIView):
    """Refunds of one's organisations, and a new one. For people only."""

    permission_classes = [IsAuthenticated]
    pagination_class = KeysetPagination

    @extend_schema(responses=serializers.RefundView(many=True))
    def get(self, request: Request) -> Response:
        pages = KeysetPagination()
        rows = visible_refunds(to=_person(request)).select_related("organization")
        page = pages.paginate_queryset(rows, request, self)
        return pages.get_paginated_response([_refund(row) for row in page])

    @extend_schema(request=serializers.NewRefund, responses={201: serializers.RefundView})
    @idempotent_with_key
    def post(self, request: Request) -> Response:
        person = _person(request)
        sent = _read(serializers.NewRefund, request)
        row = request_refund(
            refund_id=uuid7(),
            organization=_paying(person, sent["organization"]),
            amount=Money(**sent["amount"]),
            why=sent["why"],
            by=person.pk,
            at=clock.now(),
        )
        return Response(_refund(row), 201)


def _person(request: Request) -> User:
    asker = principal_of(request)
    if not isinstance(asker, User):
        raise Forbidden("Keys move no money; a person of the organisation does this.")
    return asker


def _paying(person: User, slug: str) -> Organization:
    client = organizations_of(person).filter(slug=slug).order_by("pk").first()
    if client is None:
        raise NotFound("There is no such organisation.")
    require_role(person, client, *PAYING_ROLES)
    return client


def _read(kind: type[StrictSerializer], request: Request) -> dict[str, Any]:  # Any: field values
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    values: dict[str, Any] = body.validated_data  # Any: as above
    return values


def _amount(minor: int | None, currency: str) -> dict[str, int | str] | None:
    return None if minor is None else {"minor": minor, "currency": currency}


def _funding(row: Funding) -> dict[str, Any]:  # Any: JSON
    return {
        **{name: getattr(row, name) for name in ("id", "method", "state", "created_at", "paid_at")},
        "organization": row.organization.slug,
        "amount": _amount(row.amount_minor, row.currency),
        "received": _amount(row.received_minor, row.currency),
        "url": row.url,
    }


def _refund(row: Refund) -> dict[str, Any]:  # Any: JSON
    return {
        **{name: getattr(row, name) for name in ("id", "state", "asked_at", "ended_at")},
        "organization": row.organization.slug,
        "amount": _amount(row.amount_minor, row.currency),
    }
