"""Exports: ask for one, watch it being written, take its files."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any
from uuid import UUID

from django import forms
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.kit.errors import NotFound
from marketplace.projects.models import Project
from marketplace.projects.models.texts import PURPOSES
from marketplace.web.client.acting import act, link, status_of, tried
from marketplace.web.client.labels import client_badge
from marketplace.web.client.own import (
    Member,
    exports_of,
    freshly_signed_in,
    looking,
    managing,
    own_export,
    projects_of,
)
from marketplace.web.jobs.card import card_of
from marketplace.web.paging import page_of
from tasks.gateways import export_folder
from tasks.models import Export
from tasks.services.exporting import cancel_export, start_export

MANIFEST = "manifest.json"
REFUSED = "refused.jsonl"
REFUSED_SHOWN = 25
_ABOUT = {
    "data.jsonl": "One row per task, in the columns that training tools read.",
    "ties.jsonl": "Tasks without a majority.",
    "votes.jsonl": "Every answer, by pseudonym.",
    "provenance.jsonl": "Terms, guidelines, times and reviews behind each answer, hash-chained.",
    REFUSED: "Answers left out, and why.",
}


class ExportForm(forms.Form):
    """Which project, and what for."""

    project = forms.ModelChoiceField(queryset=Project.objects.none(), empty_label="Choose")
    purpose = forms.ChoiceField(
        choices=[(each, each.capitalize()) for each in PURPOSES],
        help_text="Answers whose terms do not name it are left out and listed.",
    )

    def __init__(self, *args: Any, member: Member, **kwargs: Any) -> None:  # Any: Django's own
        super().__init__(*args, **kwargs)
        own = projects_of(member).order_by("-pk")
        self.fields["project"].queryset = own  # type: ignore[attr-defined]  # a ModelChoiceField


@looking
def exports(request: HttpRequest, member: Member) -> HttpResponseBase:
    """What was exported, newest first, and a form for the next one."""
    if request.method == "POST":
        return _ask(request, slug=member.slug)
    return _list(request, member, ExportForm(initial=request.GET.dict(), member=member))


@freshly_signed_in
@managing
def _ask(request: HttpRequest, member: Member) -> HttpResponse:
    """Start one. Somebody who left a screen open does not hand the data to the next person."""
    form = ExportForm(request.POST, member=member)
    made: list[Export] = []

    def start() -> None:
        made.append(start_export(by=member.user, at=clock.now(), **form.cleaned_data))

    if tried(form, start):
        return redirect(link(member, "export", export_id=made[0].pk))
    return _list(request, member, form)


@looking
def export(request: HttpRequest, member: Member, export_id: UUID) -> HttpResponse:
    """Its job while it is written; then counts, files with their hashes, and what was left out."""
    found = own_export(member, export_id)
    is_building = found.state == "building" and found.job is not None
    context = {
        "member": member,
        "export": found,
        "badge": client_badge(found.state),
        "job": card_of(found.job, user=member.user) if is_building and found.job else None,
        "files": _files(found),
        "has_manifest": found.state == "ready",
        "refused": _refused(found),
    }
    return render(request, "web/client/export.html", context)


@require_POST
@managing
def cancel(request: HttpRequest, member: Member, export_id: UUID) -> HttpResponse:
    """Stop one that is still being written."""
    found = own_export(member, export_id)
    return act(
        request,
        lambda: cancel_export(export=found, by=member.user, at=clock.now()),
        url=link(member, "exports"),
        done="Cancelled. No file was kept.",
    )


@managing
def download(
    request: HttpRequest,  # noqa: ARG001 as Django calls it
    member: Member,
    export_id: UUID,
    name: str,
) -> HttpResponseBase:
    """One file, always as an attachment."""
    found = own_export(member, export_id)
    path = export_folder(found.pk) / name
    if found.state != "ready" or name not in {*found.files, MANIFEST} or not path.is_file():
        raise NotFound("There is no such file.")
    answer = FileResponse(
        path.open("rb"), as_attachment=True, filename=name, content_type="application/octet-stream"
    )
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, no-store"
    return answer


def _list(request: HttpRequest, member: Member, form: ExportForm) -> HttpResponse:
    page = page_of(request, exports_of(member).select_related("project", "batch"))
    rows = [{"row": each, "badge": client_badge(each.state)} for each in page.rows]
    context = {"member": member, "page": page, "rows": rows, "form": form}
    return render(request, "web/client/exports.html", context, status=status_of(form))


def _files(found: Export) -> list[dict[str, Any]]:  # Any: template values
    return [
        {"name": name, "about": _ABOUT.get(name, ""), **found.files[name]}
        for name in _ABOUT
        if name in found.files
    ]


def _refused(found: Export) -> list[dict[str, Any]]:  # Any: lines of our own file
    path = export_folder(found.pk) / REFUSED
    if found.state != "ready" or not path.is_file():
        return []
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in islice(file, REFUSED_SHOWN)]
