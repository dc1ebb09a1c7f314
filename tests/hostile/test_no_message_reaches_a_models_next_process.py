"""The processes of one model get the same memory one after the other, and find nothing in it."""

from __future__ import annotations

import io
import os
from contextlib import closing

import pytest
import torch
from torch import Tensor, nn

from scoring import sandbox
from scoring.runner import Synthetic
from tests.hostile.conftest import LIMITS, SPEC
from tests.hostile.making import CLASSES

FAR = 1 << 21
"""Numbers into the area: beyond every row that is used here."""


class Counts(nn.Module):
    """Keeps count of its calls in a row that is not its own, and tells."""

    def __init__(self) -> None:
        super().__init__()
        self.far, self.classes = FAR, len(CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        count = torch.as_strided(x, [1], [1], self.far)
        count.add_(1)
        return count.expand(1, self.classes).clone()


def counting() -> int:
    archive = io.BytesIO()
    torch.jit.save(torch.jit.script(Counts()), archive)
    model = os.memfd_create("model", os.MFD_CLOEXEC)
    os.write(model, archive.getvalue())
    return model


def test_a_count_begins_anew(box: sandbox.Sandbox) -> None:
    model = counting()
    budget = sandbox.Budget(LIMITS.total_seconds)
    told = []
    try:
        with closing(sandbox.Area(SPEC, len(CLASSES))) as area:
            for _ in range(2):
                example = Synthetic(SPEC, 0).call()
                with box.child(model, area, budget, example) as child:
                    child.run(3, LIMITS.call_seconds)
                    told.append(child.outputs[2, 0, 0])
                assert not area.inputs().any()
                assert not area.outputs().any()
    finally:
        os.close(model)
    assert told[0] >= 3  # it can keep one within a process
    assert told[1] == told[0]


def test_who_could_leave_a_process_behind_leaves_it_without_the_memory_of_the_next(
    box: sandbox.Sandbox,
) -> None:
    model = counting()
    try:
        with closing(sandbox.Area(SPEC, len(CLASSES))) as area:
            before = os.fstat(area.descriptor).st_ino
            with box.child(model, area, sandbox.Budget(60), Synthetic(SPEC, 0).call()) as child:
                child.is_filtered = False  # as it says on a kernel without filters
            assert os.fstat(area.descriptor).st_ino != before
            assert not area.inputs().any()
    finally:
        os.close(model)


def test_memory_beyond_what_was_used_is_given_back() -> None:
    with closing(sandbox.Area(SPEC, len(CLASSES))) as area:
        area.inputs()[:] = 1
        area.outputs()[:] = 1
        assert held(area) >= area.bytes
        area.wipe(2)
        assert held(area) <= sandbox.whole_pages(2 * area.call_bytes)
        assert not area.inputs().any()
        assert not area.outputs().any()


@pytest.mark.parametrize("calls", [1, 1 << 40])
def test_any_number_of_rows_may_have_been_used(calls: int) -> None:
    with closing(sandbox.Area(SPEC, len(CLASSES))) as area:
        area.inputs()[:], area.outputs()[:] = 1, 1
        area.wipe(calls)
        assert not area.inputs().any()
        assert not area.outputs().any()


def held(area: sandbox.Area) -> int:
    return os.fstat(area.descriptor).st_blocks * 512
