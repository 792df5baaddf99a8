"""Files that labs send, whole and broken."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from marketplace.formats.json_elements import Elements
from marketplace.formats.problems import RowProblem
from marketplace.formats.rows import Limits, Row, read_rows

SMALL = Limits(row_bytes=40, file_bytes=10_000)


# Any: the options of read_rows.
def read(content: bytes, name: str = "rows.jsonl", **more: Any) -> list[Row | RowProblem]:
    return list(read_rows(io.BytesIO(content), name=name, **more))


def sentences(content: bytes, name: str = "rows.jsonl", **more: Any) -> list[str]:
    return [item.problem for item in read(content, name, **more) if isinstance(item, RowProblem)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", b'{"a": "1"}\n{"a": "2"}\n'),
        ("a.json", b'[{"a": "1"}, {"a": "2"}]'),
        ("a.json", b'{"a": "1"}\n{"a": "2"}\n'),
        ("pasted", b' [{"a": "1"},\n {"a": "2"}] \n'),
        ("a.csv", b"a\n1\n2\n"),
        ("a.csv", b'a\r\n"1"\r\n\r\n2\r\n'),
        ("pasted", b"a\n1\n2"),
    ],
)
def test_two_rows_are_read_from_every_kind_of_file(name: str, content: bytes) -> None:
    rows = read(content, name)

    assert rows == [Row(1, {"a": "1"}), Row(2, {"a": "2"})]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv"])
def test_a_byte_order_mark_is_not_part_of_the_first_column(name: str) -> None:
    content = b"a,b\n1,2\n" if name == "a.csv" else b'{"a": "1", "b": "2"}'

    assert read(b"\xef\xbb\xbf" + content, name) == [Row(1, {"a": "1", "b": "2"})]


def test_gzip_is_unpacked_whatever_the_name_says() -> None:
    assert read(gzip.compress(b'{"a": 1}\n'), "a.jsonl.gz") == [Row(1, {"a": 1})]
    assert read(gzip.compress(b"a\n1\n"), "a.csv") == [Row(1, {"a": "1"})]


def test_rows_of_an_object_keyed_by_id_keep_their_key() -> None:
    rows = read(b'{"x1": {"a": 1}, "x2": {"a": 2}}', "a.json")

    assert rows == [Row(1, {"a": 1}, "x1"), Row(2, {"a": 2}, "x2")]


def test_an_object_that_is_itself_a_row_is_one_row() -> None:
    assert read(b'{\n "a": 1,\n "b": {"c": 2}\n}', "a.json") == [Row(1, {"a": 1, "b": {"c": 2}})]


def test_semicolons_and_tabs_separate_cells_too() -> None:
    assert read(b"a;b\n1,5;2\n", "a.csv") == [Row(1, {"a": "1,5", "b": "2"})]
    assert read(b"a\tb\n1\t2\n", "a.tsv") == [Row(1, {"a": "1", "b": "2"})]


def test_cells_keep_their_line_breaks_and_quotes() -> None:
    assert read(b'a,b\n"one\r\ntwo","say ""hi"""\n', "a.csv") == [
        Row(1, {"a": "one\r\ntwo", "b": 'say "hi"'})
    ]


def test_a_table_without_a_header_takes_the_given_columns() -> None:
    assert read(b"1,2\n", "a.csv", columns=("q", "a")) == [Row(1, {"q": "1", "a": "2"})]


def test_a_broken_line_is_named_and_the_others_are_read() -> None:
    rows = read(b'{"a": 1}\n{"a": \n\n[1]\n{"a": 4}')

    assert rows == [
        Row(1, {"a": 1}),
        RowProblem(2, "", "Row 2 is not valid JSON: expecting value at character 6."),
        RowProblem(4, "", "Row 4 is a list; a row is an object with named fields."),
        Row(5, {"a": 4}),
    ]


