"""Data sets: one row per task, every vote beside it, each answer with its history."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from marketplace.jobs.services.running import run_due_jobs
from tasks.gateways import export_folder
from tasks.models import Batch, Export, Submission
from tasks.selectors.review import pseudonym_of
from tasks.services import reviewing, submitting
from tasks.services.exporting import UnknownPurpose, cancel_export, start_export
from tasks.services.submitting import Envelope
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db


def answered(*votes: list[int], kind: str = "preference") -> Batch:
    """A batch whose tasks got these answers, all approved."""
    project = make.project(kind=kind)
    batch = make.open_batch(of=project, tasks=len(votes), answers=len(votes[0]))
    for place in range(len(votes[0])):
        expert = make.joined_expert(project)
        for task_votes in votes:
            assignment = make.submitted(batch, by=expert, overall=task_votes[place])
            reviewing.approve(assignment=assignment, by=project.created_by, at=NOON)
    return batch


def exported(sample: Batch, **options: Any) -> dict[str, Any]:  # Any: JSON
    """The files of an export of the batch's project by name, JSON read."""
    project = sample.project
    export = start_export(project=project, by=project.created_by, at=NOON, **options)
    run_due_jobs(queues=["bulk"])
    export.refresh_from_db()
    assert export.state == "ready"
    folder = export_folder(export.pk)
    files: dict[str, Any] = {
        path.stem: [json.loads(line) for line in path.read_text().splitlines()]
        for path in folder.glob("*.jsonl")
    }
    return {**files, "manifest": json.loads((folder / "manifest.json").read_text())}


def test_one_row_per_task_by_majority_and_ties_apart() -> None:
    batch = answered([-3, -1, 2], [1, 2, 3], [-2, 0, 2])

    files = exported(batch)

    assert files["data"] == [
        {
            "prompt": "What is 1 plus 1?",
            "chosen": "It is 2.",
            "rejected": "That cannot be known.",
        },
        {
            "prompt": "What is 2 plus 2?",
            "chosen": "That cannot be known.",
            "rejected": "It is 4.",
        },
    ]
    assert [tie["row_key"] for tie in files["ties"]] == ["row-3"]
    assert [row["row_key"] for row in files["votes"]] == ["row-1", "row-2", "row-3"]
    scores = [vote["score"] for vote in files["votes"][0]["individual_preference"]]
    assert sorted(scores) == [-3, -1, 2]


def test_provenance_is_a_chain_with_one_line_per_answer() -> None:
    batch = answered([-1, 1], [2, 2])

    files = exported(batch)

    folder = export_folder(Export.objects.get().pk)
    previous = "0" * 64
    for line in (folder / "provenance.jsonl").read_bytes().splitlines(keepends=True):
        row = json.loads(line)
        assert row["prev_hash"] == previous
        sent = Submission.objects.get(pk=row["id"])
        assert row["content_sha256"] == sent.content_sha256
        assert (row["terms_version"], row["guideline_version"]) == (1, 1)
        assert (row["paid_minor"], row["reviews"]) == (
            100,
            [{"revision": 1, "verdict": "approve"}],
        )
        previous = sha256(line).hexdigest()
    assert files["manifest"]["provenance_head"] == previous
    assert len(files["provenance"]) == 4


def test_the_manifest_has_the_hash_and_rows_of_every_file() -> None:
    files = exported(answered([1, 1, 1]))

    folder = export_folder(Export.objects.get().pk)
    for name, facts in files["manifest"]["files"].items():
        data = (folder / name).read_bytes()
        assert facts == {
            "rows": len(data.splitlines()),
            "bytes": len(data),
            "sha256": sha256(data).hexdigest(),
        }
    assert set(files["manifest"]["files"]) == {
        "data.jsonl", "ties.jsonl", "votes.jsonl", "provenance.jsonl", "refused.jsonl",
    }  # fmt: skip
    assert Export.objects.get().files == files["manifest"]["files"]


