"""A cache that may vanish: an unreachable server is a miss, never an error."""

from __future__ import annotations

import logging
from typing import Any, TypeVar

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
T = TypeVar("T")


class ForgivingRedisCache(RedisCache):
    """Django's Redis cache, answering as if empty while its server is away.

    Nothing that matters lives in the cache, so pages and claims go on without it. What must be
    able to count (sign-in limits) asks `is_reachable` first and fails closed.
    """

    def add(self, *args: Any, **kwargs: Any) -> bool:  # Any: Django's own signature
        try:
            return bool(super().add(*args, **kwargs))
        except RedisError:
            return _missed(fallback=True)

    def get(
        self, key: Any, default: Any = None, version: int | None = None
    ) -> Any:  # Any: as Django
        try:
            return super().get(key, default, version)
        except RedisError:
            return _missed(fallback=default)

    def set(self, *args: Any, **kwargs: Any) -> None:  # Any: Django's own signature
        try:
            super().set(*args, **kwargs)
        except RedisError:
            _missed(fallback=None)

    def delete(self, *args: Any, **kwargs: Any) -> bool:  # Any: Django's own signature
        try:
            return bool(super().delete(*args, **kwargs))
        except RedisError:
            return _missed(fallback=False)

    def is_reachable(self) -> bool:
        """Whether the server answers now."""
        try:
            return bool(self._cache.get_client().ping())
        except RedisError:
            return False


def _missed(*, fallback: T) -> T:
    logger.warning("Cache server is away; going on without it")
    return fallback
