"""Projects in the admin, to look at."""

from __future__ import annotations

from django.contrib import admin

from marketplace.kit.admin import ReadOnlyAdmin
from marketplace.projects.models import (
    DataUseTerms,
    Engagement,
    Guideline,
    Project,
    Requirement,
)


@admin.register(Project)
class ProjectAdmin(ReadOnlyAdmin):
    list_display = ["id", "title", "organization", "format", "state", "created_at"]
    list_filter = ["state", "format"]
    search_fields = ["title"]
    list_select_related = ["organization"]


@admin.register(Guideline)
class GuidelineAdmin(ReadOnlyAdmin):
    list_display = ["id", "project", "version", "published_at"]
    list_select_related = ["project"]


@admin.register(DataUseTerms)
class DataUseTermsAdmin(ReadOnlyAdmin):
    list_display = ["id", "project", "version", "licence", "content_hash", "published_at"]
    list_select_related = ["project"]


@admin.register(Requirement)
class RequirementAdmin(ReadOnlyAdmin):
    list_display = ["id", "project", "skill", "level"]
    list_select_related = ["project", "skill"]


@admin.register(Engagement)
class EngagementAdmin(ReadOnlyAdmin):
    list_display = ["id", "project", "expert", "terms", "pay_channel", "accepted_at"]
    list_filter = ["pay_channel"]
    list_select_related = ["project", "expert", "terms"]
