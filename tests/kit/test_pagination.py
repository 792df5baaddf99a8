"""Lists by cursor."""

from __future__ import annotations

import pytest

from marketplace.people.models import User
from tests.kit.browser import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.kit.api")]


def _pages(limit: int) -> list[list[str]]:
    """Every page from the first to the last."""
    client, pages, cursor = signed_in(), [], ""
    while True:
        query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        page = client.get(f"/api/v1/people/{query}").json()
        pages.append([row["email"] for row in page["results"]])
        if page["next_cursor"] is None:
            return pages
        cursor = page["next_cursor"]


@pytest.mark.parametrize(("limit", "sizes"), [(2, [2, 2, 1]), (5, [5]), (4, [4, 1]), (200, [5])])
def test_every_row_comes_once_in_the_order_of_making(limit: int, sizes: list[int]) -> None:
    signed_in()
    emails = [f"person{number}@example.org" for number in range(4)]
    for email in emails:
        User.objects.create_user(email)

    pages = _pages(limit)

    assert [len(page) for page in pages] == sizes
    assert [email for page in pages for email in page] == ["ada@example.org", *emails]


def test_page_size_is_fifty_unless_asked() -> None:
    client = signed_in()
    for number in range(50):
        User.objects.create_user(f"person{number}@example.org")

    page = client.get("/api/v1/people/").json()

    assert len(page["results"]) == 50
    assert page["next_cursor"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=٣", "limit"),
        ("limit=", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("cursor=x", "cursor"),
        ("cursor=", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=MTIz", "cursor"),
        ("cursor=é", "cursor"),
    ],
)
def test_limit_and_cursor_that_make_no_sense_are_named(query: str, field: str) -> None:
    response = signed_in().get(f"/api/v1/people/?{query}")

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field
