"""The API answers whatever the schema allows, and much it does not, as the schema says."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import (
    ignored_auth,
    positive_data_acceptance,
    unsupported_method,
)

from marketplace.kit import clock
from marketplace.organizations.services.keys import create_api_key
from tests import make
from tests.fuzz import profile

# A request ends by closing a connection that is inside a test's transaction, so there is none.
pytestmark = pytest.mark.django_db(transaction=True)
CSRF = "c" * 32
# Business rules refuse valid shapes; the credentials are ours, not generated.
EXCLUDED = [positive_data_acceptance, ignored_auth, unsupported_method]


def application(environ: dict[str, Any], start_response: Any) -> Any:  # Any: WSGI
    """The site as a server calls it: with the caller's address, and answers not packed."""
    asked = {**environ, "REMOTE_ADDR": "127.0.0.1", "HTTP_ACCEPT_ENCODING": "identity"}
    return get_wsgi_application()(asked, start_response)


@pytest.fixture
def world() -> SimpleNamespace:
    """A client with a key, an expert with a session, and a row of each kind."""
    batch = make.open_batch(tasks=30, answers=3)
    assignment = make.claimed(batch)
    _, secret = create_api_key(
        organization=batch.project.organization,
        name="fuzz",
        scopes=["projects:read", "tasks:write", "exports:read"],
        expires_at=clock.now() + timedelta(days=1),
        by=batch.created_by,
        at=clock.now(),
    )
    browser = Client()
    browser.force_login(assignment.expert.user)
    return SimpleNamespace(
        ids={
            "batch_id": str(make.ready_batch(of=batch.project).pk),
            "assignment_id": str(assignment.pk),
            "project_id": str(batch.project_id),
            "paper_id": str(batch.project_id),
        },
        key={"Authorization": f"Bearer {secret}"},
        cookies={"guildhall_session": browser.session.session_key, "guildhall_csrf": CSRF},
    )


def test_every_operation_answers_as_documented(world: SimpleNamespace) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)
    seen = set()

    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]  # an Err has no ok and is loud
        seen.add(operation.label)
        _try(operation, world)

    assert len(seen) == 29


def _try(operation: Any, world: SimpleNamespace) -> None:  # Any: schemathesis is untyped
    """Requests that the schema allows or forbids, each judged by every check."""

    @settings(
        profile(examples=3),
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:  # Any: as above
        is_for_experts = "{project_id}" in case.path or "/batches/" not in case.path
        is_for_experts = is_for_experts and case.path != "/api/v1/projects/"
        for name in case.path_parameters:
            case.path_parameters[name] = world.ids[name]
        case.headers = {k: v for k, v in case.headers.items() if k != "Authorization"}
        case.cookies = world.cookies if is_for_experts else {}
        response = case.call(headers={"X-CSRFToken": CSRF} if is_for_experts else world.key)
        assert response.status_code not in (401, 429)
        case.validate_response(response, excluded_checks=EXCLUDED)

    send()


def test_the_schema_is_valid_and_names_every_problem_answer(client: Client) -> None:
    document = client.get("/api/schema/?format=json").json()

    assert document["openapi"].startswith("3.")
    operations = [
        operation
        for path in document["paths"].values()
        for method, operation in path.items()
        if method in {"get", "post", "put"}
    ]
    assert len(operations) == 29
    needed = {"400", "401", "403", "404", "405", "406", "409", "415", "422", "429"}
    assert [op["operationId"] for op in operations if not needed <= op["responses"].keys()] == []
