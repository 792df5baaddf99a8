"""A file on its way into a batch: upload or paste, dry run, mapping, then all good rows or none."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.formats import registry
from marketplace.formats.mapping import Mapping
from marketplace.formats.rows import Row, read_rows
from marketplace.kit import clock
from marketplace.projects.models import Project
from marketplace.web.client.acting import act, link, status_of, tried
from marketplace.web.client.labels import client_badge
from marketplace.web.client.own import Member, looking, managing, own_batch, own_import
from marketplace.web.jobs.card import card_of
from marketplace.web.paging import page_upwards
from tasks.access import visible_import_problems
from tasks.gateways import open_upload
from tasks.models import Batch, Import
from tasks.models.imports import RUNNING
from tasks.services import importing
from tasks.services.reading import split_mapping

FIRST = 3
MOST_COLUMNS = 60
ROW_KEY = "row_key"
LONGEST_PASTE = 2_000_000


class UploadForm(forms.Form):
    """A file, or its text."""

    file = forms.FileField(
        required=False, help_text="JSON, JSON Lines, CSV or TSV in UTF-8, also gzipped."
    )
    text = forms.CharField(
        label="Or paste rows",
        required=False,
        max_length=LONGEST_PASTE,
        widget=forms.Textarea(attrs={"rows": 6, "class": "mono"}),
    )

    def clean(self) -> dict[str, Any]:  # Any: as Django's
        values = super().clean() or {}
        if not values.get("file") and not (values.get("text") or "").strip():
            raise forms.ValidationError("Choose a file or paste some rows.")
        return values


@managing
def new_import(request: HttpRequest, member: Member, batch_id: UUID) -> HttpResponse:
    """Take a file and read it as a whole; nothing is imported yet."""
    batch = own_batch(member, batch_id)
    running = batch.imports.filter(state__in=RUNNING).order_by("-pk").first()
    if running is not None and request.method == "GET":
        return redirect(link(member, "import", upload_id=running.pk))
    form = UploadForm(request.POST or None, request.FILES or None)
    made: list[Import] = []
    if form.is_bound and tried(form, lambda: made.append(_start(member, batch, form))):
        return redirect(link(member, "import", upload_id=made[0].pk))
    context = {"member": member, "batch": batch, "project": batch.project, "form": form}
    context["example"] = _example(batch.project)
    return render(request, "web/client/new_import.html", context, status=status_of(form))


@looking
def show(request: HttpRequest, member: Member, upload_id: UUID) -> HttpResponse:
    """The dry run with its progress, what it found, the mapping, and the bad rows."""
    upload = own_import(member, upload_id)
    page = page_upwards(request, visible_import_problems(to=member.user).filter(upload=upload))
    job_id = upload.load_job or upload.check_job
    can_map = member.can_manage and upload.state == "checked"
    context = {
        "member": member,
        "upload": upload,
        "batch": upload.batch,
        "project": upload.batch.project,
        "badge": client_badge(upload.state),
        "job": card_of(job_id, user=member.user) if job_id and upload.state in _BUSY else None,
        "page": page,
        "can_act": member.can_manage and upload.state == "checked",
        "can_cancel": member.can_manage and upload.state in RUNNING,
        "can_retry": member.can_manage
        and upload.state in ("failed", "cancelled")
        and upload.batch.state in ("draft", "ready"),
        "mapping": _mapping(upload) if can_map else None,
    }
    return render(request, "web/client/import.html", context)


@require_POST
@managing
def map_again(request: HttpRequest, member: Member, upload_id: UUID) -> HttpResponse:
    """Read the same file under another mapping: the old import is cancelled, a new one starts."""
    upload = own_import(member, upload_id)
    form = registry.get(upload.batch.project.format)
    mapping = _lines(form.Prompt.model_fields, request)
    made: list[Import] = []

    def restart() -> None:
        at = clock.now()
        fields, _ = split_mapping(mapping=mapping)
        Mapping.parse(fields).require_fields(form)  # before the file is given up
        with open_upload(upload.path) as file:
            importing.cancel_import(upload=upload, by=member.user, at=at)
            made.append(
                importing.start_import(
                    batch=upload.batch,
                    file=file,
                    file_name=upload.file_name,
                    mapping=mapping,
                    by=member.user,
                    at=at,
                )
            )

    answer = act(request, restart, url=link(member, "import", upload_id=upload.pk))
    return redirect(link(member, "import", upload_id=made[0].pk)) if made else answer


@require_POST
@managing
def accept(request: HttpRequest, member: Member, upload_id: UUID) -> HttpResponse:
    """Import every good row."""
    upload = own_import(member, upload_id)
    return act(
        request,
        lambda: importing.accept_import(upload=upload, by=member.user, at=clock.now()),
        url=link(member, "import", upload_id=upload.pk),
    )


@require_POST
@managing
def cancel(request: HttpRequest, member: Member, upload_id: UUID) -> HttpResponse:
    """Take nothing from the file."""
    upload = own_import(member, upload_id)
    return act(
        request,
        lambda: importing.cancel_import(upload=upload, by=member.user, at=clock.now()),
        url=link(member, "batch", batch_id=upload.batch_id),
        done="Cancelled. Nothing was imported from this file.",
    )


_BUSY = ("checking", "loading")


def _start(member: Member, batch: Batch, form: forms.Form) -> Import:
    upload = form.cleaned_data["file"]
    pasted = str(form.cleaned_data["text"]).encode()
    file: IO[bytes] = upload or io.BytesIO(pasted)
    name = str(upload.name) if upload else "pasted"
    mapping = _guess(batch.project, _first_rows(file, name))
    return importing.start_import(
        batch=batch, file=file, file_name=name, mapping=mapping, by=member.user, at=clock.now()
    )


def _guess(project: Project, rows: list[Row]) -> list[str]:
    """The project's last mapping where the file has its columns; else fields of the same name."""
    columns = set(_columns(rows))
    paths = [line.partition("=")[2] for line in project.mapping if ":=" not in line]
    if paths and all(path in columns for path in paths):
        return list(project.mapping)
    fields = registry.get(project.format).Prompt.model_fields
    needed = {name for name, field in fields.items() if field.is_required()}
    return [f"{name}={name}" for name in fields if name in columns] if needed <= columns else []


