"""Raw records of projects and work can be looked at and not changed."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client, override_settings

from marketplace.people.models import User
from tests import make

pytestmark = pytest.mark.django_db


@override_settings(DEMO=True)  # without a second factor
def test_every_list_opens_and_offers_nothing_to_add() -> None:
    make.submitted(make.open_batch())
    root = User.objects.create_superuser("root@example.org", name="Root")
    client = Client()
    client.force_login(root)
    shown = [
        model
        for label in ("projects", "tasks")
        for model in apps.get_app_config(label).get_models()
        if admin.site.is_registered(model)
    ]

    answers = {
        model.__name__: (
            client.get(f"/admin/{model._meta.app_label}/{model._meta.model_name}/").status_code,
            client.get(f"/admin/{model._meta.app_label}/{model._meta.model_name}/add/").status_code,
        )
        for model in shown
    }

    assert len(answers) == 17
    assert set(answers.values()) == {(200, 403)}
