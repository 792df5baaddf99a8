"""Organisations in the admin, to look at."""

from __future__ import annotations

from django.contrib import admin

from marketplace.kit.admin import ReadOnlyAdmin
from marketplace.organizations.models import (
    ApiKey,
    Employment,
    Invitation,
    Membership,
    Organization,
)


@admin.register(Organization)
class OrganizationAdmin(ReadOnlyAdmin):
    list_display = ["id", "name", "slug", "country", "created_at"]
    search_fields = ["name", "slug"]


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ["id", "organization", "user", "role", "joined_at"]
    list_filter = ["role"]
    list_select_related = ["organization", "user"]


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ["id", "organization", "email", "role", "invited_at", "accepted_at"]
    list_select_related = ["organization"]
    exclude = ["token_sha256"]


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ["id", "organization", "name", "prefix", "expires_at", "revoked_at"]
    list_select_related = ["organization"]
    exclude = ["secret_sha256"]


@admin.register(Employment)
class EmploymentAdmin(ReadOnlyAdmin):
    list_display = ["id", "expert", "organization", "workforce", "from_date", "until_date"]
    list_select_related = ["expert", "organization"]
