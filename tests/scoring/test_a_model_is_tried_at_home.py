"""`python -m scoring try` fails as an evaluation does, on images that a team has."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

import scoring
from scoring.__main__ import main
from scoring.job import Job, Split

from . import conftest as wild

Models = Callable[..., Path]


class Fickle(wild.Wild):
    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(self.linear(x.flatten(1)))


class TiresOnTheSample(wild.Wild):
    """Fails beyond the few images of the dry run."""

    if TYPE_CHECKING:  # torch.jit reads annotations that stand at run time
        calls: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        if int(self.calls) > 200:
            raise ValueError("tired")
        return self.linear(x.flatten(1))


@pytest.fixture
def sample(splits: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copy(splits["public"], tmp_path / "waste-sample.zip"))


def arguments(model: Path, sample: Path, *more: str) -> list[str]:
    return ["try", str(model), "--data", str(sample), "--input-size", str(wild.SIZE), *more]


def test_an_honest_model_passes(
    models: Models, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(models(), sample, "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["status"], found["failure"]) == ("passed", None)
    assert found["dry_run"]["images"] == 8
    assert found["quality"]["images"] > 80
    assert found["seconds_per_image"] > 0


def test_the_metric_of_the_competition_is_counted_and_named(
    models: Models, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = models()
    assert main(arguments(model, sample, "--metric", "accuracy", "--json")) == 0
    found = json.loads(capsys.readouterr().out)["quality"]
    assert found["quality"] == found["accuracy"]
    assert main(arguments(model, sample, "--metric", "balanced_accuracy")) == 0
    said = capsys.readouterr().out
    assert "\nbalanced accuracy  0." in said
    assert "macro-F1" not in said


@pytest.mark.parametrize("model", [wild.NeedsAnotherSize, wild.AnswersLabels, Fickle])
def test_it_fails_with_the_code_and_the_words_of_the_evaluation(
    job: Job,
    models: Models,
    sample: Path,
    model: type[nn.Module],
    capsys: pytest.CaptureFixture[str],
) -> None:
    upload = models(model)
    report = scoring.evaluate(
        replace(job, submission=upload, sample=sample, splits=(Split("public", sample),))
    )
    assert report.failure
    assert main(arguments(upload, sample, "--json")) == 1
    found = json.loads(capsys.readouterr().out)["failure"]
    assert found["code"] == report.failure.code
    bounds = ": 8 to 512 pixels", ": 1 to 16384 pixels"  # a competition's, and none
    assert found["message"] == report.failure.message.replace(*bounds)


def test_what_fails_on_later_images_of_the_sample_is_quoted(
    models: Models, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(models(TiresOnTheSample), sample)) == 1
    said = capsys.readouterr().out
    assert said.startswith("failed: crashed\n")
    assert "The model's message: “ValueError: tired”." in said


def test_its_exit_codes_tell_the_model_from_the_usage_and_the_machine(
    models: Models, sample: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "weights.pt").write_bytes(b"\x80\x04}.")
    assert main(arguments(tmp_path / "weights.pt", sample)) == 1
    with pytest.raises(SystemExit) as ended:
        main(["try", str(models())])
    assert ended.value.code == 2
    monkeypatch.setattr(sys, "platform", "darwin")
    assert main(arguments(models(), sample)) == 3


def test_without_pytorch_it_says_what_to_install(models: Models, sample: Path) -> None:
    program = (
        "import sys; sys.modules['numpy'] = sys.modules['PIL'] = None\n"
        "from scoring.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    words = [sys.executable, "-c", program, *arguments(models(), sample)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "is not installed here: pip install '.[worker]'" in done.stderr
