"""Rules with numbers that the law or Stripe sets."""

from __future__ import annotations

from marketplace.kit.money import exponent

# Where a platform of the US, UK, EEA, CA or CH may transfer (connect/cross-border-payouts).
_COUNTRIES = (
    "US GB CA CH AT BE BG HR CY CZ DK EE FI FR DE GR HU "
    "IS IE IT LV LI LT LU MT NL NO PL PT RO SK SI ES SE"
)
REACHABLE = frozenset(_COUNTRIES.split())
# Currencies that Stripe pays out in whole hundreds of minor units.
_HUNDREDS = frozenset(["ISK", "HUF", "TWD", "UGX"])


def payable_unit(currency: str) -> int:
    """The smallest step of a payout, in minor units.

    Of three decimals the last is 0 at Stripe (docs.stripe.com/currencies, three-decimal).
    """
    if currency in _HUNDREDS:
        return 100
    return 10 if exponent(currency) == 3 else 1


def charge_unit(currency: str) -> int:
    """The smallest step of what a client pays through Stripe and gets back, in minor units.

    ISK and UGX have two decimals there that are always 00 (docs.stripe.com/currencies).
    """
    if currency in ("ISK", "UGX"):
        return 100
    return 10 if exponent(currency) == 3 else 1


def looks_like_iban(number: str) -> bool:
    """Two letters, then two digits: nothing else begins so."""
    return number[:2].isalpha() and number[:2].isascii() and number[2:4].isdecimal()


def is_iban(number: str) -> bool:
    """Whether the two check digits are right (ISO 13616: modulo 97 of the number is 1)."""
    if not (15 <= len(number) <= 34 and number.isascii() and number.isalnum()):
        return False
    turned = number[4:] + number[:4]
    return int("".join(str(int(each, 36)) for each in turned)) % 97 == 1
