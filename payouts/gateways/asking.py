"""Around every call to Stripe: never inside a transaction, and the port's errors come out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import stripe
from django.db import transaction

from payouts.gateways.port import (
    KeyConflict,
    Misconfigured,
    OutcomeUnknown,
    Refused,
    ReplayedFailure,
    SlowDown,
)

_BUSY = {"lock_timeout", "rate_limit", "idempotency_key_in_use"}
_GONE = "account_invalid"  # Stripe's 403 for one account that was deleted or has left us


@contextmanager
def asked() -> Iterator[None]:
    """Refuse to call from inside a transaction; turn the SDK's errors into the port's."""
    with transaction.atomic(durable=True):
        pass
    try:
        yield
    except stripe.IdempotencyError as error:
        raise KeyConflict(str(error), code="idempotency_error") from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        if error.error is not None and error.error.code == _GONE:  # the SDK leaves `code` empty
            raise Refused(str(error.user_message or error), code=_GONE) from error
        raise Misconfigured(str(error), code=error.code or "") from error
    except stripe.RateLimitError as error:
        raise SlowDown(str(error), code="rate_limit") from error
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        if error.code in _BUSY:
            raise SlowDown(str(error), code=error.code or "") from error
        raise Refused(str(error.user_message or error), code=error.code or "") from error
    except stripe.APIError as error:
        raise _server_error(error) from error
    except stripe.StripeError as error:
        raise OutcomeUnknown(str(error), code=error.code or "") from error


def _server_error(error: stripe.APIError) -> SlowDown | OutcomeUnknown:
    if error.http_status == 409:
        return SlowDown(str(error), code="conflict")
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if headers.get("idempotent-replayed") == "true":
        return ReplayedFailure(str(error), code="replayed")
    return OutcomeUnknown(str(error), code=str(error.http_status or ""))
