"""Questions about organisations, their keys and who works for whom."""

from __future__ import annotations

import hashlib
import hmac
from datetime import date, datetime

from django.db.models import Q, QuerySet

from marketplace.organizations.models import ApiKey, Employment
from marketplace.people.models import Expert

TOKEN_MARK = "guild_live"  # noqa: S105 the public part of every key


def hash_secret(secret: str) -> str:
    """The form in which a key's or an invitation's 256-bit secret is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def live_key(*, token: str, at: datetime) -> ApiKey | None:
    """The key whose full text this is, unless it was revoked or has expired by `at`."""
    mark, _, rest = token.rpartition("_")[0].rpartition("_")
    secret = token.rpartition("_")[2]
    if mark != TOKEN_MARK or not rest:
        return None
    key = ApiKey.objects.select_related("organization").filter(prefix=rest).order_by("pk").first()
    stored = key.secret_sha256 if key else ""
    if not hmac.compare_digest(stored, hash_secret(secret)) or key is None:
        return None
    is_live = key.revoked_at is None and at < key.expires_at
    return key if is_live else None


def live_keys(keys: QuerySet[ApiKey], *, at: datetime) -> QuerySet[ApiKey]:
    """Those that still open the API."""
    return keys.filter(revoked_at__isnull=True, expires_at__gt=at)


def employment_of(expert: Expert, *, on: date) -> Employment | None:
    """For whom the expert works on that day; None is independent."""
    return (
        Employment.objects.filter(expert=expert, from_date__lte=on)
        .filter(Q(until_date__isnull=True) | Q(until_date__gt=on))
        .order_by("-from_date", "pk")
        .first()
    )


def workforce_of(expert: Expert, *, on: date) -> str:
    """`independent`, `employee` or `volunteer` on that day."""
    employment = employment_of(expert, on=on)
    return employment.workforce if employment else Employment.Workforce.INDEPENDENT
