"""What must be equal before a backup and after its restore."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Sum

from marketplace.events.selectors import chain_head
from payouts.models import Account


def instance_facts() -> dict[str, Any]:  # Any: JSON values
    """Migrations, head of the event chain, ledger totals by currency and account kind."""
    migrations = MigrationRecorder(connection).applied_migrations()
    head = chain_head()
    totals = (
        Account.objects.values("currency", "kind")
        .annotate(debits_minor=Sum("debits_minor"), credits_minor=Sum("credits_minor"))
        .order_by("currency", "kind")
    )
    return {
        "migrations": sorted(f"{app}.{name}" for app, name in migrations),
        "event_head": {"position": head.position, "hash": head.hash},
        "ledger_totals": list(totals),
    }


def file_folders() -> dict[str, Path]:
    """The folders of storages on this machine, by alias; static files are made anew."""
    kept = {alias: storages[alias] for alias in settings.STORAGES if alias != "staticfiles"}
    return {
        alias: Path(storage.location)
        for alias, storage in kept.items()
        if isinstance(storage, FileSystemStorage)
    }


def key_fingerprint() -> str:
    """Tells whether two instances seal with the same keys, without telling the keys."""
    salted = f"backup of Guildhall: {settings.FIELD_ENCRYPTION_KEYS}"
    return hashlib.sha256(salted.encode()).hexdigest()[:16]
