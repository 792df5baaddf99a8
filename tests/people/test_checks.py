"""Settings that would weaken sign-in do not start."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from marketplace.people.checks import check_sign_in

PROVIDER = {
    "openid_connect": {
        "APPS": [{"provider_id": "uni", "settings": {"server_url": "http://id.example.org"}}]
    }
}


def _ids() -> list[str | None]:
    return [message.id for message in check_sign_in(None)]


def test_common_settings_pass(settings: Settings) -> None:
    settings.DEBUG = False

    assert _ids() == []


def test_code_that_opens_every_account_is_refused(settings: Settings) -> None:
    settings.MFA_TOTP_INSECURE_BYPASS_CODE = "123456"

    assert _ids() == ["people.E001"]


@pytest.mark.parametrize(("debug", "found"), [(False, ["people.E002"]), (True, [])])
def test_provider_without_tls_is_refused_in_production(
    settings: Settings, debug: bool, found: list[str]
) -> None:
    settings.DEBUG = debug
    settings.SOCIALACCOUNT_PROVIDERS = PROVIDER

    assert _ids() == found


@pytest.mark.parametrize(("debug", "found"), [(False, ["people.E003"]), (True, [])])
def test_demo_is_refused_in_production(settings: Settings, debug: bool, found: list[str]) -> None:
    settings.DEBUG = debug
    settings.DEMO = True

    assert _ids() == found


def test_keys_that_seal_nothing_are_refused(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = "k1:short"

    assert _ids() == ["people.E004"]