def test_a_broken_element_of_a_list_is_named_and_the_others_are_read() -> None:
    rows = read(b'[{"a": 1}, {"a": }, {"a": 3}]', "a.json")

    assert rows == [
        Row(1, {"a": 1}),
        RowProblem(2, "", "Row 2 is not valid JSON: expecting value at character 7."),
        Row(3, {"a": 3}),
    ]


def test_a_file_in_utf_16_is_refused_with_what_to_do() -> None:
    wanted = ["The file is in UTF-16, or not a text file. Save it as UTF-8 and send it again."]

    assert sentences('{"a": 1}'.encode("utf-16")) == wanted
    assert sentences("a,b\n1,2\n".encode("utf-16-le"), "a.csv") == wanted


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty."),
        (b" \n\n", "The file is empty."),
        (b"PK\x03\x04....", "This is a zip archive or an Excel file."),
        (b"PAR1....", "This is a Parquet file."),
        (gzip.compress(b'{"a": 1}\n' * 99, mtime=0)[:-20], "The compressed file is broken"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_a_sentence(content: bytes, said: str) -> None:
    found = sentences(content, "a.csv")

    assert found[-1].startswith(said)


def test_a_json_file_that_is_none_is_refused() -> None:
    assert sentences(b"hello", "a.json") == ["A JSON file starts with [ or {; this one does not."]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv"])
def test_a_row_over_the_limit_is_skipped_and_named(name: str) -> None:
    long = "x" * 50
    content = {
        "a.jsonl": f'{{"a": "1"}}\n{{"a": "{long}"}}\n{{"a": "3"}}\n',
        "a.json": f'[{{"a": "1"}}, {{"a": "{long}"}}, {{"a": "3"}}]',
        "a.csv": f'a\n1\n"{long}\n{long}"\n3\n',
    }[name]

    assert read(content.encode(), name, limits=SMALL) == [
        Row(1, {"a": "1"}),
        RowProblem(2, "", "Row 2 is larger than 40 bytes, the most one row may have."),
        Row(3, {"a": "3"}),
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv"])
def test_a_row_of_fifty_megabytes_is_never_held(name: str, tmp_path: Path) -> None:
    start, end = {
        "a.jsonl": (b'{"a": "', b'"}\n'),
        "a.json": (b'[{"a": "', b'"}]'),
        "a.csv": (b'a\n"', b'"\n'),
    }[name]
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(start)
        for _ in range(50):
            file.write(b"x" * 1_000_000)
        file.write(end)

    tracemalloc.start()
    with path.open("rb") as file:
        rows = list(read_rows(file, name=name))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert rows == [RowProblem(1, "", "Row 1 is larger than 1 MB, the most one row may have.")]
    assert peak < 8_000_000


def test_a_file_over_the_limit_stops_with_a_sentence() -> None:
    rows = read(gzip.compress(b'{"a": 1}\n' * 5_000), limits=SMALL)

    assert rows[-1] == RowProblem(0, "", "The file is larger than 10 KB (unpacked).")


def test_nesting_deeper_than_64_is_refused_and_64_is_read() -> None:
    def nested(levels: int) -> bytes:
        return b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1)

    assert isinstance(read(nested(64))[0], Row)
    assert sentences(nested(65)) == ["Row 1, “a” is nested deeper than 64 levels."]
    assert sentences(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}") == [
        "Row 1 is nested deeper than 64 levels."
    ]


