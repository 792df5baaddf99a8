"""The expert's profile and new organisations: what a fresh account does first."""

from __future__ import annotations

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.kit import clock
from marketplace.kit.countries import COUNTRIES
from marketplace.kit.errors import DomainError
from marketplace.kit.markdown import render_markdown
from marketplace.organizations.access import memberships_of
from marketplace.organizations.services.founding import found_organization
from marketplace.people.access import expert_of, signed_in
from marketplace.people.models import Expert, LegalDocument, User
from marketplace.people.selectors import documents_to_accept
from marketplace.people.services.consenting import give_consent
from marketplace.people.services.joining import create_expert, describe_expert
from marketplace.web.forms import attach

# What an expert agrees to before the first profile, where the instance has published it.
KINDS = ("terms_of_service", "privacy", "contractor")
_AREAS = (
    "Africa/",
    "America/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
)


@cache
def _zones() -> list[tuple[str, str]]:
    named = sorted(name for name in available_timezones() if name.startswith(_AREAS))
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in named)]


class ProfileForm(forms.Form):
    """What others may know of an expert."""

    display_name = forms.CharField(
        label="Your name", max_length=150, help_text="For payouts and staff. Labs never see it."
    )
    headline = forms.CharField(
        max_length=200, required=False, help_text="One line on what you know."
    )
    country = forms.ChoiceField(
        choices=[("", "Choose"), *COUNTRIES.items()],
        help_text="Where you live and are paid.",
        error_messages={"invalid_choice": "Choose a country."},
    )
    languages = forms.CharField(
        help_text="Codes with commas between, such as en, pt-BR. Best first."
    )
    time_zone = forms.ChoiceField(choices=_zones)

    def clean_languages(self) -> list[str]:
        return [word.strip() for word in self.cleaned_data["languages"].split(",") if word.strip()]


class OrganizationForm(forms.Form):
    """A client in its first words."""

    name = forms.CharField(max_length=150)
    slug = forms.CharField(
        label="Address", max_length=60, help_text="Lower-case letters, digits and hyphens."
    )


def profile(request: HttpRequest) -> HttpResponse:
    """Show and change the expert profile, or start one under the texts in force."""
    user = signed_in(request)
    expert = expert_of(user)
    wanted = documents_to_accept(user, KINDS, at=clock.now()) if expert is None else []
    form = ProfileForm(request.POST or None, initial=_initial(expert, user))
    if request.method == "POST" and _agrees(form, request, wanted) and form.is_valid():
        try:
            _save(user, expert, wanted, request, dict(form.cleaned_data))
        except DomainError as error:
            attach(form, error)
        else:
            messages.success(request, "Your profile is saved.")
            return redirect("account" if expert else "home")
    return render(
        request,
        "web/account/profile.html",
        {
            "form": form,
            "expert": expert,
            "email": user.email,
            "organizations": [each.organization for each in memberships_of(user)[:20]],
            "documents": [
                {"document": each, "html": render_markdown(each.body)} for each in wanted
            ],
        },
        status=422 if form.is_bound else 200,
    )


def new_organization(request: HttpRequest) -> HttpResponse:
    """Found a client; whoever does becomes its owner."""
    user = signed_in(request)
    form = OrganizationForm(request.POST or None)
    if form.is_bound and form.is_valid():
        try:
            organization = found_organization(owner=user, at=clock.now(), **form.cleaned_data)
        except DomainError as error:
            attach(form, error)
        else:
            return redirect(f"/o/{organization.slug}/")
    status = 422 if form.is_bound else 200
    return render(request, "web/account/new_organization.html", {"form": form}, status=status)


def _initial(expert: Expert | None, user: User) -> dict[str, str]:
    if expert is None:
        return {"display_name": user.name, "time_zone": "UTC", "languages": "en"}
    return {
        "display_name": expert.display_name,
        "headline": expert.headline,
        "country": expert.country,
        "languages": ", ".join(expert.languages),
        "time_zone": expert.time_zone,
    }


def _agrees(form: ProfileForm, request: HttpRequest, wanted: list[LegalDocument]) -> bool:
    missing = [each.title for each in wanted if request.POST.get(f"agree-{each.pk}") != each.sha256]
    if missing:
        form.add_error(None, f"Please read and agree to: {', '.join(missing)}.")
    return not missing


@transaction.atomic
def _save(
    user: User,
    expert: Expert | None,
    wanted: list[LegalDocument],
    request: HttpRequest,
    values: dict[str, Any],  # Any: cleaned values of the form
) -> None:
    at = clock.now()
    for document in wanted:
        shown = request.POST[f"agree-{document.pk}"]
        give_consent(user=user, document=document, shown_hash=shown, channel="web", at=at)
    if expert:
        describe_expert(expert=expert, at=at, **values)
        return
    headline = values.pop("headline")
    created = create_expert(user=user, at=at, **values)
    if headline:
        describe_expert(expert=created, at=at, headline=headline, **values)
