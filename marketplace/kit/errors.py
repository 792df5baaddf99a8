"""Errors that people are meant to read."""

from __future__ import annotations

from typing import Any, ClassVar


class DomainError(Exception):
    """Something anticipated that a person can act on.

    `code` is stable and machine-readable, `status` is the HTTP status an edge answers with, the
    message is fit for the reader and `data` holds what the message mentions (JSON values only).
    Errors stand beside the verb that raises them.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409

    def __init__(self, message: str, **data: Any) -> None:  # Any: JSON values of the problem
        super().__init__(message)
        self.message = message
        self.data = data


class NotFound(DomainError):
    """The row does not exist, or the asker may not know that it does."""

    code = "not_found"
    status = 404


class Forbidden(DomainError):
    """The row is the asker's to see, but this act is not theirs."""

    code = "forbidden"
    status = 403


class InvalidInput(DomainError):
    """What was sent cannot be used; `data["errors"]` lists `{field, problem}`."""

    code = "invalid_input"
    status = 422
