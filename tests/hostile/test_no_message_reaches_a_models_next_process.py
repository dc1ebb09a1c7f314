"""The processes of one model get the same memory one after the other, and find nothing in it."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from scoring.errors import ModelFailed
from scoring.sandbox import areas, parent, processes, sealing
from scoring.timing.runner import Synthetic
from tests.hostile.conftest import LIMITS, SPEC
from tests.hostile.making import CLASSES

FAR = 1 << 21
"""Numbers into the area: beyond every row that is used here."""
MOST = 10


class Counts(nn.Module):
    """Keeps count of its calls in a row that is not its own, and tells; has enough of it once."""

    def __init__(self) -> None:
        super().__init__()
        self.far, self.most, self.classes = FAR, MOST, len(CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        count = torch.as_strided(x, [1], [1], self.far)
        count.add_(1)
        if int(count) > self.most:
            raise ValueError("enough")
        return count.expand(1, self.classes).clone()


@pytest.fixture
def counting() -> Iterator[sealing.SealedModel]:
    archive = io.BytesIO()
    torch.jit.save(torch.jit.script(Counts()), archive)
    with closing(sealing.sealed(archive.getvalue(), "torchscript")) as model:
        yield model


@pytest.fixture
def area() -> Iterator[areas.Area]:
    with closing(areas.Area(SPEC, len(CLASSES))) as area:
        yield area


def test_a_count_begins_anew(
    box: parent.Sandbox, counting: sealing.SealedModel, area: areas.Area
) -> None:
    told = []
    for _ in range(2):
        with box.child(counting, area, processes.Allowance(60), example()) as child:
            child.run(3, LIMITS.call_seconds)
            told.append(child.outputs[2, 0, 0])
        assert held(area) == areas.whole_pages(3 * area.call_bytes)  # for the next child
        assert is_blank(area)
    assert told[0] >= 3  # the count is kept within one process
    assert told[1] == told[0]


def test_who_fails_leaves_nothing_either(
    box: parent.Sandbox, counting: sealing.SealedModel, area: areas.Area
) -> None:
    with (
        pytest.raises(ModelFailed, match="raised an error"),
        box.child(counting, area, processes.Allowance(60), example()) as child,
    ):
        child.run(MOST, LIMITS.call_seconds)
    assert is_blank(area)


@pytest.mark.parametrize("why", ["it is not filtered", "it is on a GPU", "it has not ended"])
def test_who_could_be_there_still_keeps_its_memory_and_the_next_gets_other(
    why: str, box: parent.Sandbox, counting: sealing.SealedModel, area: areas.Area
) -> None:
    before = os.fstat(area.descriptor).st_ino
    alone = replace(box, children=[])  # facts about this child are not reported for another one
    with alone.child(counting, area, processes.Allowance(60), example()) as child:
        if why == "it is not filtered":
            child.is_filtered = False
        elif why == "it is on a GPU":
            child.order = replace(child.order, device="cuda")
        else:
            child.kill = lambda: box.ask({"reap": child.number})  # type: ignore[method-assign]
    assert os.fstat(area.descriptor).st_ino != before
    assert is_blank(area)


@pytest.mark.parametrize("calls", [1, 2, 1 << 40])
def test_memory_beyond_what_was_used_is_given_back(calls: int, area: areas.Area) -> None:
    area.inputs()[:] = 1
    area.outputs()[:] = 1
    assert held(area) >= area.bytes
    area.wipe(calls)
    assert held(area) == min(areas.whole_pages(calls * area.call_bytes), area.output_offset)
    assert is_blank(area)


def example() -> np.ndarray:
    return Synthetic(SPEC, 0).call()


def is_blank(area: areas.Area) -> bool:
    return not area.inputs().any() and not area.outputs().any()


def held(area: areas.Area) -> int:
    """Bytes of the pages that the area holds."""
    return os.fstat(area.descriptor).st_blocks * 512
