"""The lab's and the experts' side: import, fund, open, claim, answer, review, export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from marketplace.formats import registry
from marketplace.kit import clock
from marketplace.kit.errors import DomainError
from marketplace.kit.money import Money, fee_on
from marketplace.web.journey.cast import Cast, Worker
from marketplace.web.journey.plan import CURRENCY, PRICE_MINOR, Plan
from marketplace.web.journey.truth import Truth
from marketplace.web.simulation.money import pay_in
from marketplace.web.simulation.waiting import until
from payouts.models import Funding
from payouts.selectors.budgets import project_budget
from payouts.services.budgeting import allocate, return_budget
from tasks import gateways
from tasks.models import Assignment, Batch, Import
from tasks.policy import kept_answer
from tasks.services.batches import create_batch, open_batch
from tasks.services.claiming import claim_next
from tasks.services.closing import close_finished_batches
from tasks.services.engaging import accept_terms
from tasks.services.exporting import start_export
from tasks.services.filling import add_gold
from tasks.services.importing import accept_import, start_import
from tasks.services.projects import (
    activate_project,
    create_project,
    pilot_project,
    plan_quality,
    publish_guideline,
    publish_terms,
    require_skill,
)
from tasks.services.reviewing import approve
from tasks.services.submitting import Envelope, submit

BASIS_POINTS = 1500
SHARE_RIGHT = 0.9  # how often the lab's reviewer judges an answer as the truth does
Tell = Callable[[int, int], None]


class BadRows(DomainError):
    """The file has rows that cannot be used; the message shows the first of them."""

    code = "bad_rows"


def prepare_batch(plan: Plan, cast: Cast) -> Batch:
    """A project with everything it needs, and an empty batch."""
    by, at = cast.owner, clock.now()
    project = create_project(
        organization=cast.lab,
        title=plan.file.stem[:100],
        format=plan.format,
        by=by,
        at=at,
        currency=CURRENCY,
        answers_per_task=plan.answers,
    )
    guide = "Judge what is written, not how long it is. Point at what decided it."
    publish_guideline(project=project, body=guide, by=by, at=at)
    publish_terms(
        project=project,
        body="Answers are used to train and evaluate models.",
        purposes=["training"],
        licence="assigned to the client",
        by=by,
        at=at,
    )
    require_skill(project=project, skill=cast.assessment.skill, by=by, at=at)
    plan_quality(project=project, answers_per_task=plan.answers, review_days=7, by=by, at=at)
    price = Money(PRICE_MINOR, CURRENCY)
    return create_batch(project=project, name="All rows", price=price, by=by, at=at)


def import_file(plan: Plan, cast: Cast, batch: Batch) -> Import:
    """Dry run, then all rows. Raises BadRows rather than leaving one out in silence."""
    with plan.file.open("rb") as file:
        upload = start_import(
            batch=batch,
            file=file,
            file_name=plan.file.name,
            mapping=plan.mapping,
            by=cast.owner,
            at=clock.now(),
        )
    _await(upload, "checked", "the dry run")
    if upload.rows_bad:
        raise BadRows(f"{upload.rows_bad} rows cannot be used. {_first(upload)}")
    accept_import(upload=upload, by=cast.owner, at=clock.now())
    _await(upload, "done", "the import")
    return upload


def _await(upload: Import, state: str, what: str) -> None:
    def reached() -> bool:
        upload.refresh_from_db()
        if upload.state == "failed":
            raise BadRows(upload.problem)
        return upload.state == state

    until(reached, what=what, seconds=120)


def _first(upload: Import) -> str:
    bad = upload.problems.order_by("row", "pk").first()  # row 0 is the whole file
    return "" if bad is None else f"Row {bad.row}, {bad.field or 'whole row'}: {bad.problem}"


def fund_and_open(plan: Plan, cast: Cast, batch: Batch, truth: Truth) -> Money:
    """Attach gold, pay in what the batch needs and a little more, open it. What was paid in."""
    by = cast.owner
    for task in batch.tasks.order_by("pk"):
        known = truth.gold(task)
        if known is not None:
            add_gold(task=task, answer=known, provenance="client", by=by, at=clock.now())
    price = Money(PRICE_MINOR, CURRENCY)
    gross = price + fee_on(price, basis_points=BASIS_POINTS)
    base = gross * (batch.tasks.count() * plan.answers)
    needed = Money(base.minor * (100 + batch.pool_percent) // 100 + 10_000, CURRENCY)
    funding = pay_in(organization=cast.lab, amount=needed, by=by, at=clock.now())
    until(lambda: _is_paid(funding), what="the payment", seconds=60)
    allocate(
        organization=cast.lab,
        subject_id=batch.project_id,
        amount=needed,
        by=by.pk,
        key=f"journey:{batch.pk}",
        at=clock.now(),
    )
    pilot_project(project=batch.project, by=by, at=clock.now())
    batch.project.refresh_from_db()
    activate_project(project=batch.project, by=by, at=clock.now())
    batch.refresh_from_db()
    open_batch(batch=batch, by=by, at=clock.now())
    return needed


def _is_paid(funding: Funding) -> bool:
    funding.refresh_from_db()
    return funding.state == "paid"


def answer_everything(plan: Plan, cast: Cast, batch: Batch, truth: Truth, tell: Tell) -> int:
    """Every expert accepts the terms; then they claim and submit in turn until nothing is left."""
    total = batch.tasks.count() * plan.answers
    project = batch.project
    project.refresh_from_db()
    assert project.current_terms is not None  # published above
    for worker in cast.workers:
        shown = project.current_terms.content_hash
        accept_terms(expert=worker.expert, project=project, shown_hash=shown, at=clock.now())
    draw = Random(f"turns:{plan.seed}")  # noqa: S311 a reproducible run
    working, done = list(cast.workers), 0
    while working:
        for worker in draw.sample(working, len(working)):
            assignment = claim_next(expert=worker.expert, at=clock.now())
            if assignment is None:
                working.remove(worker)  # nothing left for this one
                continue
            _submit(assignment, worker, truth)
            done += 1
            tell(done, total)
    return done


def _submit(assignment: Assignment, worker: Worker, truth: Truth) -> None:
    """Answer as the page shows the task: the product drew which side stands first."""
    kept = truth.answer(assignment.task, worker.person)
    form = registry.get(assignment.project.format)
    shown = kept_answer(form, answer=kept, seed=assignment.seed)
    submit(assignment=assignment, answer=shown, envelope=Envelope(), at=clock.now())


def review_everything(cast: Cast, batch: Batch, truth: Truth, tell: Tell) -> int:
    """The lab's reviewer approves every answer and scores it, judging as the truth does mostly."""
    draw = Random(f"review:{batch.name}")  # noqa: S311 a reproducible run
    waiting = Assignment.objects.filter(batch=batch, state="awaiting_review").order_by("pk")
    total = waiting.count()
    for done, assignment in enumerate(waiting.iterator(chunk_size=200), start=1):
        answer = assignment.submissions.get(revision=assignment.revision).answer
        is_right = truth.is_right(assignment.task, answer) == (draw.random() < SHARE_RIGHT)
        score = draw.choice((4, 5)) if is_right else draw.choice((1, 2))
        approve(assignment=assignment, by=cast.reviewer, score=score, at=clock.now())
        tell(done, total)
    return total


def finish_project(cast: Cast, batch: Batch) -> None:
    """Close the finished batch and take the unused money back to the wallet."""
    close_finished_batches(at=clock.now())
    subject = batch.project_id

    def is_settled() -> bool:
        budget = project_budget(subject, CURRENCY)
        return not (budget.reserved or budget.pool)

    until(is_settled, what="the release of the batch's money", seconds=60)
    return_budget(
        organization=cast.lab,
        subject_id=subject,
        amount=project_budget(subject, CURRENCY).escrow,
        by=cast.owner.pk,
        key=f"journey:return:{batch.pk}",
        at=clock.now(),
    )


def export_data(cast: Cast, batch: Batch) -> Path:
    """Have the data set written; the folder it is in."""
    export = start_export(project=batch.project, by=cast.owner, at=clock.now())

    def is_ready() -> bool:
        export.refresh_from_db()
        return export.state == "ready"

    until(is_ready, what="the export", seconds=120)
    return gateways.export_folder(export.pk)
