"""Errors of the API as problem+json (RFC 9457): type, title, status, detail, code and data."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from marketplace.kit.errors import DomainError

CONTENT_TYPE = "application/problem+json"


def problem(*, status: int, detail: str, code: str, **data: Any) -> dict[str, Any]:
    """The body of a problem. Any: JSON values; `data` never replaces a standard member."""
    return {
        **data,
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }


def answer_problem(exc: Exception, context: dict[str, Any]) -> Response | None:  # noqa: ARG001
    """DRF's exception handler (Any: DRF's context). What nobody anticipated stays loud: None."""
    body = _body(exc)
    if body is None:
        return None
    set_rollback()
    response = Response(body, status=body["status"], content_type=CONTENT_TYPE)
    if getattr(exc, "auth_header", None):
        response["WWW-Authenticate"] = exc.auth_header  # type: ignore[attr-defined]  # set by DRF
    if getattr(exc, "wait", None) is not None:
        response["Retry-After"] = str(int(exc.wait) + 1)  # type: ignore[attr-defined]  # set by DRF
    return response


@csrf_exempt
def no_such_address(request: HttpRequest, rest: str) -> JsonResponse:  # noqa: ARG001
    """The last route under /api, for every method: `path("api/<path:rest>", no_such_address)`."""
    body = problem(status=404, detail="There is nothing at this address.", code="not_found")
    return JsonResponse(body, status=404, content_type=CONTENT_TYPE)


def _body(exc: Exception) -> dict[str, Any] | None:
    if isinstance(exc, DomainError):
        return problem(status=exc.status, detail=exc.message, code=exc.code, **exc.data)
    if isinstance(exc, Http404):
        return problem(status=404, detail="There is nothing here.", code="not_found")
    if isinstance(exc, PermissionDenied):
        return problem(status=403, detail="This is not yours to do.", code="forbidden")
    if isinstance(exc, exceptions.ValidationError):
        return _invalid(exc)
    if isinstance(exc, exceptions.APIException):
        code = exc.get_codes()
        return problem(
            status=exc.status_code,
            detail=str(exc.detail),
            code=code if isinstance(code, str) else exc.default_code,
        )
    return None


def _invalid(exc: exceptions.ValidationError) -> dict[str, Any]:
    """422 with every field and what is wrong with it, nested ones as `rows.3.prompt`."""
    errors = [{"field": name, "problem": text} for name, text in _flat(exc.detail, "")]
    first = errors[0]
    where = f"{first['field']}: " if first["field"] else ""
    return problem(
        status=422, detail=f"{where}{first['problem']}", code="invalid_input", errors=errors
    )


def _flat(detail: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            own = path if name == "non_field_errors" else f"{path}.{name}".lstrip(".")
            yield from _flat(inner, own)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            is_nested = isinstance(inner, dict | list)
            yield from _flat(inner, f"{path}.{index}".lstrip(".") if is_nested else path)
    else:
        yield path, str(detail)
