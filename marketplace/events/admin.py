"""Events and seals in the admin, to look at only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from marketplace.events.models import Event, EventSeal

if TYPE_CHECKING:
    AdminBase = admin.ModelAdmin[Any]  # Any: one base for several models
else:
    AdminBase = admin.ModelAdmin  # Django's is no generic at run time


class ReadOnlyAdmin(AdminBase):
    """Rows nobody may change, not even a superuser; the triggers say the same."""

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, _request: HttpRequest, _obj: models.Model | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, _request: HttpRequest, _obj: models.Model | None = None
    ) -> bool:
        return False


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "object_kind", "object_id", "actor", "occurred_at"]
    list_filter = ["object_kind"]
    search_fields = ["=id", "=object_id", "=expert", "=organization", "=project", "kind"]
    ordering = ["-id"]


@admin.register(EventSeal)
class EventSealAdmin(ReadOnlyAdmin):
    list_display = ["position", "event_id", "hash", "sealed_at"]
    ordering = ["-position"]
