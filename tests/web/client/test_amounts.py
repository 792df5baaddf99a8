"""Amounts mean what people wrote, or are refused."""

from __future__ import annotations

import pytest
from django.forms import ValidationError

from marketplace.kit.money import Money
from marketplace.web.client.acting import MoneyField


@pytest.mark.parametrize(
    ("text", "minor"),
    [("2.50", 250), ("2", 200), (" 1,234.5 ", 123_450), ("1,234,567.89", 123_456_789)],
)
def test_an_amount_reads_as_it_is_written(text: str, minor: int) -> None:
    assert MoneyField(currency="USD").clean(text) == Money(minor, "USD")


@pytest.mark.parametrize(
    "text", ["3,50", "10,5", "1,5", "1.234,50", "12,34", "abc", "-2", "1,2345"]
)
def test_what_could_mean_two_amounts_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"of USD such as 2\.50, with a point"):
        MoneyField(currency="USD").clean(text)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1200", "JPY", 1200),
        ("12,000", "JPY", 12_000),
        ("2.5", "KWD", 2500),
        ("2.505", "KWD", 2505),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(text: str, currency: str, minor: int) -> None:
    assert MoneyField(currency=currency).clean(text) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency", "said"),
    [
        ("1200.50", "JPY", "JPY has no decimals: write 1200."),
        ("2.505", "EUR", "EUR has two decimals: write 2.50."),
        ("2.5055", "KWD", "KWD has three decimals: write 2.505."),
        ("1.200,50", "EUR", "Write an amount of EUR such as 2.50, with a point."),
        ("100000000000", "JPY", "Write an amount of JPY such as 1200."),
        ("1000000000", "USD", "Write an amount of USD such as 2.50, with a point."),
        ("١٢", "USD", "Write an amount of USD such as 2.50, with a point."),
    ],
)
def test_a_refused_amount_names_its_currency_and_decimals(
    text: str, currency: str, said: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        MoneyField(currency=currency).clean(text)

    assert refused.value.messages == [said]
