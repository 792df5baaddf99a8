"""People in the admin, to look at. The admin's door is allauth's: second factor and limits hold."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.models import Group

from marketplace.kit.admin import ReadOnlyAdmin
from marketplace.people.models import (
    ConsentRecord,
    DecisionRecord,
    Expert,
    LegalDocument,
    StaffRole,
    User,
)

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # as allauth says
admin.site.site_header = admin.site.site_title = "Guildhall records"
# Rights come from roles, never from Django's groups.
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ["id", "email", "name", "is_active", "is_staff", "is_superuser", "date_joined"]
    list_filter = ["is_staff", "is_active"]
    search_fields = ["email", "name"]
    exclude = ["password", "groups", "user_permissions"]


@admin.register(StaffRole)
class StaffRoleAdmin(ReadOnlyAdmin):
    list_display = ["id", "user", "role", "granted_at"]
    list_filter = ["role"]
    list_select_related = ["user"]


@admin.register(Expert)
class ExpertAdmin(ReadOnlyAdmin):
    list_display = ["id", "pseudonym", "display_name", "country", "created_at", "paused_at"]
    search_fields = ["pseudonym", "display_name", "user__email"]


@admin.register(LegalDocument)
class LegalDocumentAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "version", "locale", "title", "effective_from"]
    list_filter = ["kind", "locale"]


@admin.register(ConsentRecord)
class ConsentRecordAdmin(ReadOnlyAdmin):
    list_display = ["id", "user", "document", "scope", "act", "at", "channel"]
    list_filter = ["act", "scope"]
    list_select_related = ["user", "document"]


@admin.register(DecisionRecord)
class DecisionRecordAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "adverse", "automated", "subject_kind", "decided_at"]
    list_filter = ["kind", "adverse", "automated"]
    search_fields = ["subject_id", "expert__pseudonym"]
