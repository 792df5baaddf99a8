"""A cache server that is away is a miss, never an error."""

from __future__ import annotations

from pathlib import Path

from pytest_django.fixtures import Settings

from marketplace.kit.cache import ForgivingRedisCache


def _away(tmp_path: Path) -> ForgivingRedisCache:
    return ForgivingRedisCache(f"unix://{tmp_path}/nobody.sock?db=1", {})


def test_reading_and_writing_go_on_without_the_server(tmp_path: Path) -> None:
    cache = _away(tmp_path)

    cache.set("seen", 1)

    assert cache.get("seen", "default") == "default"
    assert cache.add("seen", 1) is True
    assert cache.delete("seen") is False
    assert cache.is_reachable() is False


def test_with_a_server_it_is_an_ordinary_cache(settings: Settings) -> None:
    cache = ForgivingRedisCache(settings.CACHES["default"]["LOCATION"], {})

    cache.set("tests.kit.cache", 7, 60)

    assert cache.get("tests.kit.cache") == 7
    assert cache.is_reachable() is True
    assert cache.delete("tests.kit.cache") is True
