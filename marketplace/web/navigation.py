"""The frame around a page: whose side it is on, where one can go from it, and other roles."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import reverse

from marketplace.organizations.access import memberships_of
from marketplace.organizations.models import Organization
from marketplace.people.access import expert_of, is_staff, staff_roles
from marketplace.people.models import User
from marketplace.web.client.nav import ENTRIES as CLIENT
from marketplace.web.entries import Entry
from marketplace.web.expert.nav import ENTRIES as EXPERT
from marketplace.web.staff.nav import ENTRIES as STAFF

TABS = 4


@dataclass(frozen=True, slots=True)
class Item:
    """A link of the sidebar or the bottom bar."""

    label: str
    short: str
    icon: str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Another role of the same person."""

    label: str
    icon: str
    url: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What `web/app.html` draws around the content."""

    title: str
    home_url: str
    items: tuple[Item, ...]
    tabs: tuple[Item, ...]
    places: tuple[Place, ...]
    name: str
    initials: str
    on_account: bool


@dataclass(frozen=True, slots=True)
class _Side:
    place: Place
    entries: tuple[Entry, ...]
    kwargs: dict[str, str]


def frame_of(request: HttpRequest) -> Frame:
    """The frame for this page: the side of its address, else the first side the person has."""
    user = request.user
    sides = _sides(user)
    side = next((each for each in sides if _is_on(request, each)), sides[0])
    items = tuple(_item(request, entry, side.kwargs) for entry in side.entries)
    return Frame(
        title=side.place.label,
        home_url=side.place.url,
        items=items,
        tabs=items[:TABS],
        places=tuple(each.place for each in sides if each is not side),
        name=str(user),
        initials=_initials(str(user)),
        on_account=request.path.startswith(("/account/", "/accounts/")),
    )


def _sides(user: User | AnonymousUser) -> list[_Side]:
    sides = []
    organizations: list[Organization] = []
    if isinstance(user, User):
        organizations = [each.organization for each in memberships_of(user)[:20]]
    if expert_of(user):
        sides.append(_Side(Place("Guildhall", "briefcase", reverse("home")), EXPERT, {}))
    for organization in organizations if CLIENT else []:
        kwargs = {"slug": organization.slug}
        url = reverse(CLIENT[0].view, kwargs=kwargs)
        sides.append(_Side(Place(organization.name, "building-2", url), CLIENT, kwargs))
    if STAFF and is_staff(user):
        roles = staff_roles(user)
        shown = tuple(each for each in STAFF if not each.roles or roles & set(each.roles))
        sides.append(_Side(Place("Staff", "shield-check", reverse(STAFF[0].view)), shown, {}))
    return sides or [_Side(Place("Guildhall", "hexagon", reverse("home")), EXPERT[:1], {})]


def _is_on(request: HttpRequest, side: _Side) -> bool:
    if side.entries is EXPERT:
        return not request.path.startswith(("/o/", "/staff/", "/account/", "/accounts/"))
    return request.path.startswith(side.place.url)


def _item(request: HttpRequest, entry: Entry, kwargs: dict[str, str]) -> Item:
    match = request.resolver_match
    here = match.view_name if match else ""
    return Item(
        label=entry.label,
        short=entry.short or entry.label,
        icon=entry.icon,
        url=reverse(entry.view, kwargs=kwargs),
        is_current=here == entry.view or here in entry.also,
    )


def _initials(name: str) -> str:
    words = name.replace("@", " ").split()
    return "".join(word[0] for word in words[:2]).upper()
