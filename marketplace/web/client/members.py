"""Who acts for the client, and in which role."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.kit.errors import NotFound
from marketplace.organizations.access import visible_invitations, visible_memberships
from marketplace.organizations.models import Membership
from marketplace.organizations.services.membership import (
    accept_invitation,
    change_role,
    invite_member,
    remove_member,
    withdraw_invitation,
)
from marketplace.people.access import signed_in
from marketplace.people.models import User
from marketplace.web.client.acting import act, link, tried
from marketplace.web.client.own import Member, looking, managing
from marketplace.web.paging import page_of

INVITATIONS = 25
_ABOUT = {
    "owner": "everything",
    "manager": "projects, members and keys",
    "reviewer": "reviews work",
    "viewer": "looks, changes nothing",
    "billing": "moves money",
}
ROLES = [(role, f"{role}: {about}") for role, about in _ABOUT.items()]


class InviteForm(forms.Form):
    """Whom to invite, and as what."""

    email = forms.EmailField(label="E-mail")
    role = forms.ChoiceField(choices=ROLES, initial="viewer")


@looking
def members(request: HttpRequest, member: Member) -> HttpResponseBase:
    """Members and open invitations; a new invitation's link is shown once."""
    if request.method == "POST":
        return _invite(request, slug=member.slug)
    return _show(request, member, InviteForm())


@managing
def _invite(request: HttpRequest, member: Member) -> HttpResponse:
    form = InviteForm(request.POST)
    made: list[str] = []

    def invite() -> None:
        _, token = invite_member(
            organization=member.organization, by=member.user, at=clock.now(), **form.cleaned_data
        )
        made.append(token)

    if not tried(form, invite):
        return _show(request, member, form, status=422)
    url = request.build_absolute_uri(link(member, "join", token=made[0]))
    return _show(request, member, InviteForm(), url=url, email=form.cleaned_data["email"])


@require_POST
@managing
def set_role(request: HttpRequest, member: Member, user_id: UUID) -> HttpResponse:
    """Give a member another role."""
    who = _user(member, user_id)
    role = request.POST.get("role", "")
    return act(
        request,
        lambda: change_role(
            organization=member.organization, user=who, role=role, by=member.user, at=clock.now()
        ),
        url=link(member, "members"),
        done=f"{who} is {role} now.",
    )


@require_POST
@looking
def remove(request: HttpRequest, member: Member, user_id: UUID) -> HttpResponse:
    """End a membership: one's own, or as owner or manager another's."""
    who = _user(member, user_id)
    is_self = who == member.user
    return act(
        request,
        lambda: remove_member(
            organization=member.organization, user=who, by=member.user, at=clock.now()
        ),
        url=reverse("account") if is_self else link(member, "members"),
        done="You have left." if is_self else f"{who} was removed.",
    )


@require_POST
@managing
def withdraw(request: HttpRequest, member: Member, invitation_id: UUID) -> HttpResponse:
    """Make an open invitation's link useless."""
    own = visible_invitations(to=member.user).filter(organization=member.organization)
    found = own.filter(pk=invitation_id).order_by("pk").first()
    if found is None:
        raise NotFound("There is nothing here.")
    return act(
        request,
        lambda: withdraw_invitation(invitation=found, by=member.user, at=clock.now()),
        url=link(member, "members"),
        done="Withdrawn.",
    )


def join(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Accept an invitation, by the person it was sent to."""
    user = signed_in(request)
    if request.method == "POST":
        joined = accept_invitation(token=token, user=user, at=clock.now())
        messages.success(request, f"You are {joined.role} of {joined.organization.name} now.")
        return redirect("client:overview", slug=joined.organization.slug)
    return render(request, "web/client/join.html", {"slug": slug, "email": user.email})


def _show(
    request: HttpRequest,
    member: Member,
    form: InviteForm,
    *,
    url: str = "",
    email: str = "",
    status: int = 200,
) -> HttpResponse:
    own = visible_memberships(to=member.user).filter(organization=member.organization)
    page = page_of(request, own.select_related("user"))
    invited = visible_invitations(to=member.user).filter(
        organization=member.organization, accepted_at__isnull=True, withdrawn_at__isnull=True
    )
    context = {
        "member": member,
        "page": page,
        "rows": [_row(member, each) for each in page.rows],
        "invitations": invited.order_by("-pk")[:INVITATIONS] if member.can_manage else [],
        "form": form,
        "url": url,
        "email": email,
    }
    response = render(request, "web/client/members.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _row(member: Member, each: Membership) -> dict[str, Any]:  # Any: template values
    return {
        "row": each,
        "is_self": each.user_id == member.user.pk,
        "can_change": member.can_manage and (each.role != "owner" or member.role == "owner"),
        "roles": [role for role in _ABOUT if role != "owner" or member.role == "owner"],
    }


def _user(member: Member, user_id: UUID) -> User:
    own = visible_memberships(to=member.user).filter(organization=member.organization)
    found = own.filter(user=user_id).select_related("user").order_by("pk").first()
    if found is None:
        raise NotFound("There is nothing here.")
    return found.user
