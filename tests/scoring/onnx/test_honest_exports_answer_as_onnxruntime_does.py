"""What exporters write is accepted, and the sandbox answers what onnxruntime answers directly."""

from __future__ import annotations

import io
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import scoring
from scoring import formats
from scoring.images import albums
from scoring.job import Job, Limits, Plan
from scoring.quality import metrics
from scoring.sandbox import areas, parent, processes, sealing
from scoring.timing.runner import Synthetic
from tests.scoring.onnx import exports

LIMITS = Limits(load_seconds=20, first_call_seconds=20, call_seconds=20, total_seconds=120)


def directly(data: bytes, images: np.ndarray) -> np.ndarray:
    """The first output of a session with default settings."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: images})[0])


def test_every_export_is_accepted_and_answers_the_same() -> None:
    assert len(exports.EXPORTS) >= 40
    with parent.started(Plan(pinned=False, preferred=False), LIMITS) as box:
        for name, one, data in exports.all_written():
            model = formats.inspect(io.BytesIO(data), with_content_hash=True).model
            assert model.format == "onnx", name
            assert model.parameters > 100, name
            spec = replace(exports.SPEC, dtype=one.dtype)
            images = Synthetic(spec, 3).call()
            with (
                closing(sealing.sealed(data, "onnx")) as sealed,
                closing(areas.Area(spec, exports.CLASSES)) as area,
                box.child(sealed, area, processes.Allowance(120), images) as child,
            ):
                child.inputs[0] = images
                child.run(1, 20)
                found = np.array(child.outputs[0])
            expected = directly(data, images)
            assert np.allclose(found, expected, rtol=1e-4, atol=1e-5), name
            assert (found.argmax(1) == expected.argmax(1)).all(), name


def exported(size: int, path: Path) -> Path:
    """A small network for images of the engine's tests, with its declaration."""
    import torch

    from scoring.job import InputSpec
    from scoring.training import networks

    torch.manual_seed(2)
    network = networks.tiny_cnn(10)
    form = formats.named("onnx" if path.suffix == ".onnx" else "torchscript")
    form.export(network, InputSpec(height=size, width=size), path, "trace")
    return path


@pytest.mark.parametrize("pair", [("pt", "onnx"), ("onnx", "pt"), ("onnx", None)])
def test_both_formats_meet_in_one_evaluation(
    pair: tuple[str, str | None], job: Job, splits: dict[str, Path], tmp_path: Path
) -> None:
    reference = exported(16, tmp_path / f"reference.{pair[0]}")
    submission = exported(16, tmp_path / f"submission.{pair[1]}") if pair[1] else None
    report = scoring.evaluate(replace(job, reference=reference, submission=submission))
    assert report.status == "scored", report.failure
    assert report.timing is not None
    assert report.model is not None
    assert report.model.format == ("onnx" if pair[1] in ("onnx", None) else "torchscript")
    assert "onnxruntime" in report.versions
    data = exported(16, tmp_path / "same.onnx").read_bytes()
    for name in ("public", "private"):
        labelled = albums.labelled(splits[name], job.classes)
        pixels = np.array(albums.pixels(labelled, job.input, tmp_path))
        answers = directly(data, albums.normalized(pixels, job.input)).argmax(1)
        expected = metrics.quality(labelled.labels, answers, job.classes)
        assert report.splits[name].quality == expected.quality