def _first_rows(file: IO[bytes], name: str) -> list[Row]:
    rows = islice(read_rows(file, name=name), FIRST)
    found = [row for row in rows if isinstance(row, Row)]
    file.seek(0)
    return found


def _columns(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.data))[:MOST_COLUMNS]


def _mapping(upload: Import) -> dict[str, Any] | None:  # Any: template values
    """Fields of the format with the columns of the file and what the first rows hold."""
    try:
        with open_upload(upload.path) as file:
            rows = _first_rows(file, upload.file_name)
    except FileNotFoundError:
        return None
    columns = _columns(rows)
    fields = registry.get(upload.batch.project.format).Prompt.model_fields
    given = list(_given(upload.mapping, list(fields)))
    taken: dict[str, list[str]] = {name: [p for n, p in given if n == name] for name in fields}
    taken[ROW_KEY] = [path for name, path in given if name == ROW_KEY]
    named = {name: field.title or name for name, field in fields.items()}
    needed = {name for name, field in fields.items() if field.is_required()}
    return {
        "columns": columns,
        "fields": [
            {
                "name": name,
                "label": label,
                "is_required": name in needed,
                "chosen": ", ".join(taken[name]),
            }
            for name, label in (*named.items(), (ROW_KEY, "Your own row id"))
        ],
        "rows": [[_short(row.data.get(column)) for column in columns] for row in rows],
    }


def _given(mapping: list[str], fields: list[str]) -> Iterator[tuple[str, str]]:
    for line in mapping or [f"{name}={name}" for name in fields]:
        name, _, path = line.partition("=")
        if name.endswith(":"):
            yield name.removesuffix(":"), f":={path}"
        else:
            yield name, path


def _lines(fields: Any, request: HttpRequest) -> list[str]:  # Any: pydantic's fields
    """Mapping lines of the form: columns with commas between, or `:=` and a fixed JSON value."""
    lines = []
    for name in (*fields, ROW_KEY):
        typed = request.POST.get(name, "").strip()
        if typed.startswith(":="):
            lines.append(f"{name}{typed}")
            continue
        lines += [f"{name}={path.strip()}" for path in typed.split(",") if path.strip()]
    return lines


def _short(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _example(project: Project) -> str:
    fields = registry.get(project.format).Prompt.model_fields
    return ", ".join(name for name, field in fields.items() if field.is_required())
