"""Damage to the bytes of a file, whatever its format is. For the two kinds of `benchmarks.fuzz`."""

from __future__ import annotations

import random
from collections.abc import Callable

Mutation = Callable[[random.Random, bytes, list[bytes]], bytes]
"""A damaged copy of some bytes. The last argument holds honest files to take parts from."""


def flipped(chance: random.Random, data: bytes) -> bytes:
    """The data with a few bits turned."""
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)


def flip_file(chance: random.Random, data: bytes, bases: list[bytes]) -> bytes:
    return flipped(chance, data)


def cut_file(chance: random.Random, data: bytes, bases: list[bytes]) -> bytes:
    return data[: chance.randrange(len(data))]
