"""News of this package for those above it."""

from __future__ import annotations

from django.dispatch import Signal

# Sent inside the transaction with expert_id: what this expert may claim has changed.
qualification_changed = Signal()
