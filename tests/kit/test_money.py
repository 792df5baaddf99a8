"""Whole minor units, one currency, nothing lost in a split."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.kit.money import (
    CurrencyMismatch,
    Money,
    exponent,
    fee_on,
    hourly_pay,
    part_of,
    zero,
)

AMOUNTS = st.integers(min_value=-(10**12), max_value=10**12)
WEIGHTS = st.lists(st.integers(min_value=0, max_value=1000), min_size=1, max_size=8).filter(any)


@pytest.mark.parametrize("minor", [12.5, True, "12", None])
def test_only_whole_numbers_are_money(minor: Any) -> None:
    with pytest.raises(TypeError):
        Money(minor, "USD")


@pytest.mark.parametrize("currency", ["usd", "US", "USDX", "", "U$D"])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    with pytest.raises(ValueError, match="not a currency"):
        Money(1, currency)


def test_an_amount_that_no_column_holds_is_refused() -> None:
    with pytest.raises(OverflowError):
        Money(2**63, "USD")


def test_currencies_never_mix() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(CurrencyMismatch):
        assert Money(1, "USD") < Money(1, "EUR")


def test_sums_differences_and_multiples_are_exact() -> None:
    assert Money(150, "USD") + Money(25, "USD") - Money(75, "USD") == Money(100, "USD")
    assert Money(150, "USD") * 3 == Money(450, "USD")
    assert -Money(150, "USD") == Money(-150, "USD")


def test_money_is_not_multiplied_by_a_fraction() -> None:
    with pytest.raises(TypeError):
        Money(100, "USD") * 1.5  # type: ignore[operator]  # what the test is about


def test_amounts_of_one_currency_are_ordered() -> None:
    small, large = Money(1, "USD"), Money(2, "USD")

    assert small < large
    assert small <= large
    assert large > small
    assert large >= small
    assert not zero("USD")
    assert small


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(123456, "USD"), "1,234.56 USD"),
        (Money(-5, "USD"), "-0.05 USD"),
        (Money(1250, "JPY"), "1,250 JPY"),
        (Money(1250, "KWD"), "1.250 KWD"),
    ],
)
def test_amounts_read_as_people_write_them(money: Money, text: str) -> None:
    assert str(money) == text


def test_exponents_follow_the_currency() -> None:
    assert [exponent(code) for code in ("USD", "JPY", "KWD")] == [2, 0, 3]


@given(AMOUNTS, WEIGHTS)
def test_a_split_loses_nothing(minor: int, weights: list[int]) -> None:
    shares = Money(minor, "USD").allocate(*weights)

    assert sum(share.minor for share in shares) == minor


def test_a_split_gives_the_rest_to_the_largest_remainder() -> None:
    assert Money(100, "USD").allocate(1, 1, 1) == (
        Money(34, "USD"),
        Money(33, "USD"),
        Money(33, "USD"),
    )


@pytest.mark.parametrize("weights", [(), (0,), (1, -1)])
def test_a_split_needs_weights(weights: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Money(100, "USD").allocate(*weights)


def test_fees_parts_and_hours_round_half_up() -> None:
    assert fee_on(Money(333, "USD"), basis_points=1500) == Money(50, "USD")
    assert part_of(Money(333, "USD"), percent=50) == Money(167, "USD")
    assert hourly_pay(Money(4500, "USD"), seconds=100) == Money(125, "USD")


@pytest.mark.parametrize("percent", [-1, 101])
def test_a_part_is_between_nothing_and_all(percent: int) -> None:
    with pytest.raises(ValueError, match="percent"):
        part_of(Money(100, "USD"), percent=percent)
