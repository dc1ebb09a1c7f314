import fcntl
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import scoring
from scoring.images import albums
from scoring.job import InputSpec, Job

NOW = 1_800_000_000.0


def made(cache: Path, name: str, size: int, age: float) -> Path:
    path = cache / name
    path.write_bytes(bytes(size))
    os.utime(path, (NOW - age, NOW - age))
    return path


def names(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir()}


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    for name, age in (("old.npy", 300), ("older.npy", 400), ("new.npy", 1)):
        made(tmp_path, name, 100, age)
    albums.evict(tmp_path, 300, NOW)
    assert names(tmp_path) == {"old.npy", "older.npy", "new.npy"}
    albums.evict(tmp_path, 299, NOW)
    assert names(tmp_path) == {"old.npy", "new.npy"}
    albums.evict(tmp_path, 0, NOW)
    assert names(tmp_path) == set()


def test_use_makes_a_file_young_again(splits: dict[str, Path], tmp_path: Path) -> None:
    data = albums.labelled(splits["public"], tuple("0123456789"))
    first = albums.pixels(data, InputSpec(8, 8), tmp_path)
    (path,) = tmp_path.iterdir()
    os.utime(path, (1000.0, 1000.0))
    albums.pixels(data, InputSpec(8, 8), tmp_path)
    assert path.stat().st_mtime > 1000.0
    expected = first.copy()
    albums.evict(tmp_path, 0, NOW)
    np.testing.assert_array_equal(first, expected)  # an open file keeps its content
    np.testing.assert_array_equal(albums.pixels(data, InputSpec(8, 8), tmp_path), expected)


def test_what_killed_writers_left_is_removed_and_living_ones_are_let_be(tmp_path: Path) -> None:
    made(tmp_path, "abandoned.part", 1, 1000)
    made(tmp_path, "just-begun.part", 1, 1)
    working = made(tmp_path, "working.part", 1, 1000)
    with working.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        albums.evict(tmp_path, 0, NOW)
    assert names(tmp_path) == {"just-begun.part", "working.part"}


def test_a_writer_holds_its_lock_until_the_file_has_its_name(tmp_path: Path) -> None:
    with albums.written(tmp_path / "a.npy") as name:
        assert albums.is_locked(name)
    assert names(tmp_path) == {"a.npy"}
    assert not albums.is_locked(tmp_path / "a.npy")


def test_a_cache_that_is_not_there_yet(tmp_path: Path) -> None:
    albums.evict(tmp_path / "none", 0, NOW)


@pytest.mark.parametrize("cache_bytes", [0, 1 << 30])
def test_an_evaluation_evicts_when_it_begins(job: Job, tmp_path: Path, cache_bytes: int) -> None:
    made(tmp_path, "old.npy", 100, 300)
    report = scoring.evaluate(replace(job, cache=tmp_path, cache_bytes=cache_bytes))
    assert report.status == "scored", report.failure
    assert ("old.npy" in names(tmp_path)) == bool(cache_bytes)
