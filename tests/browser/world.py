"""A small world for looking at pages: one expert with work in every state, made by the verbs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit import clock
from marketplace.organizations.models import Organization
from marketplace.people.models import Expert, User
from marketplace.people.services.staffing import grant_role
from marketplace.projects.models import Project
from payouts.services import onboarding, running_payouts, sandboxing
from payouts.services.rounds import post_earnings, release_holds
from tasks.models import Assignment
from tasks.services import claiming, reviewing
from tests import make
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
    sam: User
    client: Organization
    skill: Skill
    project: Project
    active: Assignment
    waiting: Assignment
    approved: Assignment
    rejected: Assignment
    expired: Assignment
    running: Attempt
    passed: Attempt
    credential: Credential


def worker() -> tuple[Expert, Project, Assignment]:
    """An expert with one active task of three, in a project without requirements."""
    batch = make.open_batch(tasks=3, answers=1)
    ada = make.joined_expert(batch.project)
    return ada, batch.project, make.claimed(batch, by=ada)


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
    world = World(
        ada=ada,
        sam=sam,
        client=client,
        skill=skill,
        project=project,
        running=start_attempt(expert=ada, assessment=other, at=NOON),
        passed=passed,
        credential=build.submitted_credential(ada),
        **states,
    )
    run_due_jobs()
    return world


def staff(*roles: str) -> User:
    """A member of staff with these roles."""
    root = User.objects.create_superuser("root@example.org", "x", name="Root")
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
        "waiting": waiting,
        "expired": expired,
        "active": make.claimed(batch, by=ada),
    }
