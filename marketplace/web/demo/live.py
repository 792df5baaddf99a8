"""The main job once more, live: the worker and beat of the running instance do their part."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from random import Random

from marketplace.events.selectors import verify_chain
from marketplace.formats import registry
from marketplace.kit import clock
from marketplace.kit.errors import DomainError
from marketplace.kit.money import Money
from marketplace.organizations.models import Organization
from marketplace.people.models import Expert, StaffRole, User
from marketplace.projects.models import Project
from marketplace.web.demo import content, story
from marketplace.web.demo.opening import Place, prepare_project
from marketplace.web.simulation.answers import SimulatedExpert
from marketplace.web.simulation.money import collecting_run
from marketplace.web.simulation.waiting import until
from payouts.models import Earning, PayoutRun
from payouts.selectors.invariants import check_ledger
from payouts.services.rounds import release_holds
from payouts.services.running_payouts import approve_run, close_run
from tasks.models import Assignment, Batch, Export, Import
from tasks.policy import kept_answer
from tasks.services.batches import create_batch, open_batch
from tasks.services.claiming import claim_next
from tasks.services.engaging import accept_terms
from tasks.services.exporting import start_export
from tasks.services.importing import accept_import, start_import
from tasks.services.reviewing import approve
from tasks.services.submitting import Envelope, submit
from vetting.models import Skill

Say = Callable[[str], None]
ROWS = 12


class NotSound(DomainError):
    """The ledger or the chain of events does not hold."""

    code = "not_sound"


def run_live(say: Say) -> Export:
    """Import, open, answer, review, pay, export, check; each step told. The finished export."""
    project, owner = _project()
    at = clock.now()
    price = Money(story.LIVE.price_minor, project.currency)
    name = f"Live {at:%d %b %H:%M:%S}"
    batch = create_batch(project=project, name=name, price=price, by=owner, at=at)
    truths = _import(batch, owner, seed=int(at.timestamp()))
    say(f"imported {len(truths)} rows from a file")
    batch.refresh_from_db()
    open_batch(batch=batch, by=owner, at=clock.now())
    say("opened: the batch's money is set aside")
    say(f"{_answer(batch, truths)} answers sent")
    reviewer = User.objects.get(email=f"reviewer@{story.LIVE.lab}.{story.HOST}")
    say(f"{_review(batch, reviewer)} answers approved")
    until(_is_posted, what="the earnings in the ledger", seconds=60)
    say("every approval is an earning in the ledger")
    say(_pay())
    export = _export(batch, owner)
    say(f"exported {export.counts.get('data', 0)} rows with provenance")
    _check()
    say("the ledger balances and the chain of events holds")
    return export


def _project() -> tuple[Project, User]:
    """The project of the live run, with whoever owns it; made the first time."""
    lab = Organization.objects.get(slug=story.LIVE.lab)
    owner = User.objects.get(email=f"owner@{lab.slug}.{story.HOST}")
    known = lab.projects.filter(title=story.LIVE.title).order_by("pk").first()
    if known is not None:
        return known, owner
    skill = Skill.objects.get(slug=f"{story.LIVE.field}.preference")
    place = Place(lab, owner, owner)
    project = prepare_project(place, story.LIVE, skill, clock.now())
    assert project.current_terms is not None  # published with the project
    shown = project.current_terms.content_hash
    for expert in Expert.objects.filter(qualifications__skill=skill).order_by("pk"):
        accept_terms(expert=expert, project=project, shown_hash=shown, at=clock.now())
    return project, owner


def _import(batch: Batch, owner: User, *, seed: int) -> dict[str, str]:
    """Send a JSON Lines file through the import; the right side of each row, by its prompt."""
    pairs = list(content.pairs("software", count=ROWS, seed=seed))
    lines = [
        {"question": pair.prompt, "first": pair.response_a, "second": pair.response_b}
        for pair in pairs
    ]
    file = BytesIO("\n".join(json.dumps(line) for line in lines).encode())
    upload = start_import(
        batch=batch,
        file=file,
        file_name="live.jsonl",
        mapping=["prompt=question", "response_a=first", "response_b=second"],
        by=owner,
        at=clock.now(),
    )
    _await(upload, "checked")
    accept_import(upload=upload, by=owner, at=clock.now())
    _await(upload, "done")
    return {pair.prompt: pair.truth for pair in pairs}


def _await(upload: Import, state: str) -> None:
    def reached() -> bool:
        upload.refresh_from_db()
        return upload.state == state

    until(reached, what=f"the import to be {state}", seconds=60)


def _answer(batch: Batch, truths: dict[str, str]) -> int:
    sent = 0
    for expert in Expert.objects.order_by("pk"):
        person = _person(expert)
        for assignment in _claims(expert, batch):
            truth = 1 if truths[assignment.task.payload["prompt"]] == "a" else -1
            form = registry.get(batch.project.format)
            shown = kept_answer(form, answer=person.prefer(truth), seed=assignment.seed)
            submit(assignment=assignment, answer=shown, envelope=Envelope(), at=clock.now())
            sent += 1
    return sent


def _claims(expert: Expert, batch: Batch) -> Iterator[Assignment]:
    """Up to six tasks of the batch for one expert; its project has no other open batch."""
    for _ in range(6):
        assignment = claim_next(expert=expert, project=batch.project, at=clock.now())
        if assignment is None:
            return
        yield assignment


def _person(expert: Expert) -> SimulatedExpert:
    accuracy = next((each[4] for each in story.EXPERTS if each[0] == expert.display_name), 0.8)
    return SimulatedExpert(accuracy, Random(f"live:{expert.pk}"))  # noqa: S311 a demo, not a secret


def _review(batch: Batch, reviewer: User) -> int:
    waiting = list(batch.assignments.filter(state="awaiting_review").order_by("pk"))
    for assignment in waiting:
        approve(assignment=assignment, by=reviewer, at=clock.now())
    return len(waiting)


def _is_posted() -> bool:
    return not Earning.objects.filter(posting=None, state="pending").exists()


def _finance() -> list[User]:
    roles = StaffRole.objects.filter(role="finance").select_related("user").order_by("user__email")
    return [role.user for role in roles]


def _pay() -> str:
    """A run over what is free by now, opened by one person and approved by another."""
    release_holds(at=clock.now())
    maker, checker = _finance()[:2]
    under_way = PayoutRun.objects.filter(state__in=["closed", "approved", "running", "paused"])
    if under_way.filter(kind="scheduled").exists():
        return "a payout run is under way already"
    run = collecting_run(currency="USD", by=maker, at=clock.now())

    def is_collected() -> bool:
        run.refresh_from_db()
        return run.collected_at is not None

    until(is_collected, what="the payouts of the run", seconds=60)
    run = close_run(run=run, by=maker, at=clock.now())
    run = approve_run(run=run, by=checker, at=clock.now())

    def is_done() -> bool:
        run.refresh_from_db()
        return run.state == "done"

    until(is_done, what="the transfers", seconds=90)
    return f"{run.payouts.count()} experts paid what was free, approved by a second person"


def _export(batch: Batch, owner: User) -> Export:
    export = start_export(project=batch.project, batch=batch, by=owner, at=clock.now())

    def is_ready() -> bool:
        export.refresh_from_db()
        return export.state == "ready"

    until(is_ready, what="the export", seconds=60)
    return export


def _check() -> None:
    broken = check_ledger(clock.now()).broken
    problems = [each.problem for each in broken] + verify_chain().problems
    if problems:
        raise NotSound(problems[0])
