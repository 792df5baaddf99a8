"""What the launcher says when it cannot work: one sentence for the operator each."""

from __future__ import annotations

from marketplace.kit.errors import DomainError


class ServerUnavailable(DomainError):
    """A built-in server cannot be made, started, reached or stopped."""

    code = "server_unavailable"
    status = 503


class AlreadyRunning(DomainError):
    """`up` runs in this checkout already; `data` has its `pid` and `address`."""

    code = "already_running"
