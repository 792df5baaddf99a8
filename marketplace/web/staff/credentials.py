"""Papers to check: the queue, one claim with its documents, and the verdict on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.kit import clock
from marketplace.kit.errors import DomainError, NotFound
from marketplace.people.models import User
from marketplace.people.services.deciding import NotYourDecision, Reason
from marketplace.web.forms import attach
from marketplace.web.paging import page_of
from marketplace.web.staff.access import act_of, for_staff
from marketplace.web.staff.labels import staff_badge
from marketplace.web.staff.waiting import words
from vetting.access import (
    require_unconflicted,
    visible_credentials,
    visible_document_accesses,
    visible_documents,
    visible_verifications,
)
from vetting.models import Credential, Document
from vetting.models.credentials import PENDING
from vetting.services.credentials import CHECKLIST, Registry, Verdict, decide_credential
from vetting.services.documents import open_document

SHOWN = {
    "waiting": ("To check", PENDING),
    "needs_info": ("Asked back", ("needs_info",)),
    "verified": ("Verified", ("verified",)),
    "rejected": ("Rejected", ("rejected", "revoked")),
}
QUESTIONS = {
    "name_matches": "The name on the paper is the person's",
    "issuer_exists": "The issuer exists and issues such papers",
    "dates_plausible": "The dates are plausible",
    "looks_untouched": "The paper looks untouched",
}
CODES = (
    ("", "None"),
    ("name_differs", "The name differs"),
    ("issuer_unknown", "The issuer is unknown"),
    ("dates_implausible", "The dates cannot be right"),
    ("altered", "The paper was altered"),
    ("not_the_claim", "The paper does not show the claim"),
)
YES_NO = (("yes", "Yes"), ("no", "No"))
SUFFIXES = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}
# Whatever a document holds, the browser runs none of it.
SEALED_OFF = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store, private",
}


class VerdictForm(forms.Form):
    """The checklist and what follows from it."""

    name_matches = forms.ChoiceField(choices=YES_NO, widget=forms.RadioSelect)
    issuer_exists = forms.ChoiceField(choices=YES_NO, widget=forms.RadioSelect)
    dates_plausible = forms.ChoiceField(choices=YES_NO, widget=forms.RadioSelect)
    looks_untouched = forms.ChoiceField(choices=YES_NO, widget=forms.RadioSelect)
    registry_url = forms.URLField(
        required=False,
        assume_scheme="https",
        label="Official source",
        help_text="Where you saw the claim yourself: raises the assurance to a3.",
    )
    name_as_shown = forms.CharField(required=False, max_length=200, label="Name as shown there")
    valid_until = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date"}), label="Valid until"
    )
    outcome = forms.ChoiceField(
        choices=[("verified", "Verified"), ("needs_info", "Ask for more"), ("rejected", "Reject")],
        widget=forms.RadioSelect,
    )
    code = forms.ChoiceField(
        choices=CODES, required=False, label="Reason", help_text="Needed to reject."
    )
    message = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}),
        required=False,
        max_length=4000,
        help_text="The person reads it: what is missing, or why it cannot be used.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: Django's
        super().__init__(*args, **kwargs)
        for point in CHECKLIST:
            self.fields[point].label = QUESTIONS[point]

    def clean(self) -> dict[str, Any]:  # Any: cleaned values
        values = super().clean() or {}
        if values.get("outcome") == "rejected" and not values.get("code"):
            self.add_error("code", "Choose the reason.")
        if values.get("outcome") == "rejected" and not values.get("message", "").strip():
            self.add_error("message", "Tell the person why.")
        if values.get("registry_url") and not values.get("name_as_shown"):
            self.add_error("name_as_shown", "Write the name as the source shows it.")
        return values


class OpeningForm(forms.Form):
    """Why somebody looks into a paper; the expert reads it."""

    reason = forms.CharField(min_length=5, max_length=300)


@for_staff("vetting")
def credentials(request: HttpRequest, user: User) -> HttpResponse:
    """The queue, and what became of the others."""
    show = request.GET.get("show", "waiting")
    show = show if show in SHOWN else "waiting"
    rows = visible_credentials(to=user).filter(state__in=SHOWN[show][1])
    page = page_of(request, rows.select_related("expert"))
    at = clock.now()
    context = {
        "page": page,
        "rows": [_row(each, at) for each in page.rows],
        "tabs": [
            {"label": label, "url": f"?show={key}", "is_current": key == show}
            for key, (label, _) in SHOWN.items()
        ],
        "show": show,
    }
    return render(request, "web/staff/credentials.html", context)


@for_staff("vetting")
def credential(request: HttpRequest, user: User, credential_id: UUID) -> HttpResponse:
    """One claim; a POST is the verdict on it."""
    found = _find(user, credential_id)
    form = VerdictForm(request.POST or None)
    if form.is_bound and form.is_valid():
        try:
            verdict = _verdict(form.cleaned_data, found, clock.now())
            decide_credential(credential=found, verdict=verdict, by=user, at=clock.now())
        except DomainError as error:
            attach(form, error)
        else:
            messages.info(request, f"This credential is {staff_badge(verdict.outcome).word} now.")
            return redirect("staff:credential", credential_id)
    return _answer(request, user, _find(user, credential_id), form=form)


@act_of("vetting")
def open_paper(request: HttpRequest, user: User, document_id: UUID) -> HttpResponse:
    """The paper as a download, once it is written down who looks and why."""
    rows = visible_documents(to=user).filter(pk=document_id)
    found = rows.select_related("credential__expert").order_by("pk").first()
    if found is None:
        raise NotFound("There is no such document.")
    require_unconflicted(user=user, expert=found.credential.expert)
    form = OpeningForm(request.POST)
    if not form.is_valid():
        problem = "Write why you open this document; the expert reads it."
        return _answer(request, user, _find(user, found.credential_id), problem=problem)
    reason = form.cleaned_data["reason"]
    content = open_document(document=found, by=user, reason=reason, at=clock.now())
    return _download(found, content)


def _download(document: Document, content: bytes) -> HttpResponse:
    name = f"document-{document.pk}.{SUFFIXES[document.media_type]}"
    headers = {**SEALED_OFF, "Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=document.media_type, headers=headers)


def _verdict(values: dict[str, Any], found: Credential, at: datetime) -> Verdict:  # Any: cleaned
    checklist = {point: values[point] == "yes" for point in CHECKLIST}
    failed = [f"checklist:{point}" for point, is_true in checklist.items() if not is_true]
    papers = found.documents.order_by("pk").values_list("pk", flat=True)
    evidence = [*failed, *(f"document:{key}" for key in papers)]
    seen = None
    if values["registry_url"]:
        seen = Registry(values["registry_url"], at.date(), values["name_as_shown"])
    return Verdict(
        outcome=values["outcome"],
        checklist=checklist,
        reason=Reason(values["code"], values["message"], evidence),
        registry=seen,
        valid_until=values["valid_until"],
    )


def _find(user: User, credential_id: UUID) -> Credential:
    rows = visible_credentials(to=user).filter(pk=credential_id).exclude(state="draft")
    joined = rows.select_related("expert__user", "decision__decided_by")
    found = joined.order_by("pk").first()
    if found is None:
        raise NotFound("There is no such credential.")
    return found


def _answer(
    request: HttpRequest,
    user: User,
    found: Credential,
    *,
    form: VerdictForm | None = None,
    problem: str = "",
) -> HttpResponse:
    looked = visible_document_accesses(to=user).filter(document__credential=found)
    checks = visible_verifications(to=user).filter(credential=found).select_related("decided_by")
    context = {
        "credential": found,
        "badge": staff_badge(found.state),
        "documents": found.documents.order_by("pk"),
        "accesses": looked.select_related("by").order_by("-at", "pk")[:25],
        "checks": checks.order_by("-finished_at", "-pk")[:25],
        "conflict": _conflict(found, user),
        "problem": problem,
        "can_decide": found.state == "in_review",
        "form": form or VerdictForm(),
    }
    status = 422 if problem or (form and form.is_bound) else 200
    return render(request, "web/staff/credential.html", context, status=status)


def _conflict(found: Credential, user: User) -> str:
    try:
        require_unconflicted(user=user, expert=found.expert)
    except NotYourDecision as refused:
        return refused.message
    return ""


def _row(row: Credential, at: datetime) -> dict[str, Any]:  # Any: template values
    since = row.submitted_at if row.state in PENDING else None
    age = words(at - since) if since else ""
    return {"row": row, "badge": staff_badge(row.state), "age": age}
