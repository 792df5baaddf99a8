"""Which VAT a paper states. Rates are the operator's data; none of this is legal advice.

The rule, for services between businesses, and where it is written:
- Same country, or a buyer whose country is not known: the seller's rate, contained in the amount,
  because nothing is taken beyond the agreed fee (Council Directive 2006/112/EC, art. 44, 45, 78).
- Two countries of the scheme (EU, United Kingdom) and a buyer with a VAT number of its country:
  reverse charge. The buyer accounts for it (art. 44, 196 and 226(11a); UK: VAT Act 1994, s. 7A
  and 8).
- Two countries of the scheme and no such number: the seller's rate. Rates of the buyer's country
  for consumers (art. 58) are not computed here.
- A buyer outside the scheme, or a seller without a VAT number: none.
A number is looked at by its form only (VIES, ec.europa.eu/taxation_customs/vies, FAQ 11, 2026-11).
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import datetime

from payouts.selectors.parties import Party
from payouts.selectors.policies import policy_value

_FORMS = {
    "AT": r"ATU\d{8}",
    "BE": r"BE[01]\d{9}",
    "BG": r"BG\d{9,10}",
    "CY": r"CY\d{8}[A-Z]",
    "CZ": r"CZ\d{8,10}",
    "DE": r"DE\d{9}",
    "DK": r"DK\d{8}",
    "EE": r"EE\d{9}",
    "ES": r"ES[A-Z0-9]\d{7}[A-Z0-9]",
    "FI": r"FI\d{8}",
    "FR": r"FR[A-HJ-NP-Z0-9]{2}\d{9}",
    "GB": r"(GB|XI)(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
    "GR": r"EL\d{9}",
    "HR": r"HR\d{11}",
    "HU": r"HU\d{8}",
    "IE": r"IE(\d[A-Z0-9+*]\d{5}[A-Z]|\d{7}[A-Z]{2})",
    "IT": r"IT\d{11}",
    "LT": r"LT(\d{9}|\d{12})",
    "LU": r"LU\d{8}",
    "LV": r"LV\d{11}",
    "MT": r"MT\d{8}",
    "NL": r"NL[A-Z0-9+*]{12}",
    "PL": r"PL\d{10}",
    "PT": r"PT\d{9}",
    "RO": r"RO\d{2,10}",
    "SE": r"SE\d{12}",
    "SI": r"SI\d{8}",
    "SK": r"SK\d{10}",
}


@dataclass(frozen=True, slots=True)
class Vat:
    """`included`, `reverse_charge` or `none`; net + VAT is the amount, in minor units."""

    treatment: str
    basis_points: int
    net_minor: int
    vat_minor: int
    words: str

    def on_paper(self) -> dict[str, str | int]:
        """What a paper keeps."""
        return asdict(self)


def looks_valid(vat_number: str, *, country: str) -> bool:
    """Whether a VAT number has the form of its country's; nobody is asked whether it exists."""
    form = _FORMS.get(country)
    return bool(form and re.fullmatch(form, compact(vat_number)))


def may_be_of(vat_number: str, *, country: str) -> bool:
    """Whether a number can stand on a paper: any number where the country's form is not known.

    Northern Ireland states its numbers with GB, or with XI when it trades goods with the EU.
    """
    return country not in _FORMS or looks_valid(vat_number, country=country)


def compact(vat_number: str) -> str:
    """Without spaces, dots and dashes, in capitals."""
    return re.sub(r"[\s.\-]", "", vat_number).upper()


def vat_of(minor: int, *, seller: Party, buyer: Party, at: datetime) -> Vat:
    """How much of an amount is VAT, and why. The rate is the policy of the seller's country."""
    if not seller.vat_number:
        return Vat("none", 0, minor, 0, "No VAT: the seller states no VAT number.")
    if buyer.country and buyer.country != seller.country:
        if buyer.country not in _FORMS or seller.country not in _FORMS:
            return Vat("none", 0, minor, 0, "No VAT: the buyer is established elsewhere.")
        if looks_valid(buyer.vat_number, country=buyer.country):
            words = "Reverse charge: the buyer accounts for the VAT."
            return Vat("reverse_charge", 0, minor, 0, words)
    rate = policy_value("vat_basis_points", at=at, country=seller.country) or 0
    if not rate:
        return Vat("none", 0, minor, 0, "No VAT: no rate is set for the seller's country.")
    net = (minor * 10_000 + (10_000 + rate) // 2) // (10_000 + rate)
    words = f"VAT of {rate // 100}.{rate % 100:02d} % is contained in the amount."
    return Vat("included", rate, net, minor - net, words)
