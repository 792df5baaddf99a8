"""The client's papers: statements, receipts, invoices; asking for one; the billing profile."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.kit.errors import NotFound
from marketplace.kit.ids import uuid7
from marketplace.web.amounts import AmountForm
from marketplace.web.client.acting import MoneyField, link, tried
from marketplace.web.client.credit import open_invoices
from marketplace.web.client.money_tabs import money_tabs
from marketplace.web.client.own import Member, batches_of, looking, paying, projects_of
from marketplace.web.expert.statements import PartyForm
from marketplace.web.paging import page_of
from marketplace.web.papers import paper_file, paper_row, show_paper
from payouts.access import visible_billing_profiles, visible_documents
from payouts.models import BillingProfile, Document, Invoice
from payouts.selectors.budgets import wallets
from payouts.selectors.parties import Party
from payouts.services.invoicing import ask_for_invoice
from payouts.services.profiling import set_billing_profile


class ProfileForm(PartyForm):
    """Who the client is on papers, with its own reference."""

    purchase_order = forms.CharField(
        label="Purchase order", max_length=60, required=False, help_text="Printed on every invoice."
    )
    email = forms.EmailField(label="Invoices go to", required=False)

    def party(self) -> Party:
        """What was typed."""
        said = self.cleaned_data
        names = ("legal_name", "address", "country", "vat_number", "purchase_order")
        return Party(*(said[name] for name in names))


class AskForm(AmountForm):
    """An invoice to pay in by bank transfer; `key` makes a double click one invoice."""

    amount = MoneyField(label="Amount")
    key = forms.UUIDField(widget=forms.HiddenInput)


@looking
def papers(request: HttpRequest, member: Member) -> HttpResponse:
    """Every paper, newest first; what is open; the two forms."""
    return _show(request, member)


@looking
def paper(request: HttpRequest, member: Member, paper_id: UUID) -> HttpResponse:
    """One paper, to read and to print."""
    row = _own(member, paper_id)
    return show_paper(
        request,
        row,
        names=_names(member, row),
        back_url=link(member, "papers"),
        file_urls=[
            (form.upper(), link(member, "paper_file", paper_id=paper_id, form=form))
            for form in ("csv", "json")
        ],
    )


@looking
def download_paper(
    _request: HttpRequest, member: Member, paper_id: UUID, form: str
) -> HttpResponseBase:
    """The same as a file."""
    row = _own(member, paper_id)
    return paper_file(row, form, names=_names(member, row))


@require_POST
@paying
def ask_invoice(request: HttpRequest, member: Member) -> HttpResponse:
    """An invoice for a payment by bank transfer."""
    form = AskForm(request.POST, prefix="ask", currencies=list(wallets(member.organization)))
    made: list[Invoice] = []

    def ask() -> None:
        made.append(
            ask_for_invoice(
                organization=member.organization,
                amount=form.cleaned_data["amount"],
                key=str(form.cleaned_data["key"]),
                by=member.user.pk,
                at=clock.now(),
            )
        )

    if tried(form, ask):
        return redirect(link(member, "paper", paper_id=made[0].pk))
    return _show(request, member, ask_form=form)


@require_POST
@paying
def billing_profile(request: HttpRequest, member: Member) -> HttpResponse:
    """Say who the client is on papers made from now on."""
    form = ProfileForm(request.POST, prefix="party")

    def save() -> None:
        set_billing_profile(
            organization=member.organization,
            party=form.party(),
            email=form.cleaned_data["email"],
            by=member.user.pk,
            at=clock.now(),
        )

    if tried(form, save):
        messages.success(request, "Saved. Papers made from now on say so.")
        return redirect(link(member, "papers"))
    return _show(request, member, profile_form=form)


def _show(
    request: HttpRequest,
    member: Member,
    ask_form: AskForm | None = None,
    profile_form: ProfileForm | None = None,
) -> HttpResponse:
    page = page_of(request, _papers(member))
    profiles = visible_billing_profiles(to=member.user).filter(organization=member.organization)
    profile = profiles.order_by("pk").first()
    context = {
        "member": member,
        "tabs": money_tabs(member, "papers"),
        "page": page,
        "rows": [paper_row(each) for each in page.rows],
        "open": open_invoices(member, at=clock.now()),
        "profile": profile,
        "ask_form": ask_form
        or AskForm(
            prefix="ask", currencies=list(wallets(member.organization)), initial={"key": uuid7()}
        ),
        "profile_form": profile_form or ProfileForm(prefix="party", initial=_initial(profile)),
    }
    status = 422 if ask_form or profile_form else 200
    return render(request, "web/client/papers.html", context, status=status)


def _papers(member: Member) -> QuerySet[Document]:
    return visible_documents(to=member.user).filter(organization=member.organization)


def _own(member: Member, paper_id: UUID) -> Document:
    found = _papers(member).filter(pk=paper_id).select_related("organization", "expert")
    row = found.order_by("pk").first()
    if row is None:
        raise NotFound("There is no such paper.")
    return row


def _names(member: Member, paper: Document) -> dict[str, str]:
    lines = paper.body.get("movements") or paper.body.get("lines") or []
    said = [line.get("source", "").partition(":") for line in lines]
    batches = batches_of(member).filter(
        reservation__in=[each for kind, _, each in said if kind == "batch"]
    )
    projects = projects_of(member).filter(
        pk__in=[each for kind, _, each in said if kind == "project"]
    )
    return {
        **{f"batch:{pk}": name for pk, name in batches.values_list("reservation", "name")},
        **{f"project:{pk}": title for pk, title in projects.values_list("pk", "title")},
    }


def _initial(profile: BillingProfile | None) -> dict[str, Any]:  # Any: form values
    if profile is None:
        return {}
    names = ("legal_name", "address", "country", "vat_number", "purchase_order", "email")
    return {name: getattr(profile, name) for name in names}
