"""Bodies of a client's requests about its money, and of their answers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from marketplace.kit.drf.serializers import StrictSerializer
from payouts.services.arriving import LARGEST_AMOUNT


class Amount(StrictSerializer):
    """Whole minor units of a currency: 1250 and USD are 12.50 dollars."""

    minor = serializers.IntegerField(min_value=1, max_value=LARGEST_AMOUNT)
    currency = serializers.RegexField(r"^[A-Z]{3}$")


class NewFunding(StrictSerializer):
    """A payment to begin: the client by its address name, and how much."""

    organization = serializers.SlugField()
    amount = Amount()


class NewRefund(StrictSerializer):
    """Free money to ask back."""

    organization = serializers.SlugField()
    amount = Amount()
    why = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class FundingView(serializers.Serializer[Any]):  # Any: rows come as ready values
    """A payment; `received` is what Stripe or the bank says, `url` the page while it is open."""

    id = serializers.UUIDField()
    organization = serializers.SlugField()
    method = serializers.ChoiceField(["checkout", "wire"])
    state = serializers.ChoiceField(["created", "paying", "paid", "failed", "expired"])
    amount = Amount()
    received = Amount(allow_null=True)
    url = serializers.CharField()
    created_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)


class RefundView(serializers.Serializer[Any]):  # Any: as above
    """Money asked back and what became of it."""

    id = serializers.UUIDField()
    organization = serializers.SlugField()
    state = serializers.ChoiceField(
        ["requested", "approved", "sending", "unknown", "paid", "failed", "refused"]
    )
    amount = Amount()
    asked_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