def test_nothing_names_a_person_and_two_clients_see_two_pseudonyms() -> None:
    first, second = make.open_batch(tasks=1, answers=1), make.open_batch(tasks=1, answers=1)
    ada = make.expert()
    for batch in (first, second):
        make.join(ada, batch.project)
        assignment = make.submitted(batch, by=ada)
        reviewing.approve(assignment=assignment, by=batch.created_by, at=NOON)

    names = [exported(batch)["provenance"][0]["expert"] for batch in (first, second)]

    assert names[0] != names[1]
    folders = [export_folder(export.pk) for export in Export.objects.all()]
    text = "".join(path.read_text() for folder in folders for path in folder.iterdir())
    for secret in (ada.pseudonym, ada.display_name, ada.user.email, str(ada.pk)):
        assert secret not in text


def test_a_new_secret_key_gives_nobody_a_new_name(settings: Any) -> None:  # Any: the fixture
    batch = make.open_batch(tasks=1, answers=1)
    assignment = make.submitted(batch)
    reviewing.approve(assignment=assignment, by=batch.created_by, at=NOON)
    shown = pseudonym_of(assignment)

    settings.SECRET_KEY = "another one"

    assert pseudonym_of(assignment) == shown
    assert exported(batch)["provenance"][0]["expert"] == shown


def test_answers_whose_terms_do_not_allow_the_purpose_are_refused_and_listed() -> None:
    batch = answered([1, 1])

    files = exported(batch, purpose="evaluation")

    assert files["data"] == files["provenance"] == []
    assert [row["reason"] for row in files["refused"]] == ["terms without evaluation"] * 2
    with pytest.raises(UnknownPurpose):
        start_export(project=batch.project, by=batch.created_by, at=NOON, purpose="fun")


def test_one_batch_can_be_asked_for() -> None:
    batch = answered([1, 1])
    other = make.open_batch(of=batch.project, tasks=1, answers=1)
    reviewing.approve(assignment=make.submitted(other), by=batch.created_by, at=NOON)

    both, one = exported(batch), exported(batch, batch=other)

    assert (len(both["votes"]), len(one["votes"])) == (2, 1)


def test_work_without_a_final_verdict_is_left_out() -> None:
    batch = answered([1, 1])
    other = make.open_batch(of=batch.project, tasks=1, answers=2)
    make.submitted(other)

    files = exported(batch)

    assert len(files["votes"]) == 1


def test_an_answer_marked_unclear_is_shown_and_has_no_vote() -> None:
    batch = make.open_batch(tasks=1, answers=2)
    for overall, is_unclear in ((-2, True), (3, False)):
        assignment = make.claimed(batch)
        submitting.submit(
            assignment=assignment,
            answer=make.answer(assignment, overall=overall),
            envelope=Envelope(is_unclear=is_unclear),
            at=NOON,
        )
        reviewing.approve(assignment=assignment, by=batch.created_by, at=NOON)

    files = exported(batch)

    assert files["data"][0]["chosen"] == "That cannot be known."
    assert len(files["votes"][0]["individual_preference"]) == 2


def test_classification_exports_the_majority_label() -> None:
    files = exported(answered([1, 1], kind="classification"))

    assert files["data"] == [{"text": "Clause 1 ends the contract.", "label": "termination"}]


def test_a_killed_export_starts_over_and_a_cancelled_one_stays_away() -> None:
    batch = answered([1])
    by = batch.created_by
    killed = start_export(project=batch.project, by=by, at=NOON)
    left = export_folder(killed.pk).with_suffix(".part")
    left.mkdir(parents=True)
    (left / "data.jsonl").write_text("half a row")
    cancelled = start_export(project=batch.project, by=by, at=NOON)
    cancel_export(export=cancelled, by=by, at=NOON)

    run_due_jobs(queues=["bulk"])

    assert (export_folder(killed.pk) / "data.jsonl").read_text().startswith('{"prompt"')
    assert not left.exists()
    assert not export_folder(cancelled.pk).exists()
