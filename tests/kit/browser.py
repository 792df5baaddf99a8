"""A signed-in client for the tests of the API's machinery."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.test import Client

from marketplace.people.models import User

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer


def signed_in(email: str = "ada@example.org") -> Client:
    """A client with a session, enough for the test API."""
    person = User.objects.filter(email=email).order_by("pk").first()
    client = Client()
    client.force_login(person or User.objects.create_user(email))
    return client


def post(client: Client, path: str, body: object, key: str = "") -> Answer:
    """POST JSON, with an Idempotency-Key where one is given."""
    headers: dict[str, Any] = {"Idempotency-Key": key} if key else {}
    text = body if isinstance(body, str) else json.dumps(body)
    return client.post(f"/api/v1/{path}", text, content_type="application/json", headers=headers)
