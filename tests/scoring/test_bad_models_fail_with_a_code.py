"""Whatever an upload does, the report has its code, and the engine goes on."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

import scoring
from scoring.job import Job, Report

from . import conftest as wild

Models = Callable[..., Path]


def report_of(job: Job, upload: Path, **limits: float) -> Report:
    return scoring.evaluate(
        replace(job, submission=upload, limits=replace(job.limits, **limits))  # type: ignore[arg-type]
    )


def failure(report: Report) -> tuple[str, str]:
    assert report.status == "failed"
    assert report.failure is not None
    assert not report.splits
    assert report.timing is None
    return report.failure.code, report.failure.message


@pytest.mark.parametrize(
    ("model", "code", "words"),
    [
        (wild.NeedsAnotherSize, "wrong_input", "float32 of shape (1, 3, 16, 16)"),
        (
            wild.NineLogits,
            "wrong_output",
            "(1, 10), one logit for each class. The model returned the shape (1, 9).",
        ),
        (
            wild.AnswersLabels,
            "wrong_output",
            "returned a tensor of int64, shape (1,). Return the",
        ),
        (wild.AnswersNaN, "not_finite", "NaN"),
        (
            wild.AnswersTooMuch,
            "output_too_large",
            "1,048,576 bytes, but the model returned 4,194,304",
        ),
        (wild.Crashes, "crashed", "process ended"),
        (wild.RaisesLater, "crashed", "raised an error"),
        (wild.AnswersAtRandom, "answers_change", "Dropout or batch norm in training mode"),
        (
            wild.SpellsItsInput,
            "wrong_output",
            "one logit for each class. The answer is different.",
        ),
    ],
)
def test_a_bad_model(
    job: Job, models: Models, model: type[nn.Module], code: str, words: str
) -> None:
    found, message = failure(report_of(job, models(model)))
    assert found == code
    assert words in message
    assert "secret" not in message
    if model is wild.AnswersAtRandom:
        assert re.findall(r"\d+", message) == ["0", "1"]  # of "0.1 %": no count, of no split


def test_an_endless_loop_is_ended(job: Job, models: Models) -> None:
    code, message = failure(report_of(job, models(wild.NeverEnds), first_call_seconds=0.5))
    assert code == "first_call_timeout"
    assert "0.5 s" in message


def test_a_later_answer_that_takes_too_long_is_ended(job: Job, models: Models) -> None:
    code, message = failure(report_of(job, models(wild.NeverEndsLater), call_seconds=0.5))
    assert code == "call_timeout"
    assert message.startswith(
        "The limit for one answer is 0.5 s. The limit for a block of answers is 0.5 s more than 20 "
        "times its usual time. The model took longer and was stopped."
    )


def test_all_calls_together_have_a_limit(job: Job, models: Models) -> None:
    report = report_of(job, models(wild.NeverEnds), total_seconds=1.0)
    assert failure(report)[0] == "total_timeout"


def test_too_much_memory_is_refused(job: Job, models: Models) -> None:
    report = report_of(job, models(wild.EatsMemory), memory_bytes=512 << 20)
    code, message = failure(report)
    assert code == "out_of_memory"
    assert "512 MiB" in message


def test_a_refused_archive_never_runs(job: Job, tmp_path: Path) -> None:
    (tmp_path / "upload.pt").write_bytes(b"not even a zip")
    assert failure(report_of(job, tmp_path / "upload.pt"))[0] == "not_a_zip"


def test_a_declaration_out_of_bounds_never_runs(job: Job, models: Models) -> None:
    assert failure(report_of(job, models(wild.Wild, input_size=[3, 9999, 9999])))[0] == (
        "bad_declaration"
    )
