"""Vetting in the admin, to look at; verbs change it."""

from __future__ import annotations

from django.contrib import admin

from marketplace.kit.admin import ReadOnlyAdmin
from vetting.models import (
    Application,
    Assessment,
    AssessmentVersion,
    Attempt,
    AttemptResult,
    Credential,
    Document,
    DocumentAccess,
    Domain,
    Item,
    Qualification,
    QualityEvent,
    RequirementPolicy,
    Skill,
    SkillScore,
    Verification,
)


@admin.register(Domain)
class DomainAdmin(ReadOnlyAdmin):
    list_display = ["id", "slug", "name", "parent", "is_regulated"]
    list_select_related = ["parent"]


@admin.register(Skill)
class SkillAdmin(ReadOnlyAdmin):
    list_display = ["id", "slug", "name", "mean"]
    search_fields = ["slug"]


@admin.register(RequirementPolicy)
class RequirementPolicyAdmin(ReadOnlyAdmin):
    list_display = ["id", "skill", "level", "version", "published_at"]
    list_select_related = ["skill"]


@admin.register(Credential)
class CredentialAdmin(ReadOnlyAdmin):
    list_display = ["id", "expert", "kind", "state", "assurance", "submitted_at", "decided_at"]
    list_filter = ["state", "kind"]
    list_select_related = ["expert"]


@admin.register(Verification)
class VerificationAdmin(ReadOnlyAdmin):
    list_display = ["id", "credential", "verifier", "status", "assurance", "finished_at"]
    list_filter = ["status", "verifier"]
    list_select_related = ["credential"]


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    list_display = ["id", "credential", "media_type", "size_bytes", "purge_at", "purged_at"]
    list_select_related = ["credential"]
    exclude = ["stored_as"]


@admin.register(DocumentAccess)
class DocumentAccessAdmin(ReadOnlyAdmin):
    list_display = ["id", "document", "by", "reason", "at"]
    list_select_related = ["document", "by"]


@admin.register(Assessment)
class AssessmentAdmin(ReadOnlyAdmin):
    list_display = ["id", "slug", "name", "skill"]
    list_select_related = ["skill"]


@admin.register(AssessmentVersion)
class AssessmentVersionAdmin(ReadOnlyAdmin):
    list_display = ["id", "assessment", "number", "cut", "minimum", "maximum", "published_at"]
    list_select_related = ["assessment"]


@admin.register(Item)
class ItemAdmin(ReadOnlyAdmin):
    list_display = ["id", "assessment", "ref", "version", "band", "topic", "state"]
    list_filter = ["state", "topic"]
    list_select_related = ["assessment"]


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ["id", "expert", "assessment", "number", "state", "started_at", "ended_at"]
    list_filter = ["state"]
    list_select_related = ["expert", "assessment"]


@admin.register(AttemptResult)
class AttemptResultAdmin(ReadOnlyAdmin):
    list_display = ["id", "attempt", "outcome", "probability", "n_right", "n_answered", "engine"]
    list_filter = ["outcome"]
    list_select_related = ["attempt"]


@admin.register(Application)
class ApplicationAdmin(ReadOnlyAdmin):
    list_display = ["id", "expert", "domain", "state", "submitted_at", "decided_at"]
    list_filter = ["state", "domain"]
    list_select_related = ["expert", "domain"]


@admin.register(Qualification)
class QualificationAdmin(ReadOnlyAdmin):
    list_display = ["id", "expert", "skill", "level", "state", "granted_at", "expires_at"]
    list_filter = ["state", "level"]
    list_select_related = ["expert", "skill"]


@admin.register(QualityEvent)
class QualityEventAdmin(ReadOnlyAdmin):
    list_display = ["id", "expert", "skill", "source", "weight", "credit", "happened_at", "undoes"]
    list_filter = ["source"]
    list_select_related = ["expert", "skill", "undoes"]


@admin.register(SkillScore)
class SkillScoreAdmin(ReadOnlyAdmin):
    list_display = ["id", "expert", "skill", "tier", "n_events", "as_of", "version"]
    list_filter = ["tier"]
    list_select_related = ["expert", "skill"]
