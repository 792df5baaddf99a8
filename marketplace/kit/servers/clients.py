"""How PostgreSQL's client programs are told where to go: by environment, never by argument.

Arguments of a process can be read by everybody on the machine, and one of them would be a password.
"""

from __future__ import annotations

import os
from urllib.parse import parse_qsl, unquote, urlsplit

OPTIONS = {
    "host": "PGHOST",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "options": "PGOPTIONS",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}


def client_environment(url: str) -> dict[str, str]:
    """The environment in which psql, pg_dump and pg_restore reach the database of this URL."""
    parts = urlsplit(url)
    found = {
        "PGHOST": parts.hostname,
        "PGPORT": str(parts.port) if parts.port else None,
        "PGUSER": unquote(parts.username) if parts.username else None,
        "PGPASSWORD": unquote(parts.password) if parts.password else None,
        "PGDATABASE": unquote(parts.path.lstrip("/")),
    }
    found |= {OPTIONS[name]: value for name, value in parse_qsl(parts.query) if name in OPTIONS}
    return dict(os.environ) | {name: value for name, value in found.items() if value}
