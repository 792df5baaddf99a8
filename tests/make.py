"""Builders: plain functions with harmless defaults that go through the verbs.

The cast of permission tests: Ada (expert), Lin (client), Sam (staff), Eve (stranger).
"""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from itertools import count

from pydantic import JsonValue

from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from marketplace.organizations.models import Organization
from marketplace.organizations.services.employing import begin_employment
from marketplace.organizations.services.founding import found_organization
from marketplace.organizations.services.membership import accept_invitation, invite_member
from marketplace.people.models import Expert, User
from marketplace.people.services.deciding import Reason
from marketplace.people.services.joining import add_user, create_expert
from marketplace.projects.models import DataUseTerms, Project
from payouts.services import budgeting, ledger
from payouts.services.accounts import account
from tasks.models import Assignment, Batch, Import, Submission
from tasks.services import batches, claiming, engaging, importing, projects, submitting
from tasks.services.batches import NewTask
from tasks.services.submitting import Envelope
from vetting.models import Domain, Qualification, Skill
from vetting.services.catalogue import add_domain, add_skill
from vetting.services.qualifying import grant_qualification, suspend_qualification

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PASSWORD = "nine green bottles"
REASON = (
    "The rationale praises an answer that was never shown; guideline 2 asks to judge only what "
    "both answers say, word by word."
)
_numbers = count(1)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


# People -----------------------------------------------------------------------------------------
def user(name: str = "Lin Client") -> User:
    """Somebody who can sign in with PASSWORD."""
    return add_user(
        email=f"person{next(_numbers)}@example.org", name=name, password=PASSWORD, at=NOON
    )


def expert(name: str = "Ada Expert") -> Expert:
    """Somebody who does work."""
    return create_expert(
        user=user(name),
        country="DE",
        languages=["en"],
        time_zone="Europe/Berlin",
        display_name=name,
        at=NOON,
    )


def employee(of: Organization) -> Expert:
    """An expert whom the organisation employs and pays itself."""
    who = expert()
    begin_employment(
        expert=who, workforce="employee", organization=of, from_date=NOON.date(), at=NOON
    )
    return who


def volunteer() -> Expert:
    """An expert who works unpaid."""
    who = expert()
    begin_employment(expert=who, workforce="volunteer", from_date=NOON.date(), at=NOON)
    return who


def skill(domain: str = "medicine", ability: str = "preference") -> Skill:
    """A skill, the same one for the same words."""
    slug = f"{domain}.{ability}"
    if Skill.objects.filter(slug=slug).exists():
        return Skill.objects.get(slug=slug)
    curator = user("Sam Staff")
    known = Domain.objects.filter(slug=domain).order_by("pk").first()
    where = known or add_domain(slug=domain, name=domain.title(), by=curator, at=NOON)
    return add_skill(domain=where, ability=ability, name=f"{domain} {ability}", by=curator, at=NOON)


def qualify(who: Expert, what: Skill, *, level: int = 1) -> None:
    """Let the expert work in the skill."""
    grant_qualification(
        expert=who,
        skill=what,
        basis={"reason": "test"},
        expires_at=NOON + timedelta(days=365),
        level=level,
        at=NOON,
    )


def suspend(who: Expert, what: Skill) -> None:
    """Take the skill's qualification away for now, with a reason, by a person."""
    suspend_qualification(
        qualification=Qualification.objects.get(expert=who, skill=what),
        reason=Reason(code="failed_gold", message=REASON, evidence=["gold"]),
        by=user("Sam Staff"),
        at=NOON,
    )


# Clients and their money ------------------------------------------------------------------------
def organization(*, owner: User | None = None) -> Organization:
    """A client without money."""
    number = next(_numbers)
    return found_organization(
        name=f"Lab {number}", slug=f"lab-{number}", owner=owner or user(), at=NOON
    )


def member(of: Organization, role: str) -> User:
    """Somebody who joined the client in that role."""
    who = user(f"{role.title()} Member")
    enrol(who, of, role)
    return who


def enrol(who: User, of: Organization, role: str = "reviewer") -> None:
    """Let somebody join the client in that role."""
    owner = of.memberships.get(role="owner").user
    _, token = invite_member(organization=of, email=who.email, role=role, by=owner, at=NOON)
    accept_invitation(token=token, user=who, at=NOON)


def fund(client: Organization, amount: Money) -> None:
    """Money that the client has paid in, as the webhook books it."""
    ledger.post(
        key=f"funding:{uuid7()}",
        kind="funding_paid",
        currency=amount.currency,
        legs=[
            ledger.Leg.debit(account("psp_clearing", currency=amount.currency), amount),
            ledger.Leg.credit(
                account("wallet", currency=amount.currency, organization=client), amount
            ),
        ],
        effective_at=NOON,
    )


def funded_organization(amount: Money) -> Organization:
    """A client with free money in its wallet."""
    client = organization()
    fund(client, amount)
    return client


def give_budget(project: Project, amount: Money) -> None:
    """Pay money in and give it to the project."""
    fund(project.organization, amount)
    budgeting.allocate(
        organization=project.organization,
        subject_id=project.pk,
        amount=amount,
        by=project.created_by_id,
        key=str(uuid7()),
        at=NOON,
    )


