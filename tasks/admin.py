"""Work in the admin, to look at. Gold is shown here to superusers only."""

from __future__ import annotations

from django.contrib import admin

from marketplace.kit.admin import ReadOnlyAdmin
from tasks.models import (
    Assignment,
    Batch,
    Draft,
    ExpertRoute,
    Export,
    GoldAnswer,
    Import,
    ImportProblem,
    Review,
    Route,
    Submission,
    Task,
)


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = ["id", "name", "project", "state", "close_reason", "opened_at", "settled_at"]
    list_filter = ["state", "close_reason"]
    search_fields = ["name"]
    list_select_related = ["project"]


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    list_display = ["id", "row_key", "batch", "state", "taken", "seats", "is_open", "priority"]
    list_filter = ["state", "is_open"]
    search_fields = ["=id", "=row_key"]
    list_select_related = ["batch"]


@admin.register(GoldAnswer)
class GoldAnswerAdmin(ReadOnlyAdmin):
    list_display = ["id", "task", "state", "exposures", "provenance", "added_at"]
    list_filter = ["state"]
    list_select_related = ["task"]


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    list_display = ["id", "task", "expert", "state", "claimed_at", "lease_until", "pay_minor"]
    list_filter = ["state"]
    search_fields = ["=id", "=expert__pseudonym"]
    list_select_related = ["task", "expert"]


@admin.register(Draft)
class DraftAdmin(ReadOnlyAdmin):
    list_display = ["assignment", "revision", "saved_at"]
    list_select_related = ["assignment"]
    exclude = ["answer"]


@admin.register(Submission)
class SubmissionAdmin(ReadOnlyAdmin):
    list_display = ["id", "assignment", "revision", "submitted_at", "active_seconds", "assistance"]
    list_select_related = ["assignment"]


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    list_display = ["id", "submission", "reviewer", "verdict", "category", "reviewed_at"]
    list_filter = ["verdict", "category"]
    list_select_related = ["submission", "reviewer"]


@admin.register(Route)
class RouteAdmin(ReadOnlyAdmin):
    list_display = ["id", "project", "terms", "is_current", "epoch"]
    list_select_related = ["project", "terms"]


@admin.register(ExpertRoute)
class ExpertRouteAdmin(ReadOnlyAdmin):
    list_display = ["id", "expert", "route", "rank"]
    list_select_related = ["expert", "route"]


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    list_display = ["id", "file_name", "batch", "state", "rows_good", "rows_bad", "rows_loaded"]
    list_filter = ["state"]
    list_select_related = ["batch"]


@admin.register(ImportProblem)
class ImportProblemAdmin(ReadOnlyAdmin):
    list_display = ["id", "upload", "row", "field", "problem"]
    list_select_related = ["upload"]


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = ["id", "project", "batch", "purpose", "state", "created_at", "ready_at"]
    list_filter = ["state", "purpose"]
    list_select_related = ["project", "batch"]
