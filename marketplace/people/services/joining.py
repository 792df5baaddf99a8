"""A user becomes an expert and says what others may know of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import available_timezones

from allauth.account.models import EmailAddress
from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.countries import COUNTRIES
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.ids import uuid7
from marketplace.people.models import Expert, User
from marketplace.people.selectors import free_pseudonym

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class AddressTaken(DomainError):
    """Somebody signs in with this address already."""

    code = "address_taken"


class AlreadyExpert(DomainError):
    """The user has a profile already."""

    code = "already_expert"


@transaction.atomic
def add_user(*, email: str, name: str, password: str | None, at: datetime) -> User:
    """Make a user whose address the operator vouches for; people themselves sign up by page.

    Without a password they sign in by code.
    """
    address = email.strip().lower()
    if User.objects.filter(email=address).exists():
        raise AddressTaken(f"{address} has an account already.")
    user = User.objects.create_user(address, password, name=name, date_joined=at)
    EmailAddress.objects.create(user=user, email=address, verified=True, primary=True)
    record("user.added", at=at, object_kind="user", object_id=user.pk)
    return user


@transaction.atomic
def create_expert(
    *,
    user: User,
    country: str,
    languages: Sequence[str],
    time_zone: str,
    display_name: str,
    at: datetime,
) -> Expert:
    """Give a user the profile with which they do work, under a pseudonym that never changes.

    `country` is ISO 3166 (`DE`), `languages` BCP 47 (`en`, `pt-BR`), `time_zone` an IANA name.
    """
    User.objects.select_for_update().get(pk=user.pk)
    if Expert.objects.filter(user=user).exists():
        raise AlreadyExpert("You already have an expert profile.")
    _check(display_name=display_name, country=country, languages=languages, time_zone=time_zone)
    key = uuid7()
    expert = Expert.objects.create(
        id=key,
        user=user,
        pseudonym=free_pseudonym(key),
        display_name=display_name.strip(),
        country=country,
        languages=list(dict.fromkeys(languages)),
        time_zone=time_zone,
        created_at=at,
    )
    _record("expert.created", expert=expert, by=user.pk, at=at)
    return expert


@transaction.atomic
def describe_expert(
    *,
    expert: Expert,
    display_name: str,
    country: str,
    languages: Sequence[str],
    time_zone: str,
    headline: str,
    at: datetime,
) -> Expert:
    """Replace what the expert says about themselves."""
    _check(display_name=display_name, country=country, languages=languages, time_zone=time_zone)
    locked = Expert.objects.select_for_update().get(pk=expert.pk)
    locked.display_name, locked.headline = display_name.strip(), headline.strip()
    locked.country, locked.time_zone = country, time_zone
    locked.languages = list(dict.fromkeys(languages))
    locked.save(update_fields=["display_name", "headline", "country", "time_zone", "languages"])
    _record("expert.described", expert=locked, by=locked.user_id, at=at)
    return locked


@transaction.atomic
def take_break(*, expert: Expert, at: datetime) -> Expert:
    """No new work until `end_break`; running work goes on. Twice changes nothing."""
    locked = Expert.objects.select_for_update().get(pk=expert.pk)
    if locked.paused_at is None:
        locked.paused_at = at
        locked.save(update_fields=["paused_at"])
        _record("expert.paused", expert=locked, by=locked.user_id, at=at)
    return locked


@transaction.atomic
def end_break(*, expert: Expert, at: datetime) -> Expert:
    """Open to new work again. Twice changes nothing."""
    locked = Expert.objects.select_for_update().get(pk=expert.pk)
    if locked.paused_at is not None:
        locked.paused_at = None
        locked.save(update_fields=["paused_at"])
        _record("expert.resumed", expert=locked, by=locked.user_id, at=at)
    return locked


def _check(*, display_name: str, country: str, languages: Sequence[str], time_zone: str) -> None:
    problems = {
        "display_name": "" if display_name.strip() else "Tell us your name.",
        "country": "" if country in COUNTRIES else "Choose a country.",
        "languages": ""
        if languages and all(_LANGUAGE.fullmatch(language) for language in languages)
        else "Choose at least one language.",
        "time_zone": "" if time_zone in available_timezones() else "Choose a time zone.",
    }
    errors = [{"field": name, "problem": text} for name, text in problems.items() if text]
    if errors:
        raise InvalidInput(errors[0]["problem"], errors=errors)


def _record(kind: str, *, expert: Expert, by: UUID, at: datetime) -> None:
    record(kind, at=at, object_kind="expert", object_id=expert.pk, actor=by, expert=expert.pk)
