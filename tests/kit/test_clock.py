"""One clock: the database's, or the instant that a test or the seed has set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from marketplace.kit import clock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_the_time_comes_from_the_database() -> None:
    moment = clock.now()

    assert moment.utcoffset() == timedelta(0)


def test_a_set_instant_is_the_time_until_it_is_left() -> None:
    with clock.at(NOON):
        assert clock.now() == NOON


@pytest.mark.parametrize(
    "instant",
    [datetime(2026, 3, 1, 12), NOON.astimezone(timezone(timedelta(hours=2)))],  # noqa: DTZ001 the naive one is what is refused
)
def test_an_instant_that_is_not_utc_is_refused(instant: datetime) -> None:
    with pytest.raises(ValueError, match="UTC"), clock.at(instant):
        pass
