"""A small world for looking at pages: one expert with work in every state, made by the verbs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue

from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit import clock
from marketplace.kit.ids import uuid7
from marketplace.organizations.models import Organization
from marketplace.people.models import Expert, User
from marketplace.people.services.staffing import grant_role
from marketplace.projects.models import Project
from payouts.models import Payout
from payouts.services import onboarding, running_payouts, sandboxing
from payouts.services.rounds import post_earnings, release_holds
from tasks.models import Assignment
from tasks.services import batches, claiming, reviewing
from tasks.services.batches import NewTask
from tests import make
from tests.browser import papers
from tests.make import NOON, REASON, usd
from tests.vetting import build
from vetting.models import Attempt, Credential, Skill
from vetting.services.applications import apply
from vetting.services.attempts import start_attempt

LATER = NOON + timedelta(days=5)


@dataclass(frozen=True)
class World:
    """What pages are opened with."""

    ada: Expert
    newcomer: Expert
    sam: User
    client: Organization
    skill: Skill
    project: Project
    active: Assignment
    changed: Assignment
    waiting: Assignment
    approved: Assignment
    rejected: Assignment
    expired: Assignment
    running: Attempt
    passed: Attempt
    credential: Credential
    payout: Payout

    def user(self, who: str) -> User:
        """The person of that name, as they sign in."""
        person = getattr(self, who)
        return person if isinstance(person, User) else person.user


def worker(*, claimed_at: datetime = NOON) -> Assignment:
    """An active task of two with two criteria, its sides in the client's order."""
    project = make.project()
    batch = batches.create_batch(
        project=project,
        name="Criteria",
        price=usd(1_800),
        answers_per_task=1,
        by=project.created_by,
        at=NOON,
    )
    rows = [NewTask(payload(n), key=f"row-{n}") for n in (1, 2)]
    batches.add_tasks(batch=batch, rows=rows, by=project.created_by, at=NOON)
    batch.refresh_from_db()
    batches.open_batch(batch=batch, by=project.created_by, at=NOON)
    return make.claimed(batch, at=claimed_at)


def payload(number: int) -> dict[str, JsonValue]:
    """A pair with a formula, code and two criteria."""
    return {
        "prompt": f"What is $\\frac{{{number}}}{{2}}$?",
        "response_a": f"It is half of **{number}**:\n\n$$x=\\frac{{{number}}}{{2}}$$",
        "response_b": "```python\nprint(1 / 2)\n```",
        "criteria": [
            {"key": "correct", "title": "Correct", "question": "Is it true?"},
            {"key": "clear", "title": "Clear", "question": "Can one follow it?"},
        ],
    }


def build_world() -> World:
    """Everything the expert's pages can show."""
    sam = staff("vetting", "quality", "finance", "support")
    skill = make.skill()
    ada = make.expert("Ada Lovelace-Rechtsschutzversicherung")
    make.qualify(ada, skill)
    client = make.funded_organization(usd(500_000))
    project = make.project(client=client, needs=skill, budget=usd(200_000))
    make.join(ada, project)
    states = _work(ada, project)
    test = build.assessment(skill, slug="reading")
    other = build.assessment(skill, slug="writing", size=30)
    passed = build.taken(ada, test, rightly=True)
    apply(expert=ada, domain=skill.domain, statement="Ten years of practice.", at=NOON)
    credential = build.submitted_credential(ada)
    running = start_attempt(expert=ada, assessment=other, at=NOON)
    pay_out(ada, by=sam, checker=staff("finance"))
    papers.furnish_expert(expert=ada)
    return World(
        ada=ada,
        newcomer=make.expert("Nia New"),
        sam=sam,
        client=client,
        skill=skill,
        project=project,
        running=running,
        passed=passed,
        credential=credential,
        payout=Payout.objects.get(),
        **states,
    )


def staff(*roles: str) -> User:
    """A member of staff with these roles."""
    root = User.objects.create_superuser(f"{uuid7().hex}@example.org", name="Root")
    sam = make.user("Sam Staff")
    for role in roles:
        grant_role(user=sam, role=role, by=root, at=NOON)
    sam.refresh_from_db()
    return sam


def pay_out(ada: Expert, *, by: User, checker: User) -> None:
    """Set up payouts in the sandbox and run one payout of everything available."""
    url = onboarding.start_onboarding(expert=ada, return_url="https://example.org", at=NOON)
    sandboxing.act_on_onboarding(link_id=url.rsplit("/", 1)[1], act="complete")
    run_due_jobs()
    with clock.at(LATER):
        post_earnings(at=LATER)
        release_holds(at=LATER)
        run = running_payouts.open_run(currency="USD", by=by, at=LATER)
        run_due_jobs()
        run = running_payouts.close_run(run=run, by=by, at=LATER)
        running_payouts.approve_run(run=run, by=checker, at=LATER)
        run_due_jobs()


def _work(ada: Expert, project: Project) -> dict[str, Assignment]:
    batch = make.open_batch(of=project, tasks=9, answers=2, price=usd(1_800))
    owner = project.created_by
    approved, rejected, changed, waiting = (make.submitted(batch, by=ada) for _ in range(4))
    reviewing.approve(assignment=approved, by=owner, at=NOON, message="Clear, thank you.")
    reviewing.reject(
        assignment=rejected,
        by=owner,
        category="wrong_or_unsupported",
        guideline_ref="Rule 2",
        message=REASON,
        at=NOON,
    )
    reviewing.ask_changes(assignment=changed, by=owner, message="Say why.", at=NOON)
    returned = make.claimed(batch, by=ada)
    claiming.return_assignment(assignment=returned, at=NOON, reason="unclear")
    expired = make.claimed(batch, by=ada, at=NOON - timedelta(hours=2))
    claiming.expire_leases(at=NOON)
    return {
        "approved": approved,
        "rejected": rejected,
        "changed": changed,
        "waiting": waiting,
        "expired": expired,
        "active": make.claimed(batch, by=ada),
    }
