"""Claims, their papers, and the people who check them."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
from django.core.files.storage import storages
from django.db import IntegrityError, transaction
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from marketplace.events.models import Event
from marketplace.kit.errors import InvalidInput
from marketplace.kit.ids import uuid7
from marketplace.kit.sealing import SealBroken
from marketplace.kit.states import IllegalTransition
from marketplace.organizations.models import Employment
from marketplace.organizations.services.founding import found_organization
from marketplace.people.models import Expert
from marketplace.people.services.deciding import NotYourDecision, Reason
from tests.vetting import build
from tests.vetting.build import DAY, NOON, WHY
from vetting.gateways import private_files
from vetting.gateways.inspection import DocumentRefused, inspect
from vetting.models import Credential, Document, DocumentAccess, Verification
from vetting.services.credentials import (
    CHECKLIST,
    NoDocuments,
    PaperUnread,
    Registry,
    Verdict,
    decide_credential,
    draft_credential,
    submit_credential,
    withdraw_credential,
)
from vetting.services.documents import (
    DocumentGone,
    NotAttachable,
    TooManyDocuments,
    attach_document,
    open_document,
    purge_documents,
)


def pdf(**root: object) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(72, 72)
    for key, value in root.items():
        writer.root_object[NameObject(f"/{key}")] = value
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def encrypted() -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(pdf()))
    writer.encrypt("secret")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def with_attachment() -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(pdf()))
    writer.add_attachment("more.exe", b"MZ")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def with_script() -> bytes:
    script = DictionaryObject(
        {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("x()")}
    )
    return pdf(OpenAction=script)


def launching() -> bytes:
    return pdf(OpenAction=DictionaryObject({NameObject("/S"): NameObject("/Launch")}))


def huge_picture() -> bytes:
    written = io.BytesIO()
    Image.new("1", (8_000, 5_001)).save(written, format="PNG")
    return written.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty."),
        (b"%PDF-" + b"x" * 10 * 1024 * 1024, "The file is larger than 10 MB."),
        (b"GIF89a" + b"x" * 50, "Send a PDF, a PNG or a JPEG."),
        (b"<html><script>alert(1)</script>", "Send a PDF, a PNG or a JPEG."),
        (encrypted(), "The PDF is encrypted. Save it without a password."),
        (with_script(), "The PDF holds scripts or other files. Print it to a new PDF."),
        (launching(), "The PDF holds scripts or other files. Print it to a new PDF."),
        (with_attachment(), "The PDF holds scripts or other files. Print it to a new PDF."),
        (b"%PDF-1.4\n" + b"junk" * 40, "The PDF cannot be read; it may be damaged."),
        (build.picture()[:40], "The picture cannot be read; it may be damaged."),
        (huge_picture(), "The picture has more than 40 megapixels."),
    ],
)
def test_a_file_that_is_not_kept_is_refused_with_what_would_do(content: bytes, said: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        inspect(content)

    assert refused.value.message == said


def test_a_plain_pdf_is_kept_as_it_is() -> None:
    content = pdf()

    kept = inspect(content)

    assert (kept.content, kept.media_type) == (content, "application/pdf")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_is_written_anew_without_place_or_stowaway(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera maker"
    written = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(written, format=kind, exif=exif)
    content = written.getvalue() + b"<?php stowaway"
    assert b"Camera maker" in content

    kept = inspect(content)

    assert kept.media_type == f"image/{kind.lower()}"
    assert b"Camera maker" not in kept.content
    assert b"stowaway" not in kept.content
    assert Image.open(io.BytesIO(kept.content)).size == (8, 8)


def drafted(who: Expert | None = None) -> Credential:
    return draft_credential(
        expert=who or build.expert(), kind="degree", title="MD", issuer="Charité", at=NOON
    )


@pytest.mark.django_db
def test_a_paper_is_sealed_for_its_own_document_only() -> None:
    document = attach_document(credential=drafted(), content=pdf(), at=NOON)

    with storages["credentials"].open(document.stored_as) as file:
        stored = file.read()
    assert b"PDF" not in stored
    assert private_files.fetch(document.stored_as, document_id=document.pk) == pdf()
    with pytest.raises(SealBroken):
        private_files.fetch(document.stored_as, document_id=uuid7())


@pytest.mark.django_db
def test_opening_a_paper_leaves_a_trace_that_stays() -> None:
    document = attach_document(credential=drafted(), content=pdf(), at=NOON)
    reviewer = build.person()

    content = open_document(document=document, by=reviewer, reason=" case 7 ", at=NOON)

    assert content == pdf()
    access = DocumentAccess.objects.get()
    assert (access.by, access.reason, access.at) == (reviewer, "case 7", NOON)
    with pytest.raises(IntegrityError, match="document_access_has_a_reason"), transaction.atomic():
        open_document(document=document, by=reviewer, reason=" ", at=NOON)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        DocumentAccess.objects.update(reason="other")


@pytest.mark.django_db
def test_papers_are_added_to_drafts_and_ten_are_enough() -> None:
    credential = drafted()
    for _ in range(10):
        attach_document(credential=credential, content=build.picture(), at=NOON)

    with pytest.raises(TooManyDocuments):
        attach_document(credential=credential, content=build.picture(), at=NOON)
    submit_credential(credential=credential, at=NOON)
    with pytest.raises(NotAttachable):
        attach_document(credential=credential, content=build.picture(), at=NOON)


@pytest.mark.django_db
def test_a_claim_without_papers_is_not_taken() -> None:
    with pytest.raises(NoDocuments):
        submit_credential(credential=drafted(), at=NOON)


@pytest.mark.django_db
def test_an_unknown_kind_of_claim_is_refused() -> None:
    with pytest.raises(InvalidInput):
        draft_credential(expert=build.expert(), kind="badge", title="x", issuer="y", at=NOON)


@pytest.mark.django_db
def test_a_verified_claim_keeps_the_finding_and_its_assurance() -> None:
    registry = Registry("https://board.example/17", date(2026, 11, 19), "A. Expert")
    found = build.verdict(registry=registry, valid_until=date(2027, 5, 1))
    credential = build.submitted_credential(build.expert())

    credential = build.decided(credential, found)

    assert (credential.state, credential.assurance) == ("verified", "a3")
    assert credential.valid_until == date(2027, 5, 1)
    verification = Verification.objects.get()
    assert (verification.verifier, verification.status) == ("document_review", "passed")
    assert verification.facts["registry"]["url"] == "https://board.example/17"
    kinds = Event.objects.filter(object_kind="credential").order_by("id")
    assert [event.kind for event in kinds] == [
        "credential.drafted",
        "credential.submitted",
        "credential.verified",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("outcome", ["verified", "needs_info", "rejected"])
def test_nobody_judges_a_paper_that_they_did_not_open(outcome: str) -> None:
    credential = build.submitted_credential(build.expert())
    reviewer, found = build.person(), build.verdict(outcome, reason=WHY)
    for document in credential.documents.all():
        open_document(document=document, by=build.person(), reason="somebody else", at=NOON)

    with pytest.raises(PaperUnread, match="Open the paper you have not looked at, then decide"):
        decide_credential(credential=credential, verdict=found, by=reviewer, at=NOON)


@pytest.mark.django_db
def test_a_judged_paper_without_the_registry_is_a2() -> None:
    assert build.verified_credential(build.expert()).assurance == "a2"


@pytest.mark.django_db
def test_a_rejection_has_a_human_a_reason_evidence_and_an_appeal() -> None:
    credential = build.submitted_credential(build.expert())
    reviewer = build.person()

    credential = build.decided(credential, build.verdict("rejected", reason=WHY), by=reviewer)

    decision = credential.decision
    assert decision is not None
    assert (credential.state, decision.adverse, decision.decided_by) == ("rejected", True, reviewer)
    assert decision.appeal_until == NOON + 30 * DAY


@pytest.mark.django_db
def test_the_database_refuses_a_rejected_claim_without_its_decision() -> None:
    credential = build.submitted_credential(build.expert())

    with pytest.raises(IntegrityError, match="refused_credential_has_its_decision"):
        Credential.objects.filter(pk=credential.pk).update(state="rejected")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "found",
    [
        build.verdict("rejected"),
        build.verdict("needs_info"),
        Verdict("verified", {"name_matches": True}),
        Verdict("verified", dict.fromkeys(CHECKLIST, False)),
    ],
    ids=["no reason", "nothing asked for", "open points", "a point against it"],
)
def test_a_verdict_is_whole(found: Verdict) -> None:
    credential = build.submitted_credential(build.expert())

    with pytest.raises(InvalidInput):
        build.decided(credential, found)


@pytest.mark.django_db
def test_more_papers_can_be_asked_for_and_sent() -> None:
    credential = build.submitted_credential(build.expert())
    ask = build.verdict("needs_info", reason=Reason("", "Please add page 2.", []))

    credential = build.decided(credential, ask)
    assert (credential.state, credential.asked_for) == ("needs_info", "Please add page 2.")
    attach_document(credential=credential, content=build.picture(), at=NOON)
    credential = submit_credential(credential=credential, at=NOON)

    assert (credential.state, credential.asked_for) == ("in_review", "")


@pytest.mark.django_db
def test_nobody_decides_on_themselves_or_on_people_their_organisation_employs() -> None:
    expert, employer = build.expert(), build.person("Lin Client")
    organization = found_organization(name="Lab", slug="lab", owner=employer, at=NOON)
    Employment.objects.create(
        expert=expert, organization=organization, workforce="employee", from_date=NOON.date()
    )
    credential = build.submitted_credential(expert)

    for by in (expert.user, employer):
        with pytest.raises(NotYourDecision):
            decide_credential(credential=credential, verdict=build.verdict(), by=by, at=NOON)


@pytest.mark.django_db
def test_papers_go_thirty_days_after_the_decision_and_the_hash_stays() -> None:
    credential = build.verified_credential(build.expert())
    document = credential.documents.get()
    stored_as = document.stored_as

    assert purge_documents(at=NOON + 30 * DAY - timedelta(seconds=1)) == 0
    assert purge_documents(at=NOON + 30 * DAY) == 1

    document.refresh_from_db()
    assert (document.stored_as, document.purged_at) == ("", NOON + 30 * DAY)
    assert len(document.sha256) == 64
    assert not storages["credentials"].exists(stored_as)
    with pytest.raises(DocumentGone):
        open_document(document=document, by=build.person(), reason="late", at=NOON + 31 * DAY)


@pytest.mark.django_db
def test_papers_stay_while_their_claim_is_being_checked() -> None:
    build.submitted_credential(build.expert())

    assert purge_documents(at=NOON + 90 * DAY) == 0


@pytest.mark.django_db
def test_papers_of_a_withdrawn_claim_go_at_the_next_occasion() -> None:
    credential = withdraw_credential(credential=build.submitted_credential(build.expert()), at=NOON)

    assert credential.state == "withdrawn"
    assert purge_documents(at=NOON) == 1
    with pytest.raises(IllegalTransition):
        withdraw_credential(credential=credential, at=NOON)
    assert Document.objects.filter(stored_as="").count() == 1
