"""A Redis cache that is empty while Redis cannot be reached. It then writes a line to the log.

The cache holds counts of requests. Without these counts no request is delayed or refused.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import TimeoutError as NoAnswer

logger = logging.getLogger(__name__)


class ForgivingClient(RedisCacheClient):
    """Django's client. If a call fails, its answer is that of an empty cache."""

    def get(self, key: Any, default: Any) -> Any:
        return tried(super().get, key, default, otherwise=default)

    def get_many(self, keys: Any) -> Any:
        return tried(super().get_many, keys, otherwise={})

    def has_key(self, key: Any) -> Any:
        return tried(super().has_key, key, otherwise=False)

    def add(self, *item: Any) -> Any:
        return tried(super().add, *item, otherwise=True)

    def set(self, *item: Any) -> None:
        tried(super().set, *item)

    def set_many(self, *items: Any) -> None:
        tried(super().set_many, *items)

    def touch(self, *item: Any) -> Any:
        return tried(super().touch, *item, otherwise=False)

    def incr(self, key: Any, delta: Any) -> Any:
        # Django's caches raise ValueError for a missing key.
        if (count := tried(super().incr, key, delta)) is None:
            raise ValueError(f"Key '{key}' not found.")
        return count

    def delete(self, key: Any) -> Any:
        return tried(super().delete, key, otherwise=False)

    def delete_many(self, keys: Any) -> None:
        tried(super().delete_many, keys)

    def clear(self) -> Any:
        return tried(super().clear, otherwise=False)


class JsonSerializer:
    """JSON instead of pickle: a value that an attacker writes into the cache cannot run code."""

    def dumps(self, value: Any) -> bytes | int:
        # Redis counts with plain numbers, as `incr` wants them.
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


class ForgivingRedisCache(RedisCache):
    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = ForgivingClient


def tried(call: Callable[..., Any], *arguments: Any, otherwise: Any = None) -> Any:
    try:
        return call(*arguments)
    except (NoConnection, NoAnswer) as error:
        logger.warning("The cache does without Redis: %s", error)
        return otherwise
