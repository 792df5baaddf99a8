"""Lists of 25 rows by key: page two costs what page one costs, and nothing shifts while reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest

ROWS = 25
LONGEST_NUMBER = 18
LONGEST_NUMBER = 19  # digits that a bigint surely holds
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """One page of a list, newest first, and the way to the next."""

    rows: list[M]
    next_url: str
    first_url: str

    @property
    def words(self) -> str:
        """What the pager says about where one is."""
        shown = f"{len(self.rows)} shown"
        return f"{shown}, more follow" if self.next_url else f"{shown}, no more"


def page_of(request: HttpRequest, rows: QuerySet[M]) -> Page[M]:
    """The page after `?after=<id>`, by descending key; a key that is none shows the first page.

    Keys are ordered by time, so this is newest first.
    """
    after = _key(request.GET.get("after", ""))
    found = rows.filter(pk__lt=after) if after else rows
    listed = list(found.order_by("-pk")[: ROWS + 1])
    more = len(listed) > ROWS
    listed = listed[:ROWS]
    return Page(
        rows=listed,
        next_url=_url(request, str(listed[-1].pk)) if more else "",
        first_url=_url(request, "") if after else "",
    )


def page_upwards(request: HttpRequest, rows: QuerySet[M]) -> Page[M]:
    """The page after `?after=<number>`, by ascending whole-number key: in the order written."""
    text = request.GET.get("after", "")
    after = int(text) if text.isdecimal() and len(text) <= LONGEST_NUMBER else 0
    listed = list(rows.filter(pk__gt=after).order_by("pk")[: ROWS + 1])
    more = len(listed) > ROWS
    listed = listed[:ROWS]
    return Page(
        rows=listed,
        next_url=_url(request, str(listed[-1].pk)) if more else "",
        first_url=_url(request, "") if after else "",
    )


def _key(text: str) -> UUID | int | None:
    try:
        return int(text) if text.isdecimal() and len(text) < LONGEST_NUMBER else UUID(text)
    except ValueError:
        return None


def _url(request: HttpRequest, after: str) -> str:
    query = request.GET.copy()
    query.pop("after", None)
    if after:
        query["after"] = after
    return f"?{query.urlencode()}"
