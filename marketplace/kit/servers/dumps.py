"""A database into a file and back, by PostgreSQL's own programs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import psycopg

from marketplace.kit.errors import DomainError
from marketplace.kit.servers.binaries import client_tool
from marketplace.kit.servers.clients import client_environment
from marketplace.kit.servers.postgres import MAJOR, reason

# Newer dumps carry settings that older servers do not know; they stand before the first object.
UNKNOWN_TO_OLDER = {b"SET transaction_timeout = 0;\n"}
HEAD_LINES = 40
EMPTY_FIRST = b"""SET LOCAL client_min_messages = warning;
SET LOCAL lock_timeout = '30s';
DROP SCHEMA public CASCADE;
CREATE SCHEMA public AUTHORIZATION pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
SET LOCAL lock_timeout = 0;
"""


class NotDumped(DomainError):
    """The database could not be written to a file."""

    code = "not_dumped"
    status = 503


class NotLoaded(DomainError):
    """The file could not be read into the database, which is as it was before."""

    code = "not_loaded"
    status = 503


def dump_database(url: str, target: Path, *, snapshot: str) -> None:
    """Write the database as the exported snapshot sees it; a server newer than us is refused."""
    with psycopg.connect(url) as link:
        major = link.info.server_version // 10_000
    if major > int(MAJOR):
        raise NotDumped(
            f"The server is PostgreSQL {major}, our pg_dump {MAJOR}: back up with the server's own."
        )
    words = ["--format=custom", f"--snapshot={snapshot}", "--no-owner", "--no-acl"]
    done = _run("pg_dump", *words, f"--file={target}", url=url)
    if done.returncode != 0:
        raise NotDumped(f"pg_dump failed: {reason(done.stderr, target)}")


def load_database(url: str, dump: Path) -> None:
    """Replace all that the database holds by the dump, in one transaction: all of it or nothing."""
    environ = client_environment(url)
    read = [str(client_tool("pg_restore")), "--no-owner", "--no-acl", "--file=-", str(dump)]
    write = [str(client_tool("psql")), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null"]
    write += ["--single-transaction", "--file=-"]
    with (
        subprocess.Popen(read, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reader,  # noqa: S603
        subprocess.Popen(  # noqa: S603 - our own programs, no shell
            write, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environ
        ) as writer,
    ):
        broken = _pour(reader, writer)
        said = "".join(
            pipe.read().decode(errors="replace") for pipe in (writer.stderr, reader.stderr) if pipe
        )
    if broken or reader.returncode or writer.returncode:
        raise NotLoaded(f"Nothing was changed: {reason(said, dump)}")


def _pour(reader: subprocess.Popen[bytes], writer: subprocess.Popen[bytes]) -> bool:
    """Send the script on; whether it broke off. Half a script ends in an error, not a commit."""
    assert reader.stdout is not None
    assert writer.stdin is not None
    try:
        writer.stdin.write(EMPTY_FIRST)
        for _ in range(HEAD_LINES):
            line = reader.stdout.readline()
            if line not in UNKNOWN_TO_OLDER:
                writer.stdin.write(line)
        shutil.copyfileobj(reader.stdout, writer.stdin)
        if reader.wait() != 0:
            writer.stdin.write(b"\nDO $$ BEGIN RAISE EXCEPTION 'the dump broke off'; END $$;\n")
        writer.stdin.close()
    except BrokenPipeError:
        return True
    return False


def has_tables(url: str) -> bool:
    """Whether the database holds anything."""
    with psycopg.connect(url) as link:
        found = link.execute(
            "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') LIMIT 1"
        ).fetchone()
    return found is not None


def _run(name: str, *words: str, url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own programs, no shell
        [str(client_tool(name)), *words],
        capture_output=True,
        text=True,
        check=False,
        env=client_environment(url),
    )
