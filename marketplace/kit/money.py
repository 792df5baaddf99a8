"""Amounts of money: whole minor units of one currency, never a float."""

from __future__ import annotations

import re
from dataclasses import dataclass

# ISO 4217 minor units that are not 2, as Stripe lists them (docs.stripe.com/currencies, 2026-11).
_EXPONENTS = dict.fromkeys(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ],
    0,
) | dict.fromkeys(["BHD", "JOD", "KWD", "OMR", "TND"], 3)
_CODE = re.compile(r"[A-Z]{3}")
LARGEST_MINOR = 2**62
MOST_DIGITS = 11  # of a typed amount, its decimals included
# A comma only where it parts thousands: 10,50 is ten and a half to many, and never 1050.
_AMOUNT = re.compile(r"(\d+|\d{1,3}(,\d{3})+)(\.\d+)?", re.ASCII)
_DECIMALS = {0: "no decimals", 2: "two decimals", 3: "three decimals"}
_EXAMPLES = {0: "1200", 2: "2.50, with a point", 3: "2.500, with a point"}


class CurrencyMismatch(TypeError):
    """Two currencies met in one sum. A bug, never a person's mistake."""


class NotAnAmount(ValueError):
    """The text is no amount of its currency; the message tells a person how to write one."""


def exponent(currency: str) -> int:
    """How many decimals the currency has when shown: 0, 2 or 3."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`minor` whole minor units (cents, yen, fils) of `currency` (ISO 4217, upper case)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"Money takes whole minor units, not {type(self.minor).__name__}")
        if not _CODE.fullmatch(self.currency):
            raise ValueError(f"{self.currency!r} is not a currency code such as USD")
        if abs(self.minor) > LARGEST_MINOR:
            raise OverflowError("amount is out of range")

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} met {other.currency}")
        return other

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __mul__(self, times: int) -> Money:
        if type(times) is not int:
            raise TypeError("Money is multiplied by whole numbers only")
        return Money(self.minor * times, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other).minor

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other).minor

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other).minor

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other).minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        """`12.50 USD`, `1,250 JPY`: the amount as people write it, with its currency."""
        places = exponent(self.currency)
        sign = "-" if self.minor < 0 else ""
        whole, rest = divmod(abs(self.minor), 10**places)
        decimals = f".{rest:0{places}d}" if places else ""
        return f"{sign}{whole:,}{decimals} {self.currency}"

    def allocate(self, *weights: int) -> tuple[Money, ...]:
        """Split by whole weights without losing a unit: largest remainder, ties by position."""
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise ValueError("weights must be whole, not negative, and not all zero")
        shares = [self.minor * weight // total for weight in weights]
        remainders = [self.minor * weight % total for weight in weights]
        order = sorted(range(len(weights)), key=lambda i: (-remainders[i], i))
        for index in order[: self.minor - sum(shares)]:
            shares[index] += 1
        return tuple(Money(share, self.currency) for share in shares)


def parse(text: str, currency: str) -> Money:
    """An amount as people write it, `1,200.50`: a point, and no more decimals than there are.

    Raises NotAnAmount.
    """
    typed, places = text.strip(), exponent(currency)
    whole, _, rest = typed.replace(",", "").partition(".")
    if not _AMOUNT.fullmatch(typed) or len(whole) + places > MOST_DIGITS:
        raise NotAnAmount(f"Write an amount of {currency} such as {_EXAMPLES[places]}.")
    if len(rest) > places:
        nearest = f"{whole}.{rest[:places]}" if places else whole
        raise NotAnAmount(f"{currency} has {_DECIMALS[places]}: write {nearest}.")
    return Money(int(whole + rest.ljust(places, "0")), currency)


def zero(currency: str) -> Money:
    """Nothing, in that currency."""
    return Money(0, currency)


def fee_on(pay: Money, *, basis_points: int) -> Money:
    """The client's fee on top of a pay: basis points of it, rounded half up (MONEY 13)."""
    return Money((pay.minor * basis_points + 5000) // 10_000, pay.currency)


def part_of(pay: Money, *, percent: int) -> Money:
    """A part of a pay in whole percent (0 to 100), rounded half up (MONEY 13)."""
    if not 0 <= percent <= 100:
        raise ValueError("percent goes from 0 to 100")
    return Money((pay.minor * percent + 50) // 100, pay.currency)


def hourly_pay(rate: Money, *, seconds: int) -> Money:
    """What `seconds` of approved time earn at an hourly `rate`, rounded half up (MONEY 13)."""
    return Money((seconds * rate.minor + 1800) // 3600, rate.currency)
