"""Every hostile ONNX file: the gate refuses it by its code, and the sandbox withstands it."""

from __future__ import annotations

import os
import time
from contextlib import closing
from io import BytesIO

from scoring import formats
from scoring.errors import ModelFailed, Rejected
from scoring.sandbox import areas, parent, processes, sealing
from scoring.timing.runner import Synthetic
from tests.hostile.conftest import LIMITS, SPEC, descendants, untouched
from tests.hostile.making import CLASSES, Place
from tests.hostile.onnx_files import FILES, model

GATE_SECONDS = 5.0


def refusal(data: bytes) -> str | None:
    """The gate's code, or None."""
    start = time.monotonic()
    try:
        formats.inspect(BytesIO(data), with_content_hash=True)
        code = None
    except Rejected as rejected:
        code = rejected.code
    assert time.monotonic() - start < GATE_SECONDS
    return code


def alone(box: parent.Sandbox, data: bytes) -> str:
    budget = processes.Budget(LIMITS.total_seconds)
    try:
        with (
            closing(sealing.sealed(data, "onnx")) as sealed,
            closing(areas.Area(SPEC, len(CLASSES))) as area,
            box.child(sealed, area, budget, Synthetic(SPEC, 0).call()),
        ):
            return "answered"
    except ModelFailed as failure:
        return failure.code


def test_there_are_many() -> None:
    assert len(FILES) >= 60


def test_the_gate_refuses_each_by_its_code(place: Place) -> None:
    assert refusal(model()) is None
    with untouched(place):
        found = {name: refusal(one.write(place)) for name, one in FILES.items()}
    assert found == {name: one.code for name, one in FILES.items()}


def test_the_sandbox_withstands_each_without_the_gate(box: parent.Sandbox, place: Place) -> None:
    assert alone(box, model()) == "answered"
    before = descendants(os.getpid())
    with untouched(place):
        found = {name: alone(box, one.write(place)) for name, one in FILES.items()}
    assert {name: code for name, code in found.items() if code not in FILES[name].alone} == {}
    assert descendants(os.getpid()) == before
    assert alone(box, model()) == "answered"
