"""Keys sort in the order in which they were made."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from marketplace.kit.ids import uuid7


def test_keys_rise_within_one_process() -> None:
    keys = [uuid7() for _ in range(10_000)]

    assert keys == sorted(keys)


def test_keys_are_of_version_seven() -> None:
    key = uuid7()

    assert key.version == 7
    assert key.variant == "specified in RFC 4122"


def test_threads_never_share_a_key() -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: uuid7(), range(8_000)))

    assert len(set(keys)) == 8_000
