"""The cast and its builders: Ada (expert), Sam (staff), Eve (stranger), all through the verbs."""

from __future__ import annotations

import hmac
import struct
from base64 import b32decode
from datetime import UTC, datetime
from hashlib import sha1
from itertools import count

from django.core import mail
from django.test import Client

from marketplace.people.models import Expert, LegalDocument, User
from marketplace.people.services.consenting import publish_document
from marketplace.people.services.joining import add_user, create_expert
from marketplace.people.services.staffing import grant_role

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PASSWORD = "nine green bottles"
_numbers = count(1)


def user(email: str = "", *, password: str = PASSWORD) -> User:
    """Somebody who can sign in with the password."""
    address = email or f"person{next(_numbers)}@example.org"
    return add_user(email=address, name=address.partition("@")[0], password=password, at=NOON)


def superuser() -> User:
    """Who answers for the instance."""
    found = user("root@example.org")
    found.is_staff = found.is_superuser = True
    found.save(update_fields=["is_staff", "is_superuser"])
    return found


def staff(role: str, email: str = "", *, by: User | None = None) -> User:
    """A member of staff with one role."""
    person = user(email)
    grant_role(user=person, role=role, by=by or superuser(), at=NOON)
    return person


def expert(email: str = "") -> Expert:
    """An expert of Germany who reads English."""
    return create_expert(
        user=user(email),
        country="DE",
        languages=["en"],
        time_zone="Europe/Berlin",
        display_name="Ada Byron",
        at=NOON,
    )


def document(body: str = "Be fair.", *, kind: str = "terms_of_service") -> LegalDocument:
    """A text in force since NOON."""
    return publish_document(
        kind=kind,
        title="Terms",
        body=body,
        effective_from=NOON,
        by=User.objects.order_by("pk").first() or user(),
        at=NOON,
    )


def signed_in(person: User) -> Client:
    """A browser in which the person has just given their password."""
    client = Client()
    client.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    return client


def with_second_factor(client: Client, *, at: int) -> str:
    """Set up a code generator through the page, `at` seconds since 1970; returns its secret."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.get("/accounts/2fa/totp/activate/")
    secret: str = client.session["mfa.totp.secret"]
    client.post("/accounts/2fa/totp/activate/", {"code": totp(secret, at=at)})
    return secret


def totp(secret: str, *, at: int) -> str:
    """The six digits of RFC 6238 at that second."""
    digest = hmac.new(b32decode(secret), struct.pack(">Q", at // 30), sha1).digest()
    start = digest[-1] & 15
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def last_mail() -> str:
    """The text of the newest message."""
    return str(mail.outbox[-1].body)