# Projects and batches ---------------------------------------------------------------------------
def draft_project(*, client: Organization | None = None, kind: str = "preference") -> Project:
    """A project without texts."""
    client = client or organization()
    owner = client.memberships.get(role="owner").user
    return projects.create_project(
        organization=client, title="Which answer helps?", format=kind, by=owner, at=NOON
    )


def pilot(
    *,
    client: Organization | None = None,
    kind: str = "preference",
    needs: Skill | None = None,
    budget: Money | None = None,
) -> Project:
    """A project in its pilot, with guidelines, terms and a budget (1,000 dollars)."""
    made = draft_project(client=client, kind=kind)
    by = made.created_by
    projects.publish_guideline(project=made, body="Judge what is said.", by=by, at=NOON)
    publish_terms(made)
    if needs is not None:
        projects.require_skill(project=made, skill=needs, by=by, at=NOON)
    give_budget(made, usd(100_000) if budget is None else budget)
    return projects.pilot_project(project=made, by=by, at=NOON)


def project(
    *,
    client: Organization | None = None,
    kind: str = "preference",
    needs: Skill | None = None,
    budget: Money | None = None,
) -> Project:
    """The same, active."""
    made = pilot(client=client, kind=kind, needs=needs, budget=budget)
    return projects.activate_project(project=made, by=made.created_by, at=NOON)


def publish_terms(
    of: Project, *, body: str = "For training.", purposes: tuple[str, ...] = ("training",)
) -> DataUseTerms:
    """The next version of the project's terms."""
    return projects.publish_terms(
        project=of, body=body, purposes=purposes, licence="CC-BY-4.0", by=of.created_by, at=NOON
    )


def pair(number: int = 1) -> dict[str, JsonValue]:
    """The payload of a preference task."""
    return {
        "prompt": f"What is {number} plus {number}?",
        "response_a": f"It is {2 * number}.",
        "response_b": "That cannot be known.",
    }


def clause(number: int = 1) -> dict[str, JsonValue]:
    """The payload of a classification task."""
    return {"text": f"Clause {number} ends the contract.", "labels": ["termination", "payment"]}


def ready_batch(
    *, of: Project | None = None, tasks: int = 3, answers: int = 3, price: Money | None = None
) -> Batch:
    """A batch that is filled and not open."""
    of = of or project()
    batch = batches.create_batch(
        project=of,
        name="First",
        price=price or usd(100),
        answers_per_task=answers,
        by=of.created_by,
        at=NOON,
    )
    payload = pair if of.format == "preference" else clause
    rows = [NewTask(payload(n), key=f"row-{n}") for n in range(1, tasks + 1)]
    batches.add_tasks(batch=batch, rows=rows, by=of.created_by, at=NOON)
    batch.refresh_from_db()
    return batch


def open_batch(
    *, of: Project | None = None, tasks: int = 3, answers: int = 3, price: Money | None = None
) -> Batch:
    """A batch in which experts who joined the project can claim."""
    batch = ready_batch(of=of, tasks=tasks, answers=answers, price=price)
    return batches.open_batch(batch=batch, by=batch.created_by, at=NOON)


def upload(batch: Batch, rows: bytes | list[JsonValue], *, mapping: tuple[str, ...] = ()) -> Import:
    """A file on its way into the batch; its check waits in a job."""
    data = rows if isinstance(rows, bytes) else "\n".join(map(json.dumps, rows)).encode()
    return importing.start_import(
        batch=batch,
        file=io.BytesIO(data),
        file_name="rows.jsonl",
        mapping=mapping,
        by=batch.created_by,
        at=NOON,
    )


# Work -------------------------------------------------------------------------------------------
def join(who: Expert, where: Project) -> None:
    """Accept the project's current terms."""
    where.refresh_from_db()
    terms = where.current_terms
    assert terms is not None
    engaging.accept_terms(expert=who, project=where, shown_hash=terms.content_hash, at=NOON)


def joined_expert(where: Project) -> Expert:
    """An expert who can claim in a project without requirements."""
    who = expert()
    join(who, where)
    return who


def claimed(batch: Batch, *, by: Expert | None = None, at: datetime = NOON) -> Assignment:
    """An active assignment in the batch's project."""
    who = by or joined_expert(batch.project)
    assignment = claiming.claim_next(expert=who, project=batch.project, at=at)
    assert assignment is not None
    return assignment


def answer(assignment: Assignment, *, overall: int = -2) -> dict[str, JsonValue]:
    """An answer as the expert sends it; `overall` is meant in the client's order of sides."""
    if assignment.project.format == "classification":
        return {"label": "termination"}
    seen = -overall if assignment.seed % 2 else overall
    return {"overall": seen, "rationale": "One answer says what it is, the other evades."}


def submitted(
    batch: Batch, *, by: Expert | None = None, overall: int = -2, at: datetime = NOON
) -> Assignment:
    """An assignment that waits for its verdict."""
    assignment = claimed(batch, by=by, at=at)
    submit(assignment, overall=overall, at=at)
    assignment.refresh_from_db()
    return assignment


def submit(
    assignment: Assignment, *, overall: int = -2, revision: int = 1, at: datetime = NOON
) -> Submission:
    """Send an answer for the assignment."""
    return submitting.submit(
        assignment=assignment,
        answer=answer(assignment, overall=overall),
        envelope=Envelope(revision=revision, active_seconds=60),
        at=at,
    )