def test_a_key_that_occurs_twice_is_refused() -> None:
    assert sentences(b'{"a": 1, "b": {"c": 1, "c": 2}}') == [
        "Row 1 cannot be used: the key “c” occurs twice."
    ]
    assert sentences(b'{"x": {"a": 1}, "x": {"a": 2}}', "a.json") == [
        "Row 2: the key “x” occurs twice."
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b'{"a": "\\u0000"}',
            "Row 1, “a” holds a NUL character (\\u0000), which cannot be stored.",
        ),
        (b'{"a": "\\ud800"}', "Row 1, “a” holds bytes that are not UTF-8; save the file as UTF-8."),
        (b'{"a": 1e999}', "Row 1, “a” holds a number that is too large."),
        (b'{"a": NaN}', "Row 1 cannot be used: NaN is not a JSON value."),
        (
            b'{"a": "caf\xe9"}',
            "Row 1 cannot be read: byte 11 of it is not UTF-8; save the file as UTF-8.",
        ),
    ],
)
def test_what_the_database_cannot_keep_is_named(content: bytes, said: str) -> None:
    assert sentences(content) == [said]


def test_a_number_with_ten_thousand_digits_is_refused() -> None:
    assert sentences(b'{"a": ' + b"1" * 10_000 + b"}")[0].startswith("Row 1 cannot be used")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b'[{"a": 1}, {"a"',
            "The file ends in row 2, before its JSON does: it is only half there.",
        ),
        (b'[{"a": 1},', "The file ends after row 1, before its JSON does: it is only half there."),
        (b'[{"a": 1}] x', "Something follows the end of the JSON, after row 1."),
        (b'[{"a": 1},]', "Row 2 is not valid JSON: expecting value at character 1."),
    ],
)
def test_a_list_that_ends_wrongly_keeps_its_good_rows(content: bytes, said: str) -> None:
    rows = read(content, "a.json")

    assert rows[0] == Row(1, {"a": 1})
    assert [getattr(row, "problem", row) for row in rows[1:]] == [said]


def test_an_empty_list_has_no_rows() -> None:
    assert read(b"[ ]", "a.json") == []
    assert read(b"{}", "a.json") == [Row(1, {})]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2,3\n", "Row 1 has 3 cells; the header has 2."),
        (b'a,b\n1,"2\n', "Row 1 is not valid CSV (unexpected end of data)."),
        (b'a,b\n1,"2"x\n', "Row 1 is not valid CSV (',' expected after '\"')."),
        (b"a,a\n1,2\n", "Two columns have the same name: a."),
        (b",\n1,2\n", "The first line holds no column names."),
        (b'"a\n1', "The header line cannot be read: it is not valid CSV (unexpected end of data)."),
        (b"a,b\n1,caf\xe9\n", "Row 1, “b” holds bytes that are not UTF-8; save the file as UTF-8."),
        (
            b"caf\xe9\n1\n",
            "The header line holds bytes that are not UTF-8; save the file as UTF-8.",
        ),
        (b"a\r1\r", "Lines end in CR only. Save the file with Unix or Windows line ends."),
    ],
)
def test_a_broken_table_is_named(content: bytes, said: str) -> None:
    assert sentences(content, "a.csv") == [said]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text('ab"\\{}[],: é', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('a"\\,', max_size=3), inner)
    ),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text('k"\\]', max_size=3), JSON, max_size=3)), st.integers(1, 9))
def test_elements_are_cut_alike_however_the_bytes_arrive(
    rows: list[dict[str, object]], size: int
) -> None:
    document = to_json(rows)
    elements = Elements(limit=10_000)

    found = [
        element
        for place in range(0, len(document), size)
        for element in elements.feed(document[place : place + size])
    ]

    assert found == [to_json(row) for row in rows] or (rows, found) == ([], [b""])
    assert elements.is_done


def test_a_broken_or_long_member_of_a_keyed_object_is_named() -> None:
    content = b'{"x": {"a": 1}, "y": {"a": }, "z": {"a": "' + b"x" * 50 + b'"}, "w": {"a": 4}}'

    rows = read(content, "a.json", limits=SMALL)

    assert rows == [
        Row(1, {"a": 1}, "x"),
        RowProblem(2, "", "Row 2 is not valid JSON: expecting value at character 14."),
        RowProblem(3, "", "Row 3 is larger than 40 bytes, the most one row may have."),
        Row(4, {"a": 4}, "w"),
    ]
