"""A POST that may be sent twice: `Idempotency-Key` finds the answer it already got."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.kit import clock
from marketplace.kit.errors import DomainError
from marketplace.kit.models import IdempotencyRecord

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
REFUSED = 400
# Longer than any request may run: a row still open after this was left by a dead process.
ABANDONED_AFTER = timedelta(minutes=5)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
Handler = Callable[..., Response]


class KeyMissing(DomainError):
    """This request moves money, so it needs a key."""

    code = "idempotency_key_missing"
    status = 400


class KeyNotReadable(DomainError):
    """The key is not 1 to 255 printable ASCII characters."""

    code = "idempotency_key_not_readable"
    status = 400


class KeyUsedForAnother(DomainError):
    """The same key came with another body or address."""

    code = "idempotency_key_reused"
    status = 422


class StillRunning(DomainError):
    """The first request with this key has no answer yet."""

    code = "still_running"
    status = 409


def idempotent(handler: Handler) -> Handler:
    """For a view's `post`: with the header, the same request gets the same answer.

    The handler and its answer are one transaction, so it calls verbs, not sequences. Only an
    answer below 400 is kept: a refused request changed nothing and is judged anew.
    """
    return _wrapped(handler, demand=lambda _request: None)


def idempotent_with_key(handler: Handler) -> Handler:
    """As `idempotent`, and refuses a request without the header: for whatever moves money."""
    return _wrapped(handler, demand=_demand_key)


def forget_answers(*, before: datetime) -> int:
    """Delete the records older than that; a repeated request runs again from then on."""
    count, _ = IdempotencyRecord.objects.filter(created_at__lt=before).delete()
    return count


def _wrapped(handler: Handler, *, demand: Callable[[Request], None]) -> Handler:
    @wraps(handler)
    def answer(view: APIView, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            demand(request)
            return handler(view, request, *args, **kwargs)
        record = _claim(request, key)
        if record.status is not None:
            return Response(record.response, record.status, headers={REPLAYED: "true"})
        return _run(record, lambda: handler(view, request, *args, **kwargs))

    required = demand is _demand_key
    documented: Handler = extend_schema(parameters=[_parameter(required=required)])(answer)
    return documented


def _demand_key(_request: Request) -> None:
    raise KeyMissing(f"Send a header {HEADER}: this request moves money.")


def _claim(request: Request, key: str) -> IdempotencyRecord:
    """The finished record of this request, or a running one that is ours alone."""
    if not _KEY.fullmatch(key):
        raise KeyNotReadable(f"{HEADER} takes 1 to 255 printable ASCII characters.")
    now = clock.now()
    mine = IdempotencyRecord(
        principal=_principal(request), key=key, request_hash=_hash(request), created_at=now
    )
    IdempotencyRecord.objects.bulk_create([mine], ignore_conflicts=True)
    kept = IdempotencyRecord.objects.get(principal=mine.principal, key=key)
    if kept.pk == mine.pk:
        return mine
    if kept.request_hash != mine.request_hash:
        raise KeyUsedForAnother("This key was used for another request. Take a new key.")
    if kept.status is None:
        _take_over(kept, now=now)
    return kept


def _take_over(record: IdempotencyRecord, *, now: datetime) -> None:
    """Run a dead process's request again; its effect went with its transaction."""
    started = IdempotencyRecord.objects.filter(
        pk=record.pk, status__isnull=True, created_at=record.created_at
    )
    if record.created_at > now - ABANDONED_AFTER or not started.update(created_at=now):
        raise StillRunning("The first request with this key is still running. Ask again soon.")
    record.created_at = now


def _run(record: IdempotencyRecord, handle: Callable[[], Response]) -> Response:
    """Answer and keep the answer, both or neither; a refusal frees the key."""
    ours = IdempotencyRecord.objects.filter(pk=record.pk, created_at=record.created_at)
    try:
        with transaction.atomic():
            response = handle()
            _keep(response, ours)
    except BaseException:
        ours.filter(status__isnull=True).delete()
        raise
    if response.status_code >= REFUSED:
        ours.delete()
    return response


def _keep(response: Response, ours: QuerySet[IdempotencyRecord]) -> None:
    if response.status_code >= REFUSED:
        transaction.set_rollback(True)
    elif not ours.update(status=response.status_code, response=_as_json(response.data)):
        raise StillRunning("Another process has taken this request over. Ask again soon.")


def _principal(request: Request) -> UUID:
    if request.user.pk is None:
        raise NotAuthenticated
    return request.user.pk


def _hash(request: Request) -> str:
    """Method, address and what the body says, however its JSON is spaced."""
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"))
    text = f"{request.method} {request.get_full_path()}\n{body}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _as_json(data: Any) -> Any:
    """What the client reads: serializers leave ids and instants for the renderer. Any: JSON."""
    return None if data is None else json.loads(JSONRenderer().render(data))


def _parameter(*, required: bool) -> OpenApiParameter:
    return OpenApiParameter(
        HEADER,
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]{1,255}$"},
        OpenApiParameter.HEADER,
        required=required,
        description="The same key with the same body gets the same answer; another body is 422.",
    )
