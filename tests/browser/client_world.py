"""A small world for looking at a client's pages: projects in several states, made by the verbs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.urls import reverse
from pydantic import JsonValue

from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit.money import Money
from marketplace.organizations.models import Organization
from marketplace.organizations.services.keys import create_api_key
from marketplace.organizations.services.membership import accept_invitation, invite_member
from marketplace.people.models import User
from marketplace.projects.models import Project
from tasks.models import Assignment, Batch, Export, Import, Task
from tasks.services import reviewing
from tasks.services.batches import add_gold
from tasks.services.exporting import start_export
from tests import make
from tests.browser import in_house, on_credit, papers, payments
from tests.make import NOON, REASON, usd


@dataclass(frozen=True)
class ClientWorld:
    """What pages are opened with."""

    owner: User
    viewer: User
    newcomer: User
    debtor: User
    client: Organization
    empty: Organization
    owing: Organization
    draft: Project
    project: Project
    open: Batch
    ready: Batch
    task: Task
    checked: Import
    broken: Import
    waiting: Assignment
    second: Assignment
    export: Export


@dataclass(frozen=True)
class ClientPage:
    """A page by its URL name under `/o/<slug>/`; `of` gives the key in its address."""

    name: str
    key: str = ""
    of: Callable[[ClientWorld], Any] | None = None  # Any: a row
    who: str = "owner"
    query: str = ""

    def url(self, world: ClientWorld) -> str:
        """Where it is in this world."""
        own = {"newcomer": world.empty, "debtor": world.owing}.get(self.who, world.client)
        keys = {self.key: self.of(world).pk} if self.of else {}
        return reverse(f"client:{self.name}", kwargs={"slug": own.slug, **keys}) + self.query


def _project(world: ClientWorld) -> Project:
    return world.project


def _draft(world: ClientWorld) -> Project:
    return world.draft


PAGES = (
    *(
        ClientPage(name, who=who)
        for name in (
            *("overview", "projects", "review", "exports", "billing", "members", "keys"),
            *("budgets", "refunds"),
        )
        for who in ("owner", "viewer", "newcomer")
    ),
    *(ClientPage(name, who="debtor") for name in ("overview", "billing", "budgets", "papers")),
    *(ClientPage(name, query="?currency=JPY") for name in ("billing", "budgets", "refunds")),
    ClientPage("payroll"),
    ClientPage("give_up", "funding_id", lambda w: payments.unpaid(w.client)),
    ClientPage("papers"),
    ClientPage("papers", who="viewer"),
    ClientPage("papers", who="newcomer"),
    ClientPage("paper", "paper_id", lambda w: papers.of_client(w.client, "statement")),
    ClientPage("paper", "paper_id", lambda w: papers.of_client(w.client, "invoice")),
    ClientPage("paper", "paper_id", lambda w: papers.of_client(w.client, "fee_invoice")),
    ClientPage("projects", query="?state=archived"),
    ClientPage("new_project"),
    ClientPage("project", "project_id", _project),
    ClientPage("project", "project_id", _draft),
    ClientPage("project", "project_id", _project, who="viewer"),
    ClientPage("about", "project_id", _project),
    ClientPage("guidelines", "project_id", _project),
    ClientPage("guidelines", "project_id", _draft),
    ClientPage("terms", "project_id", _project),
    ClientPage("needs", "project_id", _project),
    ClientPage("needs", "project_id", _draft),
    ClientPage("plan", "project_id", _project),
    ClientPage("new_batch", "project_id", _project),
    ClientPage("batch", "batch_id", lambda w: w.open),
    ClientPage("batch", "batch_id", lambda w: w.ready),
    ClientPage("batch", "batch_id", lambda w: w.open, who="viewer"),
    ClientPage("edit_batch", "batch_id", lambda w: w.ready),
    ClientPage("new_import", "batch_id", lambda w: w.open),
    ClientPage("import", "upload_id", lambda w: w.checked),
    ClientPage("import", "upload_id", lambda w: w.broken),
    ClientPage("task", "task_id", lambda w: w.task),
    ClientPage("task", "task_id", lambda w: w.ready.tasks.order_by("pk").first()),
    ClientPage("review_item", "assignment_id", lambda w: w.waiting),
    ClientPage("review_item", "assignment_id", lambda w: w.waiting, who="viewer"),
    ClientPage("export", "export_id", lambda w: w.export),
)


def member(client: Organization, role: str, *, name: str = "Vi Member") -> User:
    """Somebody with that role in the organisation."""
    owner = client.memberships.get(role="owner").user
    who = make.user(name)
    _, token = invite_member(organization=client, email=who.email, role=role, by=owner, at=NOON)
    accept_invitation(token=token, user=who, at=NOON)
    return who


def build_client_world() -> ClientWorld:
    """Everything the client's pages can show."""
    client = make.funded_organization(usd(500_000))
    for amount in (Money(123_456_789, "EUR"), Money(123_456_789, "JPY"), Money(1_234_567, "KWD")):
        make.fund(client, amount)
    owner = client.memberships.get(role="owner").user
    skill = make.skill()
    project = make.project(client=client, needs=skill, budget=usd(200_000))
    batch = make.open_batch(of=project, tasks=6, answers=1, price=usd(1_800))
    sent = [_sent(batch) for _ in range(5)]
    _judge(sent, owner)
    ready = make.ready_batch(of=project, tasks=3)
    task = ready.tasks.order_by("pk").last()
    assert task is not None
    known: dict[str, JsonValue] = {
        "overall": -2,
        "rationale": "One answer says what it is, the other evades.",
    }
    add_gold(task=task, answer=known, provenance="client", by=owner, at=NOON)
    export = start_export(project=project, by=owner, at=NOON)
    checked, broken = _imports(project, owner)
    run_due_jobs()
    life = timedelta(days=90)
    create_api_key(
        organization=client,
        name="Nightly import",
        scopes=["tasks:write", "exports:read"],
        expires_at=NOON + life,
        by=owner,
        at=NOON,
    )
    invite_member(organization=client, email="new@example.org", role="manager", by=owner, at=NOON)
    in_house.furnish(client=client, by=owner)
    papers.furnish(client=client)
    payments.furnish(client=client, by=owner)
    empty, owing = make.organization(), on_credit.debtor()
    draft = make.draft_project(client=client, kind="classification")
    for row in (checked, broken, export, batch, ready, project):
        row.refresh_from_db()
    return ClientWorld(
        owner=owner,
        viewer=member(client, "viewer"),
        newcomer=empty.memberships.get(role="owner").user,
        debtor=owing.memberships.get(role="owner").user,
        client=client,
        empty=empty,
        owing=owing,
        draft=draft,
        project=project,
        open=batch,
        ready=ready,
        task=task,
        checked=checked,
        broken=broken,
        waiting=sent[3],
        second=sent[4],
        export=export,
    )


def _sent(batch: Batch) -> Assignment:
    who = make.expert()
    make.qualify(who, make.skill())
    make.join(who, batch.project)
    return make.submitted(batch, by=who)


def _judge(sent: list[Assignment], owner: User) -> None:
    reviewing.approve(assignment=sent[0], by=owner, at=NOON)
    reviewing.reject(
        assignment=sent[1],
        by=owner,
        category="wrong_or_unsupported",
        guideline_ref="Rule 2",
        message=REASON,
        at=NOON,
    )
    reviewing.ask_changes(assignment=sent[2], by=owner, message="Say why.", at=NOON)


def _imports(project: Project, owner: User) -> tuple[Import, Import]:
    rows: list[JsonValue] = [
        make.pair(1),
        {"prompt": "Only a prompt, and a very long one " * 9},
        make.pair(3),
    ]
    batches = [make.ready_batch(of=project, tasks=1), make.ready_batch(of=project, tasks=1)]
    same = ("prompt=prompt", "response_a=response_a", "response_b=response_b")
    checked = make.upload(batches[0], rows, mapping=same)
    broken = make.upload(batches[1], "{}".encode("utf-16"), mapping=same)
    return checked, broken
