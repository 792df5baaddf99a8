"""Exchange rates: exact ratios of what was sold and bought, never a decimal that was typed."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from marketplace.kit.money import CurrencyMismatch, Money, exponent

DIGITS = 6


@dataclass(frozen=True, slots=True)
class Rate:
    """What `sold` brought in `bought`: two positive amounts in two currencies."""

    sold: Money
    bought: Money

    def __post_init__(self) -> None:
        if self.sold.currency == self.bought.currency:
            raise ValueError("a rate is between two currencies")
        if self.sold.minor <= 0 or self.bought.minor <= 0:
            raise ValueError("a rate is between amounts above nothing")

    @property
    def ratio(self) -> tuple[int, int]:
        """Wholes of the bought currency to wholes of the sold one, in lowest terms."""
        over = self.bought.minor * 10 ** exponent(self.sold.currency)
        under = self.sold.minor * 10 ** exponent(self.bought.currency)
        common = gcd(over, under)
        return over // common, under // common

    def __str__(self) -> str:
        """`1 USD = 0.92 EUR`, or with `≈` where six digits do not say it all."""
        over, under = self.ratio
        places = 0
        while over * 10**places < under * 10 ** (DIGITS - 1):
            places += 1
        scaled, rest = divmod(over * 10**places, under)
        sign = "≈" if rest else "="
        whole, part = divmod(scaled + (2 * rest >= under), 10**places)
        shown = f"{whole:,}.{part:0{places}d}".rstrip("0").rstrip(".") if places else f"{whole:,}"
        return f"1 {self.sold.currency} {sign} {shown} {self.bought.currency}"

    def turned(self) -> Rate:
        """The same exchange from the other side."""
        return Rate(sold=self.bought, bought=self.sold)

    def permille_off(self, other: Rate) -> int:
        """How far this rate is from another of the same two currencies, in tenths of a percent.

        Rounded up, so that whatever is beyond a bound says so.
        """
        pair = (other.sold.currency, other.bought.currency)
        if pair != (self.sold.currency, self.bought.currency):
            raise CurrencyMismatch(f"{self} met {other}")
        over, under = self.ratio
        other_over, other_under = other.ratio
        return -(-abs(over * other_under - other_over * under) * 1000 // (other_over * under))
