"""A POST sent twice has one effect and one answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from marketplace.kit import clock
from marketplace.kit.drf.idempotency import forget_answers
from marketplace.kit.models import IdempotencyRecord
from marketplace.people.models import User
from tests.kit import api
from tests.kit.browser import post, signed_in
from tests.people.make import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.kit.api")]


def _made() -> int:
    """How many effects there were: users besides Ada and Eve."""
    return User.objects.exclude(email__in=["ada@example.org", "eve@example.org"]).count()


def test_same_key_and_body_get_the_same_answer_without_a_second_effect() -> None:
    ada = signed_in()

    first = post(ada, "notes/", {"name": "one", "extra": 1}, "k1")
    second = post(ada, "notes/", '{"extra":   1, "name": "one"}', "k1")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert _made() == 1


def test_same_key_with_another_body_is_refused() -> None:
    ada = signed_in()
    post(ada, "notes/", {"name": "one"}, "k1")

    response = post(ada, "notes/", {"name": "two"}, "k1")

    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
    assert _made() == 1


def test_same_key_at_another_address_is_refused() -> None:
    ada = signed_in()
    post(ada, "notes/", {"name": "one"}, "k1")

    response = post(ada, "payments/", {"name": "one"}, "k1")

    assert response.status_code == 422


def test_keys_of_two_people_are_two_keys() -> None:
    post(signed_in(), "notes/", {"name": "one"}, "k1")

    response = post(signed_in("eve@example.org"), "notes/", {"name": "two"}, "k1")

    assert response.status_code == 201
    assert _made() == 2


def test_without_a_key_every_request_counts() -> None:
    ada = signed_in()

    for _ in range(2):
        post(ada, "notes/", {"name": "one"})

    assert _made() == 2
    assert not IdempotencyRecord.objects.exists()


def test_moving_money_needs_a_key() -> None:
    ada = signed_in()

    without = post(ada, "payments/", {})
    given = [post(ada, "payments/", {}, "k1") for _ in range(2)]

    assert (without.status_code, without.json()["code"]) == (400, "idempotency_key_missing")
    assert [response.status_code for response in given] == [204, 204]
    assert given[1].content == b""
    assert _made() == 1


@pytest.mark.parametrize("name", ["refused", "answered"])
def test_refusal_changes_nothing_and_frees_the_key(name: str) -> None:
    ada = signed_in()

    refused = post(ada, "notes/", {"name": name}, "k1")

    assert refused.status_code == 409
    assert _made() == 0
    assert post(ada, "notes/", {"name": "one"}, "k1").status_code == 201


def test_body_that_is_no_json_takes_no_key() -> None:
    response = post(signed_in(), "notes/", "{", "k1")

    assert response.status_code == 400
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.parametrize("key", ["a b", "é", "x" * 256])
def test_key_that_is_not_readable_is_refused(key: str) -> None:
    response = post(signed_in(), "notes/", {"name": "one"}, key)

    assert response.json()["code"] == "idempotency_key_not_readable"


def test_stranger_takes_no_key() -> None:
    ada = signed_in()
    ada.logout()

    response = post(ada, "notes/", {"name": "one"}, "k1")

    assert response.status_code == 401
    assert not IdempotencyRecord.objects.exists()


def test_key_without_a_person_is_refused_where_anybody_may_post() -> None:
    with_key = post(Client(), "guests/", {}, "k1")
    without = post(Client(), "guests/", {})

    assert (with_key.status_code, without.status_code) == (401, 204)


def _left_running(*, seconds: int) -> None:
    """The row of a process that died that long before NOON."""
    ada = signed_in()
    post(ada, "notes/", {"name": "one"}, "k1")
    IdempotencyRecord.objects.update(
        status=None, response=None, created_at=NOON - timedelta(seconds=seconds)
    )
    User.objects.exclude(email="ada@example.org").delete()


def test_request_that_still_runs_is_not_run_again() -> None:
    _left_running(seconds=299)

    with clock.at(NOON):
        response = post(signed_in(), "notes/", {"name": "one"}, "k1")

    assert (response.status_code, response.json()["code"]) == (409, "still_running")
    assert _made() == 0


def test_request_of_a_dead_process_is_run_again_after_five_minutes() -> None:
    _left_running(seconds=300)

    with clock.at(NOON):
        responses = [post(signed_in(), "notes/", {"name": "one"}, "k1") for _ in range(2)]

    assert [response.status_code for response in responses] == [201, 201]
    assert _made() == 1


def test_old_answers_are_forgotten() -> None:
    ada = signed_in()
    with clock.at(NOON):
        post(ada, "notes/", {"name": "one"}, "k1")

    assert forget_answers(before=NOON) == 0
    assert forget_answers(before=NOON + timedelta(seconds=1)) == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_one_key_posted_64_times_at_once_has_one_effect() -> None:
    client = signed_in()
    cookies = client.cookies

    def send(_number: int) -> int:
        try:
            racer = client.__class__()
            racer.cookies = cookies
            return post(racer, "notes/", {"name": "one"}, "k1").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(send, range(64)))

    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert _made() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_second_request_is_told_that_the_first_still_runs() -> None:
    client = signed_in()
    api.handling.clear()
    api.go_on.clear()

    def send() -> int:
        try:
            return post(client, "notes/", {"name": "one"}, "k1").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(send)
        assert api.handling.wait(10)
        second = post(signed_in(), "notes/", {"name": "one"}, "k1")
        api.go_on.set()

    assert (first.result(), second.status_code) == (201, 409)
    assert _made() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_process_that_was_taken_over_leaves_no_effect() -> None:
    client = signed_in()
    api.handling.clear()
    api.go_on.clear()

    def send() -> int:
        try:
            return post(client, "notes/", {"name": "one"}, "k1").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(send)
        assert api.handling.wait(10)
        IdempotencyRecord.objects.update(created_at=NOON)
        api.go_on.set()

    assert first.result() == 409
    assert _made() == 0
