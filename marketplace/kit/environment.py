"""Reading the environment, for marketplace.settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypedDict
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from marketplace.kit.servers import stack

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class JobQueue(TypedDict):
    """Hard limit and lease in seconds, attempts. Lease > hard limit, always (RELIABILITY 2.3)."""

    hard: int | None
    lease: int
    attempts: int


def env(name: str, default: str = "") -> str:
    """The variable, or the default where it is unset or empty."""
    return os.environ.get(name) or default


def env_flag(name: str, default: str = "0") -> bool:
    """1, true, yes, on (any case) are true; everything else is false."""
    return env(name, default).lower() in {"1", "true", "yes", "on"}


def amounts(text: str) -> dict[str, int]:
    """Minor units by currency out of `USD=100000,EUR=90000`."""
    found: dict[str, int] = {}
    for pair in filter(None, text.replace(" ", "").split(",")):
        code, _, minor = pair.partition("=")
        if not (len(code) == len("USD") and code.isupper() and minor.isdecimal()):
            raise ImproperlyConfigured(f"{pair!r} is not an amount such as USD=100000.")
        found[code] = int(minor)
    return found


def currencies(text: str) -> tuple[str, ...]:
    """Codes out of `USD,EUR`, each once; the first is the one that is offered first."""
    found = tuple(dict.fromkeys(filter(None, text.replace(" ", "").split(","))))
    for code in found:
        if not (len(code) == len("USD") and code.isascii() and code.isalpha() and code.isupper()):
            raise ImproperlyConfigured(f"{code!r} in CURRENCIES is no currency such as USD.")
    if not found:
        raise ImproperlyConfigured("CURRENCIES names no currency, such as USD.")
    return found


def weekly(text: str) -> tuple[int, int, int] | None:
    """Weekday (Monday is 0), hour and minute out of `tuesday 06:00`; None for `off`."""
    if text.lower() == "off":
        return None
    day, _, time = text.lower().partition(" ")
    hour, _, minute = time.strip().partition(":")
    is_time = hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60
    if day not in _WEEKDAYS or not is_time:
        raise ImproperlyConfigured(f"{text!r} is no time of the week such as tuesday 06:00.")
    return _WEEKDAYS.index(day), int(hour), int(minute)


def required(name: str, what: str, embedded: str) -> str:
    """The embedded instance's own value, else a refusal that says what to set."""
    if embedded:
        return embedded
    raise ImproperlyConfigured(f"Set {name} to {what}, or EMBEDDED=1 to use the built-in server.")


def secret(name: str, what: str, home: Path | None, file: str) -> str:
    """The variable, else the secret that the embedded instance in `home` made and keeps."""
    return env(name) or required(name, what, stack.secret(home, file) if home else "")


def payments_mode(key: str, *, is_debug: bool) -> str:
    """`stripe` or `sandbox`; refuses to guess in production, or to play with a live key."""
    mode = env("PAYMENTS_MODE", "stripe" if key or not is_debug else "sandbox")
    if mode == "stripe" and not key:
        raise ImproperlyConfigured(
            "Set STRIPE_SECRET_KEY, or PAYMENTS_MODE=sandbox to run without real money."
        )
    if mode == "sandbox" and key.startswith(("sk_live", "rk_live")):
        raise ImproperlyConfigured(
            "PAYMENTS_MODE=sandbox refuses a live Stripe key; unset one of them."
        )
    return mode


def payout_mode(mode: str) -> str:
    """Who pays experts' banks: Stripe by itself (`transfer`) or we (`transfer_and_payout`)."""
    if mode not in {"transfer", "transfer_and_payout"}:
        raise ImproperlyConfigured(f"PAYOUT_MODE is transfer or transfer_and_payout, not {mode!r}.")
    return mode


def parse_database(url: str) -> dict[str, object]:
    """Django's DATABASES entry for `postgresql://user:password@host:port/name?host=/socket/dir`."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
        "CONN_MAX_AGE": int(env("CONN_MAX_AGE", "60")),
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": env_flag("DISABLE_SERVER_SIDE_CURSORS"),
    }


def celery_broker(url: str) -> str:
    """Celery's spelling of the URL; database 0 is the broker."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"redis+socket://{parts.path}?virtual_host=0"
    return f"{url.rstrip('/')}/0"


def django_cache(url: str) -> str:
    """Django's spelling of the URL; database 1 is the cache."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db=1"
    return f"{url.rstrip('/')}/1"


def operator() -> dict[str, str]:
    """Who runs this instance, as its papers say; placeholders until it is set."""
    return {
        "legal_name": env("OPERATOR_LEGAL_NAME", "Example operator (set OPERATOR_LEGAL_NAME)"),
        "address": env("OPERATOR_ADDRESS", "Example street 1, example town").replace("\\n", "\n"),
        "country": env("OPERATOR_COUNTRY", "US").upper(),
        "vat_number": env("OPERATOR_VAT_NUMBER"),
        "bank": env("OPERATOR_BANK", "Example bank, account 0000 (set OPERATOR_BANK)").replace(
            "\\n", "\n"
        ),
    }
