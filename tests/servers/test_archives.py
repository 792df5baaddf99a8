"""A backup is whole or it is refused; a restore changes everything or nothing."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import psycopg
import pytest

from marketplace.kit.servers.archives import (
    ArchiveBroken,
    checked_facts,
    unpack,
    write_archive,
)
from marketplace.kit.servers.dumps import (
    NotLoaded,
    dump_database,
    has_tables,
    load_database,
)
from marketplace.kit.servers.stack import Stack, database_url


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "dump").write_bytes(b"all tables")
    (tmp_path / "media/proof").mkdir(parents=True)
    (tmp_path / "media/proof/diploma.pdf").write_bytes(b"%PDF")
    target = tmp_path / "guildhall.tar"
    facts = {"event_head": {"position": 7}}
    folders = {"default": tmp_path / "media", "absent": tmp_path / "absent"}
    write_archive(target, dump=tmp_path / "dump", folders=folders, facts=facts)
    return target


def test_a_backup_gives_back_what_went_in(archive: Path, tmp_path: Path) -> None:
    assert checked_facts(archive)["event_head"] == {"position": 7}
    unpack(archive, tmp_path / "out")

    assert (tmp_path / "out/database.dump").read_bytes() == b"all tables"
    assert (tmp_path / "out/files/default/proof/diploma.pdf").read_bytes() == b"%PDF"
    assert archive.stat().st_mode & 0o777 == 0o600
    assert not archive.with_name("guildhall.tar.partial").exists()


def test_a_changed_byte_is_found(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes().replace(b"%PDF", b"%PDG"))

    with pytest.raises(
        ArchiveBroken, match=r"files/default/proof/diploma.pdf is not what was backed up"
    ):
        checked_facts(archive)


def test_a_file_that_breaks_off_is_refused(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:700])

    with pytest.raises(ArchiveBroken):
        checked_facts(archive)


def test_something_else_is_no_backup(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a backup")

    with pytest.raises(ArchiveBroken, match="is not a whole backup"):
        checked_facts(tmp_path / "notes.txt")
    with pytest.raises(ArchiveBroken, match="There is no file"):
        checked_facts(tmp_path / "missing.tar")


@pytest.mark.parametrize("name", ["../outside", "/etc/outside"])
def test_a_planted_path_is_refused(archive: Path, name: str) -> None:
    with tarfile.open(archive, "a") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))

    with pytest.raises(ArchiveBroken, match="outside"):
        checked_facts(archive)


def make_books(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as link:
        link.execute("CREATE TABLE book (id int PRIMARY KEY, words text)")
        link.execute("INSERT INTO book SELECT n, repeat('é\\', 50) FROM generate_series(1, 500) n")


def books(url: str) -> object:
    with psycopg.connect(url) as link:
        return link.execute("SELECT count(*), min(words) FROM book").fetchone()


def snapshot_dump(url: str, target: Path) -> None:
    with psycopg.connect(url) as link:
        link.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        row = link.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("INSERT INTO book VALUES (501, 'later')")
        dump_database(url, target, snapshot=row[0])


def test_a_database_comes_back_as_its_snapshot_saw_it(stack: Stack, tmp_path: Path) -> None:
    stack.up()
    stack.ensure_database()
    stack.ensure_database("second")
    first, second = database_url(stack.home), database_url(stack.home, "second")
    make_books(first)
    snapshot_dump(first, tmp_path / "dump")
    with psycopg.connect(second, autocommit=True) as link:
        link.execute("CREATE TABLE newer (id int)")
    assert has_tables(second)

    load_database(second, tmp_path / "dump")

    assert books(second) == (500, "é\\" * 50)
    with psycopg.connect(second) as link, pytest.raises(psycopg.errors.UndefinedTable):
        link.execute("SELECT FROM newer")
    again = tmp_path / "again"
    snapshot_dump(second, again)
    load_database(first, again)
    assert books(first) == (500, "é\\" * 50)


def test_a_dump_that_breaks_off_changes_nothing(stack: Stack, tmp_path: Path) -> None:
    stack.up()
    stack.ensure_database()
    url = database_url(stack.home)
    make_books(url)
    snapshot_dump(url, tmp_path / "dump")
    whole = (tmp_path / "dump").read_bytes()
    (tmp_path / "dump").write_bytes(whole[: len(whole) - 600])

    with pytest.raises(NotLoaded, match="Nothing was changed"):
        load_database(url, tmp_path / "dump")

    assert books(url) == (501, "later")


def test_an_empty_database_has_no_tables(stack: Stack) -> None:
    stack.up()
    stack.ensure_database()

    assert not has_tables(database_url(stack.home))
