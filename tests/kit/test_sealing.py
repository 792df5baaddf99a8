"""Sealed values open where they belong and nowhere else."""

from __future__ import annotations

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from marketplace.kit.sealing import SealBroken, seal, unseal

FIRST = "k1:" + base64.b64encode(b"1" * 32).decode()
# Bytes whose base64 differs between the standard and the URL-safe alphabet.
SECOND = "k2:" + base64.urlsafe_b64encode(b"\xff" * 32).decode()


@pytest.fixture(autouse=True)
def one_key(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = FIRST


def test_sealed_value_opens_under_its_name() -> None:
    sealed = seal(b"JBSWY3DP", aad="mfa.secret")

    assert unseal(sealed, aad="mfa.secret") == b"JBSWY3DP"
    assert sealed.startswith("k1:")
    assert "JBSWY3DP" not in sealed


def test_same_value_is_sealed_differently_each_time() -> None:
    assert seal(b"x", aad="a") != seal(b"x", aad="a")


def test_value_moved_elsewhere_does_not_open() -> None:
    sealed = seal(b"x", aad="app.Model.field:1")

    with pytest.raises(SealBroken):
        unseal(sealed, aad="app.Model.field:2")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sealed: sealed[:-4] + ("AAAA" if sealed[-4:] != "AAAA" else "BBBB"),
        lambda sealed: sealed.replace("k1:", "k9:"),
        lambda sealed: sealed.replace("k1:", ""),
        lambda _sealed: "k1:",
        lambda _sealed: "k1:AAAA",
        lambda _sealed: "k1:not base64!",
        lambda _sealed: "",
    ],
)
def test_spoilt_value_does_not_open(spoil) -> None:
    sealed = seal(b"secret", aad="a")

    with pytest.raises(SealBroken):
        unseal(spoil(sealed), aad="a")


def test_new_key_seals_and_the_old_one_still_opens(settings: Settings) -> None:
    old = seal(b"x", aad="a")

    settings.FIELD_ENCRYPTION_KEYS = f"{SECOND},{FIRST}"

    assert seal(b"x", aad="a").startswith("k2:")
    assert unseal(old, aad="a") == b"x"


def test_value_of_a_retired_key_does_not_open(settings: Settings) -> None:
    old = seal(b"x", aad="a")

    settings.FIELD_ENCRYPTION_KEYS = SECOND

    with pytest.raises(SealBroken):
        unseal(old, aad="a")


@pytest.mark.parametrize("keys", ["k1", "k1:abc", ":" + "A" * 44, "", "k1:AAAA,", "k1:!"])
def test_keys_that_are_no_keys_are_refused(settings: Settings, keys: str) -> None:
    settings.FIELD_ENCRYPTION_KEYS = keys

    with pytest.raises(ImproperlyConfigured):
        seal(b"x", aad="a")
