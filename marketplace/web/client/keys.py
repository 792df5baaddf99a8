"""API keys: made once, shown once, revoked at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.kit.errors import NotFound
from marketplace.organizations.access import visible_api_keys
from marketplace.organizations.models import ApiKey
from marketplace.organizations.services.keys import create_api_key, revoke_api_key
from marketplace.projects.models import Project
from marketplace.web.client.acting import act, link, tried
from marketplace.web.client.own import (
    Member,
    freshly_signed_in,
    looking,
    managing,
    projects_of,
)
from marketplace.web.paging import page_of

DAYS = ((30, "30 days"), (90, "90 days"), (365, "A year"))
_ABOUT = {
    "projects:read": "Read projects and batches",
    "projects:write": "Make and open batches",
    "tasks:write": "Add tasks",
    "exports:read": "Read results",
    "funding:read": "Read wallet and budgets",
}


class KeyForm(forms.Form):
    """A key before it exists."""

    name = forms.CharField(max_length=80, help_text="Where it will be used.")
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[(scope, f"{about} ({scope})") for scope, about in _ABOUT.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.TypedChoiceField(label="Lives for", choices=DAYS, coerce=int, initial=90)
    projects = forms.ModelMultipleChoiceField(
        queryset=Project.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Only for these projects",
        help_text="None marked: all projects of the organisation.",
    )

    def __init__(self, *args: Any, member: Member, **kwargs: Any) -> None:  # Any: Django's own
        super().__init__(*args, **kwargs)
        own = projects_of(member).exclude(state="archived").order_by("-pk")
        self.fields["projects"].queryset = own  # type: ignore[attr-defined]  # a model choice


@looking
def keys(request: HttpRequest, member: Member) -> HttpResponseBase:
    """Every key with its scopes, last use and end; a new one's text is shown this once."""
    if request.method == "POST":
        return _create(request, slug=member.slug)
    return _show(request, member, KeyForm(member=member))


@freshly_signed_in
@managing
def _create(request: HttpRequest, member: Member) -> HttpResponse:
    form = KeyForm(request.POST, member=member)
    made: list[str] = []
    at = clock.now()

    def create() -> None:
        values = form.cleaned_data
        _, text = create_api_key(
            organization=member.organization,
            name=values["name"],
            scopes=values["scopes"],
            expires_at=at + timedelta(days=values["days"]),
            project_ids=[each.pk for each in values["projects"]],
            by=member.user,
            at=at,
        )
        made.append(text)

    if not tried(form, create):
        return _show(request, member, form, status=422)
    return _show(request, member, KeyForm(member=member), secret=made[0])


@require_POST
@managing
def revoke(request: HttpRequest, member: Member, key_id: UUID) -> HttpResponse:
    """Stop a key at once."""
    own = visible_api_keys(to=member.user).filter(organization=member.organization, pk=key_id)
    found = own.select_related("organization").order_by("pk").first()
    if found is None:
        raise NotFound("There is nothing here.")
    return act(
        request,
        lambda: revoke_api_key(key=found, by=member.user, at=clock.now()),
        url=link(member, "keys"),
        done=f"{found.name} is revoked.",
    )


def _show(
    request: HttpRequest, member: Member, form: KeyForm, *, secret: str = "", status: int = 200
) -> HttpResponse:
    own = visible_api_keys(to=member.user).filter(organization=member.organization)
    page = page_of(request, own)
    at = clock.now()
    context = {
        "member": member,
        "page": page,
        "rows": [_row(each, at) for each in page.rows],
        "form": form,
        "secret": secret,
    }
    response = render(request, "web/client/keys.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _row(key: ApiKey, at: datetime) -> dict[str, Any]:  # Any: template values
    state = "revoked" if key.revoked_at else "active" if at < key.expires_at else "expired"
    tones = {"active": ("ok", "check"), "revoked": ("bad", "x"), "expired": ("", "timer-off")}
    tone, icon = tones[state]
    return {"row": key, "state": state, "tone": tone, "icon": icon, "is_live": state == "active"}
