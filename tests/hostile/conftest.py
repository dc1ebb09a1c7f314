"""A folder with files to guard, images that carry a mark, and a sandbox that outlives every
model."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scoring.job import Formula, InputSpec, Job, Limits, Plan, Split
from scoring.sandbox import parent
from tests.hostile import making
from tests.hostile.making import CLASSES, HIDDEN, SHOWN, SIZE, Place

PLAN = Plan(
    block_seconds=0.01,
    min_quads=2,
    min_segments=1,
    max_half_width=0,
    max_seconds=0.2,
    pinned=False,
    preferred=False,
)
LIMITS = Limits(
    load_seconds=4,
    first_call_seconds=2,
    call_seconds=2,
    total_seconds=12,
    memory_bytes=512 << 20,
)
PATIENT = replace(LIMITS, load_seconds=20, first_call_seconds=20, call_seconds=20, total_seconds=40)
"""For models that fill their memory. The first use of so much memory takes a host seconds."""
MOST_SECONDS = 60.0
"""Most seconds of one evaluation: well over its limits, because the machine may be busy."""
SPEC = InputSpec(height=SIZE, width=SIZE, mean=(0, 0, 0), std=(1, 1, 1))


def images(pixel: int, count: int) -> bytes:
    """A zip of class folders; every picture has the same mean and no two are alike."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for index, label in enumerate(CLASSES):
            for number in range(count):
                picture = np.full((SIZE, SIZE, 3), pixel, np.uint8)
                picture[number, index] += 20
                picture[number, index + 3] -= 20
                file = io.BytesIO()
                Image.fromarray(picture).save(file, "PNG")
                archive.writestr(f"{label}/{number:04}.png", file.getvalue())
    return target.getvalue()


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("place")
    made = Place(folder / "secret", folder / "victim", folder / "fifo")
    made.secret.write_text(making.SECRET * 10)
    made.victim.write_bytes(bytes(8))
    os.mkfifo(made.fifo)
    return made


@contextmanager
def untouched(place: Place) -> Iterator[None]:
    """Checks that the body changes and adds no file there."""
    folder = place.secret.parent
    yield
    assert sorted(path.name for path in folder.iterdir()) == ["fifo", "secret", "victim"]
    assert place.secret.read_text() == making.SECRET * 10
    assert place.victim.read_bytes() == bytes(8)


@pytest.fixture(scope="session")
def box() -> Iterator[parent.Sandbox]:
    """One sandbox for all tests, because it must survive every model."""
    with parent.started(PLAN, LIMITS) as started:
        yield started


@pytest.fixture
def shared_sandbox(box: parent.Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations use the one sandbox, which saves the seconds of a start for each."""

    @contextmanager
    def started(
        plan: Plan, limits: Limits, tick: Any = None, **options: Any
    ) -> Iterator[parent.Sandbox]:
        yield replace(box, plan=plan, limits=limits, tick=tick, children=[])

    monkeypatch.setattr(parent, "started", started)


@pytest.fixture(scope="session")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """An honest job with a dry run. Tests add the submission."""
    folder = tmp_path_factory.mktemp("job")
    packs = {"sample": (SHOWN, 3), "public": (HIDDEN, 3), "private": (HIDDEN, 4)}
    for name, (pixel, count) in packs.items():
        (folder / f"{name}.zip").write_bytes(images(pixel, count))
    (folder / "reference.pt").write_bytes(making.honest_file())
    return Job(
        reference=folder / "reference.pt",
        splits=tuple(Split(name, folder / f"{name}.zip") for name in ("public", "private")),
        classes=CLASSES,
        input=SPEC,
        formula=Formula(quality_ref=0.1),
        plan=PLAN,
        limits=LIMITS,
        cache=folder / "cache",
        sample=folder / "sample.zip",
    )


def descendants(pid: int) -> set[int]:
    """All processes below a process but the tests' servers, which start and end their own."""
    parents: dict[int, int] = {}
    for one in Path("/proc").iterdir():
        if one.name.isdigit():
            try:
                said = (one / "stat").read_text()
            except OSError:
                continue
            name, _, rest = said.partition("(")[2].rpartition(")")
            if not name.startswith(("postgres", "valkey")):
                parents[int(one.name)] = int(rest.split()[1])
    below: set[int] = set()
    while more := {one for one, parent in parents.items() if parent in below | {pid}} - below:
        below |= more
    return below
