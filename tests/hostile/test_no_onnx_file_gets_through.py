"""Every hostile ONNX file: the gate refuses it by its code, and the sandbox withstands it."""

from __future__ import annotations

import os
import time
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

import scoring
from scoring import formats
from scoring.errors import ModelFailed, Rejected
from scoring.formats.onnx.writing import INT64, attribute, floats, node, tensor
from scoring.job import Job
from scoring.sandbox import areas, parent, processes, sealing
from scoring.timing.runner import Synthetic
from tests.hostile.conftest import LIMITS, PATIENT, SPEC, descendants, untouched
from tests.hostile.making import CLASSES, Place
from tests.hostile.onnx_files import FILES, FLAT, model

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
    allowance = processes.Allowance(LIMITS.total_seconds)
    try:
        with (
            closing(sealing.sealed(data, "onnx")) as sealed,
            closing(areas.Area(SPEC, len(CLASSES))) as area,
            box.child(sealed, area, allowance, Synthetic(SPEC, 0).call()),
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


@pytest.mark.usefixtures("shared_sandbox")
def test_answers_by_the_place_in_the_batch_have_no_score(job: Job, tmp_path: Path) -> None:
    """The same image must get the same answer beside other images."""
    places = [
        FLAT,
        node("ReduceMean", ["f"], ["m"], attribute("axes", [1]), attribute("keepdims", 1)),
        node("Mul", ["m", "nought"], ["zero"]),
        node("Exp", ["zero"], ["ones"]),
        node("CumSum", ["ones", "axis"], ["place"]),  # 1, 2, 3, ... down the batch
        node("Mul", ["place", "turn"], ["angle"]),
        node("Sin", ["angle"], ["y"]),
    ]
    weights = [
        tensor("nought", (), floats(0)),
        tensor("axis", (), bytes(8), INT64),
        tensor("turn", (1, len(CLASSES)), floats(1, 2.5, 4)),
    ]
    path = tmp_path / "upload.onnx"
    path.write_bytes(model(places, weights))
    spec = replace(job.input, batch_size=4)
    report = scoring.evaluate(replace(job, submission=path, input=spec, limits=PATIENT))
    assert report.status == "failed"
    assert report.failure is not None
    assert report.failure.code == "answers_change"
