"""Who gets where: asks every route as every role and says what came back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from marketplace.organizations.services.membership import accept_invitation, invite_member
from marketplace.people.models import User
from tests import make
from tests.browser import papers
from tests.browser.pages import PAGES
from tests.browser.world import World, staff

MEMBERS = ("manager", "reviewer", "viewer", "billing")
STAFF = ("vetting", "quality", "finance", "support", "auditor")
# Not ours: Django's admin has its own permissions, allauth its own tests.
FOREIGN = ("admin:", "account_", "mfa_", "usersessions_", "socialaccount_")
METHODS = ("GET", "POST")
NOBODYS = UUID("00000000-0000-7000-8000-000000000000")


@dataclass(frozen=True)
class Route:
    """A named route and arguments that exist in the world, where there are any."""

    name: str
    args: tuple[Any, ...]  # Any: keys of rows and slugs

    @property
    def url(self) -> str:
        return reverse(self.name, args=self.args)


def people_of(world: World) -> dict[str, User | None]:
    """One person per role; `ada` owns what the routes show, `eve` and `outsider` are strangers."""
    owner = world.client.memberships.get(role="owner").user
    people: dict[str, User | None] = {
        "anonymous": None,
        "ada": world.ada.user,
        "eve": make.expert("Eve Stranger").user,
        "outsider": make.organization().memberships.get(role="owner").user,
        "owner": owner,
    }
    for role in MEMBERS:
        user = make.user(role.title())
        _, token = invite_member(
            organization=world.client, email=user.email, role=role, by=owner, at=make.NOON
        )
        accept_invitation(token=token, user=user, at=make.NOON)
        people[role] = user
    return people | {role: staff(role) for role in STAFF}


def routes_of(world: World) -> list[Route]:
    """Every named route of ours."""
    known = {page.name: page.args(world) for page in PAGES}
    found = []
    for name, converters in _named(get_resolver()):
        if not name.startswith(FOREIGN):
            found.append(Route(name, known.get(name) or tuple(_filler(world, converters))))
    return sorted(found, key=lambda route: route.name)


def _named(
    resolver: URLResolver, above: tuple[str, ...] = (), space: str = ""
) -> Iterator[tuple[str, list[str]]]:
    for entry in resolver.url_patterns:
        kinds = [
            f"{name}:{type(converter).__name__}"
            for name, converter in entry.pattern.converters.items()
        ]
        if isinstance(entry, URLPattern):
            if entry.name:
                yield space + entry.name, [*above, *kinds]
        elif entry.namespace != "admin":
            inner = f"{entry.namespace}:" if entry.namespace else space
            yield from _named(entry, (*above, *kinds), inner)


def _filler(world: World, converters: list[str]) -> Iterator[object]:
    """Rows of the world for a route's arguments; nobody's row where it has none of the kind."""
    rows = {
        "slug": world.client.slug,
        "project_id": world.project.pk,
        "batch_id": world.active.batch_id,
        "task_id": world.active.task_id,
        "assignment_id": world.waiting.pk,
        "attempt_id": world.running.pk,
        "credential_id": world.credential.pk,
        "application_id": world.ada.applications.order_by("pk").latest("pk").pk,
        "document_id": world.credential.documents.order_by("pk").latest("pk").pk,
        "payout_id": world.payout.pk,
        "payee_id": world.payout.expert.payees.order_by("pk").latest("pk").pk,
        "run_id": world.payout.run_id,
        "skill_id": world.skill.pk,
        "user_id": world.ada.user_id,
        "paper_id": papers.of_client(world.client, "statement").pk,
        "form": "json",
        "kind": "preference",
        "verdict": "approve",
    }
    for converter in converters:
        name, _, kind = converter.partition(":")
        yield rows.get(name, NOBODYS if kind == "UUIDConverter" else "x")


def cookies_of(user: User | None) -> SimpleCookie:
    """What the browser of this person, or of nobody, sends."""
    client = Client()
    if user is not None:
        client.force_login(user)
    return client.cookies


def outcome(route: Route, method: str, cookies: SimpleCookie) -> str:
    """What came back, in a word; whatever it changed is rolled back."""
    client = Client(raise_request_exception=False)
    client.cookies = SimpleCookie(cookies.output(header="", sep=";"))
    mark = transaction.savepoint()  # no atomic(): sequences refuse to run inside one
    response = client.generic(method, route.url, b"", content_type="application/json")
    connection.needs_rollback = False
    transaction.savepoint_rollback(mark)
    location = response.headers.get("Location", "")
    if response.status_code in (301, 302):
        is_door = "/login/" in location or "/reauthenticate/" in location
        return "login" if is_door else "redirect"
    return _word(response.status_code)


def _word(status: int) -> str:
    if status in (401, 403, 404, 405):
        return str(status)
    return "ERROR" if status >= 500 and status != 503 else "open"


def matrix_of(world: World) -> dict[str, dict[str, str]]:
    """`{"name METHOD": {outcome: "role role …"}}` for every route and method that is not 405."""
    people = {role: cookies_of(user) for role, user in people_of(world).items()}
    table: dict[str, dict[str, str]] = {}
    for route in routes_of(world):
        for method in METHODS:
            rows: dict[str, list[str]] = {}
            for role, cookies in people.items():
                rows.setdefault(outcome(route, method, cookies), []).append(role)
            if set(rows) != {"405"}:
                table[f"{route.name} {method}"] = {k: " ".join(v) for k, v in sorted(rows.items())}
    return table


def as_toml(table: dict[str, dict[str, str]]) -> str:
    """The matrix as the file that people judge."""
    blocks = []
    for name, rows in table.items():
        lines = [f'"{result}" = "{roles}"' for result, roles in rows.items()]
        blocks.append("\n".join([f'["{name}"]', *lines]))
    return "\n\n".join(blocks) + "\n"
