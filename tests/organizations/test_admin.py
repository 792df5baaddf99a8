"""Raw records in the admin: every table can be looked at, no secret is shown, nothing changes."""

from __future__ import annotations

from datetime import date

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from marketplace.kit.models import IdempotencyRecord
from marketplace.organizations.models import ApiKey, Invitation
from marketplace.organizations.services.employing import begin_employment
from marketplace.people.services.consenting import give_consent
from marketplace.people.services.deciding import Subject, record_decision
from tests.organizations import make
from tests.people import make as people
from tests.people.make import NOON

OURS = sorted(
    (
        model
        for model in admin.site._registry
        if model._meta.app_label in {"kit", "people", "organizations"}
    ),
    key=lambda model: model._meta.label,
)


@pytest.fixture
def root(db: None, settings) -> Client:
    """A superuser, and at least one row in each table."""
    settings.DEMO = True
    boss, ada, lab = people.superuser(), people.expert(), make.organization()
    people.staff("finance", by=boss)
    terms = people.document()
    give_consent(user=ada.user, document=terms, shown_hash=terms.sha256, channel="web", at=NOON)
    record_decision(kind="x", subject=Subject("application", ada.pk, ada), at=NOON)
    begin_employment(expert=ada, workforce="volunteer", from_date=date(2026, 1, 1), at=NOON)
    make.member(lab, "viewer")
    make.api_key(lab)
    IdempotencyRecord.objects.create(principal=boss.pk, key="k", request_hash="", created_at=NOON)
    client = Client()
    client.force_login(boss)
    return client


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_every_table_can_be_looked_at_and_not_changed(root: Client, model: type[Model]) -> None:
    names = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    row = model._default_manager.order_by("pk")[0]
    change = reverse(f"{names}_change", args=[row.pk])

    assert root.get(reverse(f"{names}_changelist")).status_code == 200
    page = root.get(change)

    assert page.status_code == 200
    assert str(row) in page.content.decode().replace("&#x27;", "'")
    assert root.post(change, {}).status_code == 403
    assert root.get(reverse(f"{names}_add")).status_code == 403


def test_hashes_of_secrets_are_not_shown(root: Client) -> None:
    key, invitation = ApiKey.objects.get(), Invitation.objects.order_by("pk")[0]

    pages = [
        root.get(f"/admin/organizations/apikey/{key.pk}/change/").content.decode(),
        root.get(f"/admin/organizations/invitation/{invitation.pk}/change/").content.decode(),
    ]

    assert key.prefix in pages[0]
    assert key.secret_sha256 not in pages[0]
    assert invitation.token_sha256 not in pages[1]
