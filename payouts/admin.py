"""The money in the admin: to look at. Nothing of it is edited by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from payouts import models

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Model]
else:
    AnyAdmin = admin.ModelAdmin  # Django's is no generic at run time


class ReadOnlyAdmin(AnyAdmin):
    """Rows to read; money changes through its verbs."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 Django's signature
        return False

    def has_change_permission(
        self,
        request: HttpRequest,  # noqa: ARG002 Django's signature
        obj: Model | None = None,  # noqa: ARG002
    ) -> bool:
        return False

    def has_delete_permission(
        self,
        request: HttpRequest,  # noqa: ARG002 Django's signature
        obj: Model | None = None,  # noqa: ARG002
    ) -> bool:
        return False


_COLUMNS: dict[type[Model], tuple[str, ...]] = {
    models.Account: ("id", "kind", "currency", "debits_minor", "credits_minor", "version"),
    models.Posting: ("id", "kind", "currency", "key", "effective_at", "created_at"),
    models.Entry: ("id", "posting_id", "account_id", "side", "amount_minor"),
    models.Funding: ("id", "state", "currency", "amount_minor", "received_minor", "created_at"),
    models.Reservation: ("id", "state", "currency", "base_minor", "pool_minor", "opened_at"),
    models.Earning: ("id", "key", "state", "currency", "pay_minor", "fee_minor", "earned_at"),
    models.Payee: ("id", "state", "why", "country", "account_id", "checked_at"),
    models.PayoutRun: ("id", "state", "currency", "opened_at", "approved_at", "finished_at"),
    models.Payout: ("id", "state", "why", "currency", "amount_minor", "transfer_id"),
    models.PayoutItem: ("id", "payout_id", "earning_id", "amount_minor", "is_live"),
    models.PayoutAttempt: ("id", "key", "state", "sends", "error_code", "provider_id"),
    models.BankAttempt: ("id", "key", "state", "sends", "error_code", "provider_id"),
    models.StripeEvent: ("id", "endpoint", "kind", "state", "reason", "received_at"),
}
for _model, _columns in _COLUMNS.items():
    admin.site.register(
        _model,
        type(
            f"{_model.__name__}Admin",
            (ReadOnlyAdmin,),
            {"list_display": _columns, "list_select_related": False},
        ),
    )
