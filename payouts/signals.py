"""News for higher packages."""

from __future__ import annotations

from django.dispatch import Signal

# Each is sent inside the transaction of its verb; receivers only enqueue or call one verb.
funding_paid = Signal()  # funding
funding_frozen = Signal()  # chargeback
payee_restricted = Signal()  # payee
