"""What a team reads if its ONNX model does not fit: which side is fixed, and what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import scoring
from scoring.job import Job
from tests.scoring.onnx import exports


def failure(one: exports.Export, job: Job, splits: dict[str, Path], folder: Path) -> str:
    """Code and message of an evaluation's failure."""
    path = folder / "upload.onnx"
    path.write_bytes(exports.written(one, folder))
    report = scoring.evaluate(replace(job, submission=path, sample=splits["sample"]))
    assert report.failure is not None
    return f"{report.failure.code}: {report.failure.message}"


@pytest.mark.parametrize(
    ("one", "spec", "words"),
    [
        (
            exports.Export(exports.tiny, has_free_batch=False),
            {"height": 32, "width": 32, "batch_size": 1},
            ("first dimension, the batch, is fixed to 4, but batches have 1", "dynamic_axes"),
        ),
        (
            exports.Export(exports.tiny),
            {"height": 16, "width": 32},
            ("dimension 2, the height, is fixed to 32, but images have 16", "input_size"),
        ),
        (
            exports.Export(exports.Pixels, dtype="uint8"),
            {"height": 32, "width": 32},
            ("expects uint8, but images are float32", "Declare dtype uint8"),
        ),
    ],
)
def test_the_side_that_does_not_fit_is_named(
    one: exports.Export,
    spec: dict[str, Any],
    words: tuple[str, ...],
    job: Job,
    splits: dict[str, Path],
    tmp_path: Path,
) -> None:
    found = failure(one, replace(job, input=replace(job.input, **spec)), splits, tmp_path)
    assert found.startswith("wrong_input: "), found
    for word in words:
        assert word in found


def test_a_fixed_batch_of_the_right_size_is_scored(
    job: Job, tmp_path: Path, splits: dict[str, Path]
) -> None:
    path = tmp_path / "upload.onnx"
    path.write_bytes(exports.written(exports.Export(exports.tiny, has_free_batch=False), tmp_path))
    spec = replace(job.input, height=32, width=32, batch_size=exports.BATCH)
    both = replace(job, reference=path, submission=path, sample=splits["sample"], input=spec)
    report = scoring.evaluate(both)
    assert report.status == "scored", report.failure
