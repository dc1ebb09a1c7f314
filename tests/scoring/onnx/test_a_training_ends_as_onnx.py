"""`train-reference --format` writes ONNX and int8, which are scored like any upload."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import scoring
from scoring import formats
from scoring.__main__ import main
from scoring.job import InputSpec, Job


@pytest.mark.filterwarnings("ignore")
def test_one_network_in_three_forms_scores_alike(
    job: Job, splits: dict[str, Path], tmp_path: Path
) -> None:
    common = ["--arch", "tiny_cnn", "--data", str(splits["sample"]), "--epochs", "6"]
    common += ["--input-size", "16", "--threads", "1", "--hold-out", "0.1"]
    models = {}
    for form, ending in (("torchscript", ".pt"), ("onnx", ".onnx"), ("int8-onnx", ".onnx")):
        models[form] = tmp_path / (form + ending)
        assert (
            main(["train-reference", *common, "--format", form, "--output", str(models[form])]) == 0
        )
    facts = {form: formats.inspect(path).model for form, path in models.items()}
    assert facts["onnx"].dtypes == ("float32",)
    assert {"int8", "int32", "uint8"} <= set(facts["int8-onnx"].dtypes)
    assert "QuantizeLinear" in facts["int8-onnx"].operators
    found = {}
    for form in ("onnx", "int8-onnx"):
        pair = replace(job, reference=models["torchscript"], submission=models[form])
        report = scoring.evaluate(replace(pair, formula=replace(job.formula, quality_ref=None)))
        assert report.status == "scored", report.failure
        found[form] = (report.quality_ref, report.splits["public"].quality)
    reference, exported = found["onnx"]
    assert reference == round(exported, 3)  # one network, one answer
    assert abs(found["int8-onnx"][1] - exported) < 0.1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_other_dtypes_are_exported(dtype: str, job: Job, tmp_path: Path) -> None:
    from scoring.training import networks

    spec = InputSpec(height=16, width=16, dtype=dtype)  # type: ignore[arg-type]
    path = tmp_path / "model.onnx"
    formats.named("onnx").export(networks.tiny_cnn(10), spec, path, "trace")
    report = scoring.evaluate(replace(job, reference=path, submission=path))
    assert report.status == "scored", report.failure
    assert report.model is not None
    assert report.model.input is not None
    assert report.model.input.dtype == dtype


def test_torchscript_has_no_int8_here(tmp_path: Path) -> None:
    import torch

    from scoring.training import networks

    with pytest.raises(ValueError, match="int8 needs ONNX"):
        formats.named("torchscript").export(
            networks.tiny_cnn(10), InputSpec(), tmp_path / "x.pt", "script", torch.zeros(1)
        )
