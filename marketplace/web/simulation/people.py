"""The people of a simulated instance: staff, a client, experts on their way in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from PIL import Image, ImageDraw

from marketplace.formats.rows import Row
from marketplace.organizations.models import Organization
from marketplace.organizations.services.founding import found_organization
from marketplace.people.models import Expert, LegalDocument, User
from marketplace.people.services.consenting import give_consent, publish_document
from marketplace.people.services.joining import add_user, create_expert
from marketplace.people.services.staffing import grant_role
from marketplace.web.simulation.answers import SimulatedExpert
from vetting.models import Application, Assessment, AttemptItem, Credential, Domain
from vetting.services.applications import apply, submit
from vetting.services.assessments import Rules, create_assessment, publish_version
from vetting.services.attempts import answer_question, start_attempt, submit_attempt
from vetting.services.catalogue import add_domain, add_skill
from vetting.services.credentials import (
    CHECKLIST,
    Verdict,
    decide_credential,
    draft_credential,
    submit_credential,
)
from vetting.services.documents import attach_document, open_document
from vetting.services.item_banks import import_items
from vetting.services.policies import publish_policy

_NOTE = "\n\n*A template of the demo, not legal advice.*"


@dataclass(frozen=True)
class Staff:
    """Who runs the instance. Money and vetting have two people each, for the second look."""

    chief: User
    vetting: User
    second_vetting: User
    quality: User
    finance: User
    second_finance: User
    support: User
    auditor: User


def hire_staff(*, password: str | None, host: str, at: datetime) -> Staff:
    """The operator's people; the chief is the superuser who appoints the others."""
    chief = User.objects.create_superuser(f"chief@{host}", password, name="Nora Vance")
    names = {
        "vetting": ("Ilse Brandt", "vetting"),
        "second_vetting": ("Tomás Rey", "vetting"),
        "quality": ("Mei Lin", "quality"),
        "finance": ("Rufus Adeyemi", "finance"),
        "second_finance": ("Paula Stern", "finance"),
        "support": ("Jonas Falk", "support"),
        "auditor": ("Grace Oduya", "auditor"),
    }
    hired = {}
    for key, (name, role) in names.items():
        address = f"{key.replace('second_', '')}{'2' if 'second' in key else ''}@{host}"
        user = add_user(email=address, name=name, password=password, at=at)
        hired[key] = grant_role(user=user, role=role, by=chief, at=at).user
    return Staff(chief=chief, **hired)


def open_lab(*, name: str, slug: str, owner: User, at: datetime) -> Organization:
    """A client with its owner."""
    return found_organization(name=name, slug=slug, owner=owner, at=at)


def publish_legal_texts(*, by: User, at: datetime) -> list[LegalDocument]:
    """The terms and the privacy notice that every expert accepts."""
    texts = {
        "terms_of_service": (
            "Terms of service",
            "Work is paid once it is approved, and silence approves. You may return a task at any"
            " time without harm. A refusal names its reason and can be disputed." + _NOTE,
        ),
        "privacy": (
            "Privacy notice",
            "Clients see your pseudonym and levels, never your name. Documents are sealed, seen"
            " only by the people who decide, and deleted after the decision." + _NOTE,
        ),
    }
    return [
        publish_document(kind=kind, title=title, body=body, effective_from=at, by=by, at=at)
        for kind, (title, body) in texts.items()
    ]


def open_domain(
    *, slug: str, name: str, ability: str, bank: Iterable[Row], by: User, at: datetime
) -> Assessment:
    """A domain with one skill, its test, and the policy: one verified degree and a passed test."""
    domain = add_domain(slug=slug, name=name, by=by, at=at)
    skill = add_skill(domain=domain, ability=ability, name=f"{name}: {ability}", by=by, at=at)
    assessment = create_assessment(
        skill=skill, slug=f"{slug}-{ability}", name=f"{name}, {ability} test", by=by, at=at
    )
    import_items(assessment=assessment, rows=bank, by=by, at=at)
    publish_version(assessment=assessment, rules=Rules(cut=0.0, maximum=16), by=by, at=at)
    needs = {"all_of": [{"credential": "degree", "min_a": "a2"}, {"assessment": assessment.slug}]}
    publish_policy(skill=skill, expression=needs, by=by, at=at)
    return assessment


@dataclass(frozen=True)
class Newcomer:
    """Somebody who wants to work, and how they will answer test questions."""

    email: str
    name: str
    country: str
    time_zone: str
    languages: tuple[str, ...]


def join(
    newcomer: Newcomer, *, password: str | None, texts: Iterable[LegalDocument], at: datetime
) -> Expert:
    """Sign up, accept the texts, make the profile."""
    user = add_user(email=newcomer.email, name=newcomer.name, password=password, at=at)
    for text in texts:
        give_consent(user=user, document=text, shown_hash=text.sha256, channel="web", at=at)
    return create_expert(
        user=user,
        country=newcomer.country,
        languages=newcomer.languages,
        time_zone=newcomer.time_zone,
        display_name=newcomer.name,
        at=at,
    )


def take_test(
    *, expert: Expert, assessment: Assessment, person: SimulatedExpert, at: datetime
) -> bool:
    """Sit the test to its end; whether it was passed."""
    attempt = start_attempt(expert=expert, assessment=assessment, at=at)
    shown = attempt.shown.order_by("-position").select_related("item").first()
    while shown is not None:
        shown = answer_question(
            attempt=attempt, position=shown.position, choices=_choices(shown, person), at=at
        )
    return submit_attempt(attempt=attempt, at=at).state == "passed"


def _choices(shown: AttemptItem, person: SimulatedExpert) -> list[int]:
    """The right option's place in the item's own order, or another one."""
    return [person.choose(shown.item.key[0], len(shown.item.options))]


def show_degree(*, expert: Expert, title: str, issuer: str, at: datetime) -> Credential:
    """Claim a degree, with a (drawn) certificate, and hand it in."""
    credential = draft_credential(
        expert=expert,
        kind="degree",
        title=title,
        issuer=issuer,
        jurisdiction=expert.country,
        at=at,
    )
    paper = certificate(title=title, issuer=issuer, holder=expert.display_name)
    attach_document(credential=credential, content=paper, at=at)
    return submit_credential(credential=credential, at=at)


def certificate(*, title: str, issuer: str, holder: str) -> bytes:
    """A PNG that looks enough like a certificate to have something to decide about."""
    page = Image.new("RGB", (640, 440), "#fbf8ef")
    pen = ImageDraw.Draw(page)
    pen.rectangle((16, 16, 624, 424), outline="#8a6d3b", width=3)
    pen.text((60, 90), issuer, fill="#333333")
    pen.text((60, 190), f"confers on {holder} the degree of {title}", fill="#333333")
    pen.text((60, 360), "SPECIMEN. Made for a demonstration.", fill="#8a6d3b")
    file = BytesIO()
    page.save(file, "PNG")
    return file.getvalue()


def verify(credential: Credential, *, by: User, at: datetime) -> Credential:
    """Staff looked at the document and found it in order."""
    for document in credential.documents.order_by("pk"):
        open_document(document=document, by=by, reason="To check it", at=at)
    verdict = Verdict("verified", dict.fromkeys(CHECKLIST, True))
    return decide_credential(credential=credential, verdict=verdict, by=by, at=at)


def ask_for_domain(*, expert: Expert, domain: Domain, at: datetime) -> Application:
    """Apply and hand in; with everything there, rule or people decide."""
    return submit(application=apply(expert=expert, domain=domain, at=at), at=at)
