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
    assert MoneyField().clean(text) == Money(minor, "USD")


@pytest.mark.parametrize("text", ["3,50", "10,5", "1,5", "1.234,50", "12,34", "abc", "-2", "2.505"])
def test_what_could_mean_two_amounts_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"2\.50, with a point"):
        MoneyField().clean(text)
