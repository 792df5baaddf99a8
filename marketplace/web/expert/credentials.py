"""Claims about oneself and the papers behind them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.kit.errors import DomainError, NotFound
from marketplace.people.models import Expert
from marketplace.web.expert.labels import badge_of
from marketplace.web.expert.own import for_expert
from marketplace.web.forms import attach
from vetting.access import visible_credentials, visible_document_accesses
from vetting.models import Credential
from vetting.services.credentials import draft_credential, submit_credential, withdraw_credential
from vetting.services.documents import ATTACHABLE, attach_document

LARGEST_UPLOAD = 10 * 1024 * 1024
OPEN = ("draft", "submitted", "checking", "needs_info", "in_review", "verified")


class CredentialForm(forms.Form):
    """A claim with its first paper."""

    kind = forms.ChoiceField(choices=[(k.value, k.value.capitalize()) for k in Credential.Kind])
    title = forms.CharField(max_length=200, help_text="Such as MSc in Biochemistry.")
    issuer = forms.CharField(max_length=200, help_text="University, authority or employer.")
    jurisdiction = forms.CharField(
        max_length=10, required=False, help_text="For licences: DE, or US-CA."
    )
    valid_from = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date"}), label="Valid from"
    )
    valid_until = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date"}), label="Valid until"
    )
    document = forms.FileField(help_text="PDF, PNG or JPEG, at most 10 MB. Deleted 30 days later.")

    def clean_jurisdiction(self) -> str:
        return str(self.cleaned_data["jurisdiction"]).upper()


class PaperForm(forms.Form):
    """One more paper."""

    document = forms.FileField(help_text="PDF, PNG or JPEG, at most 10 MB.")


@for_expert
def credentials(request: HttpRequest, expert: Expert) -> HttpResponse:
    """Each claim with its state and dates."""
    own = visible_credentials(to=expert.user).filter(expert=expert)
    rows = [{"row": each, "badge": badge_of(each.state)} for each in own.order_by("-pk")]
    return render(request, "web/expert/credentials.html", {"rows": rows})


@for_expert
def add(request: HttpRequest, expert: Expert) -> HttpResponse:
    """Write down a claim, attach its paper and hand it in."""
    form = CredentialForm(request.POST or None, request.FILES or None)
    if form.is_bound and form.is_valid():
        try:
            found = _hand_in(expert, dict(form.cleaned_data))
        except DomainError as error:
            attach(form, error)
        else:
            messages.success(request, "Sent. A person looks at it, usually within two days.")
            return redirect("credential", found.pk)
    status = 422 if form.is_bound else 200
    return render(request, "web/expert/credential_add.html", {"form": form}, status=status)


@for_expert
def credential(request: HttpRequest, expert: Expert, credential_id: UUID) -> HttpResponse:
    """One claim: its papers, who looked at them, what was decided or is asked."""
    found = _own(expert, credential_id)
    form = PaperForm(request.POST or None, request.FILES or None)
    if form.is_bound and form.is_valid():
        try:
            _add_paper(found, form.cleaned_data["document"])
        except DomainError as error:
            attach(form, error)
        else:
            messages.success(request, "Sent.")
            return redirect("credential", credential_id)
    looked = visible_document_accesses(to=expert.user).filter(document__credential=found)
    context = {
        "credential": found,
        "badge": badge_of(found.state),
        "documents": found.documents.order_by("pk"),
        "accesses": looked.order_by("-at", "pk")[:10],
        "form": form if found.state in ATTACHABLE else None,
        "can_withdraw": found.state in ("needs_info", "in_review", "verified"),
    }
    status = 422 if form.is_bound else 200
    return render(request, "web/expert/credential.html", context, status=status)


@require_POST
@for_expert
def take_back(request: HttpRequest, expert: Expert, credential_id: UUID) -> HttpResponse:
    """Withdraw a claim; its papers are deleted."""
    withdraw_credential(credential=_own(expert, credential_id), at=clock.now())
    messages.info(request, "Withdrawn. Its papers are being deleted.")
    return redirect("credentials")


@transaction.atomic
def _hand_in(expert: Expert, values: dict[str, Any]) -> Credential:  # Any: cleaned form values
    at = clock.now()
    upload = values.pop("document")
    drafted = draft_credential(expert=expert, at=at, **values)
    attach_document(credential=drafted, content=_read(upload), at=at)
    return submit_credential(credential=drafted, at=at)


@transaction.atomic
def _add_paper(found: Credential, upload: Any) -> None:  # Any: Django's uploaded file
    at = clock.now()
    attach_document(credential=found, content=_read(upload), at=at)
    submit_credential(credential=found, at=at)


def _read(upload: Any) -> bytes:  # Any: Django's uploaded file
    """One byte over the limit is enough for the inspection to refuse it."""
    content: bytes = upload.read(LARGEST_UPLOAD + 1)
    return content


def _own(expert: Expert, credential_id: UUID) -> Credential:
    own = visible_credentials(to=expert.user).filter(expert=expert, pk=credential_id)
    found = own.select_related("decision").order_by("pk").first()
    if found is None:
        raise NotFound("There is no such credential of yours.")
    return found
