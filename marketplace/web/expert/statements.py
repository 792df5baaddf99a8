"""One's papers: monthly statements, notes, what each year came to, and who one is on them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.kit.countries import COUNTRIES
from marketplace.kit.errors import DomainError, NotFound
from marketplace.kit.money import Money
from marketplace.people.models import Expert
from marketplace.web.client.acting import tried
from marketplace.web.expert.own import for_expert
from marketplace.web.paging import page_of
from marketplace.web.papers import paper_file, paper_row, show_paper
from marketplace.web.work_names import work_names
from payouts.access import visible_documents, visible_entries, visible_payee_profiles
from payouts.models import Document, PayeeProfile, PayrollLine
from payouts.selectors.parties import Party
from payouts.selectors.year_totals import own_years
from payouts.services.profiling import agree_to_notes, end_agreement_to_notes, set_payee_profile
from tasks.access import own_assignments


class PartyForm(forms.Form):
    """Who one is on papers."""

    legal_name = forms.CharField(label="Legal name", max_length=200)
    address = forms.CharField(max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
    country = forms.ChoiceField(
        choices=[("", "Choose"), *COUNTRIES.items()],
        error_messages={"invalid_choice": "Choose a country."},
    )
    vat_number = forms.CharField(
        label="VAT number", max_length=20, required=False, help_text="With its country: DE123456789"
    )

    def party(self) -> Party:
        """What was typed."""
        said = self.cleaned_data
        names = ("legal_name", "address", "country", "vat_number")
        return Party(*(said[name] for name in names))


@for_expert
def statements(request: HttpRequest, expert: Expert) -> HttpResponse:
    """Every paper, newest first; the years; the form."""
    return _show(request, expert)


@for_expert
def statement(request: HttpRequest, expert: Expert, paper_id: UUID) -> HttpResponse:
    """One paper, to read and to print."""
    row = _own(expert, paper_id)
    return show_paper(
        request,
        row,
        names=_names(expert, row),
        back_url=reverse("statements"),
        file_urls=[
            (form.upper(), reverse("statement_file", args=[paper_id, form]))
            for form in ("csv", "json")
        ],
    )


@for_expert
def statement_file(
    _request: HttpRequest, expert: Expert, paper_id: UUID, form: str
) -> HttpResponse:
    """The same as a file."""
    row = _own(expert, paper_id)
    return paper_file(row, form, names=_names(expert, row))  # type: ignore[return-value]  # may stream


@require_POST
@for_expert
def payee_profile(request: HttpRequest, expert: Expert) -> HttpResponse:
    """Say who one is on papers made from now on."""
    form = PartyForm(request.POST, prefix="party")

    def save() -> None:
        set_payee_profile(expert=expert, party=form.party(), at=clock.now())

    if tried(form, save):
        messages.success(request, "Saved. Papers made from now on say so.")
        return redirect("statements")
    return _show(request, expert, form)


@require_POST
@for_expert
def self_billing(request: HttpRequest, expert: Expert) -> HttpResponse:
    """Agree to self-billing notes, or end it."""
    try:
        if request.POST.get("act") == "agree":
            agree_to_notes(expert=expert, at=clock.now())
        else:
            end_agreement_to_notes(expert=expert, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("statements")


def _show(request: HttpRequest, expert: Expert, form: PartyForm | None = None) -> HttpResponse:
    page = page_of(request, _papers(expert))
    own = visible_payee_profiles(to=expert.user).filter(expert=expert)
    profile = own.order_by("pk").first()
    entries = visible_entries(to=expert.user).filter(account__expert=expert)
    context = {
        "page": page,
        "rows": [paper_row(each) for each in page.rows],
        "years": own_years(entries),
        "by_employer": _by_employer(expert),
        "profile": profile,
        "form": form or PartyForm(prefix="party", initial=_initial(profile, expert)),
    }
    status = 422 if form else 200
    return render(request, "web/expert/statements.html", context, status=status)


def _by_employer(expert: Expert) -> list[Money]:
    """What employers have paid, one amount per currency."""
    rows = PayrollLine.objects.filter(expert=expert, export__state="acknowledged", voided_at=None)
    sums = rows.values_list("export__currency").annotate(minor=Sum("amount_minor"))
    return [Money(minor, currency) for currency, minor in sums.order_by("export__currency")]


def _papers(expert: Expert) -> QuerySet[Document]:
    return visible_documents(to=expert.user).filter(expert=expert)


def _own(expert: Expert, paper_id: UUID) -> Document:
    found = _papers(expert).filter(pk=paper_id).select_related("expert", "organization")
    paper = found.order_by("pk").first()
    if paper is None:
        raise NotFound("There is no such paper of yours.")
    return paper


def _names(expert: Expert, paper: Document) -> dict[str, str]:
    keys = [line["key"] for line in paper.body.get("movements", ()) if "key" in line]
    return work_names(keys, own_assignments(to=expert.user))


def _initial(profile: PayeeProfile | None, expert: Expert) -> dict[str, Any]:  # Any: form values
    if profile is None:
        return {"country": expert.country}
    names = ("legal_name", "address", "country", "vat_number")
    return {name: getattr(profile, name) for name in names}
