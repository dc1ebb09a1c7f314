import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import scoring
from scoring import formats, pairing
from scoring.errors import EngineError
from scoring.hidden import HiddenImages
from scoring.images import albums
from scoring.job import Formula, Job, Limits, Plan, Progress, Report
from scoring.sandbox import areas, outputs, parent, sockets
from scoring.sentences import say
from scoring.stages import Stages
from scoring.timing import runner

from .conftest import PLAN, NeverEnds, Wild

Models = Callable[..., Path]


class Talks(Wild):
    def forward(self, x: Tensor) -> Tensor:
        print("pixels of", x, "\x1b[2J")
        return self.linear(x.flatten(1))


class RaisesAtOnce(Wild):
    def forward(self, x: Tensor) -> Tensor:
        if x.numel() > 0:
            raise ValueError(f"the shape is {x.shape}")
        return self.linear(x.flatten(1))


def labels(job: Job) -> np.ndarray:
    return np.concatenate([albums.labelled(s.images, job.classes).labels for s in job.splits])


def test_a_report_says_everything(job: Job) -> None:
    told: list[Progress] = []
    report = scoring.evaluate(job, told.append)
    assert report.status == "scored", report.failure
    assert report.failure is None
    assert set(report.splits) == {"public", "private"}
    assert report.timing is not None
    assert report.timing.seconds_per_image > 0
    assert all(0 < quad.probe_seconds < 1 for quad in report.timing.quads)
    assert {"Memory is limited.", "The reference is frozen and optimized."} <= set(
        map(str, report.timing.in_force)
    )
    for quality in report.splits.values():
        assert set(quality.per_class) == set(job.classes)
        assert sum(map(sum, quality.confusion)) == quality.images
        assert quality.score is not None
    assert report.model is not None
    assert report.model.parameters == 7_690
    assert report.model.input == job.input
    assert report.hardware["cores"] >= 1
    assert "torch" in report.versions
    assert {"check", "images", "start", "measure", "score"} <= set(report.stages)
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report
    percents = [progress.percent for progress in told]
    assert percents == sorted(percents)


def test_waiting_for_the_machine_is_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Progress] = []
    stages = Stages(told.append)
    monkeypatch.setattr(time, "monotonic", lambda: stages.start + 300)
    stages.say()
    with stages.stage("images"):
        stages.tick(0.5)
    assert (told[0].percent, told[0].remaining_seconds) == (0.0, None)


def test_decoding_counts_all_splits_as_one(job: Job, tmp_path: Path) -> None:
    shares: list[float] = []
    data = HiddenImages.of(job, tmp_path, lambda share: None)
    data.pixels(job.input, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(set(shares)) > 20


@pytest.mark.parametrize("kept_bytes", [0, runner.KEPT_BYTES])
def test_answers_are_those_of_the_model(
    job: Job, models: Models, kept_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "KEPT_BYTES", kept_bytes)
    module = torch.jit.load(str(models()))
    parts = [albums.labelled(split.images, job.classes) for split in job.splits]
    cache = job.cache or Path()
    inputs = [albums.normalized(albums.pixels(part, job.input, cache), job.input) for part in parts]
    expected = module(torch.from_numpy(np.concatenate(inputs))).argmax(1).numpy()
    answered: dict[str, np.ndarray] = {}
    report = scoring.evaluate(job, answered=answered.update)
    right = sum(quality.accuracy * quality.images for quality in report.splits.values())
    assert right == pytest.approx((expected == labels(job)).sum())
    assert list(answered) == [split.name for split in job.splits]
    assert np.concatenate([*answered.values()]).tolist() == expected.tolist()


@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_other_inputs_in_batches(job: Job, models: Models, dtype: str) -> None:
    from torch import nn

    class Casting(Wild):
        def forward(self, x):  # type: ignore[no-untyped-def]
            return self.linear(x.float().flatten(1))

    Casting.__name__ = f"Casting_{dtype}"
    assert issubclass(Casting, nn.Module)
    upload = models(Casting, dtype=dtype, input_size=[3, 16, 16])
    batched = replace(job, submission=upload, input=replace(job.input, batch_size=8))
    report = scoring.evaluate(batched)
    assert report.status == "scored", report.failure
    assert report.model is not None
    assert report.model.input is not None
    assert report.model.input.dtype == dtype


def test_a_model_on_several_threads_is_shut_in_as_well(job: Job) -> None:
    report = scoring.evaluate(replace(job, plan=replace(job.plan, threads=2)))
    assert report.status == "scored", report.failure
    assert report.timing is not None
    assert "Each model has 2 threads." in map(str, report.timing.in_force)
    assert report.isolation is not None
    assert not report.isolation.is_weak


def test_the_dry_run_on_the_sample_hears_a_model_out(
    job: Job, models: Models, splits: dict[str, Path]
) -> None:
    sampled = replace(job, sample=splits["sample"])
    report = scoring.evaluate(replace(sampled, submission=models(Talks)))
    assert report.status == "scored", report.failure
    assert report.dry_run is not None
    assert report.dry_run.images == 8
    assert report.dry_run.output.startswith("pixels of ")
    assert report.dry_run.is_cut
    assert len(report.dry_run.output) <= outputs.OUTPUT_BYTES
    assert report.dry_run.memory_bytes is not None
    assert 0 < report.dry_run.memory_bytes < job.limits.memory_bytes
    assert report.model is not None
    assert report.model.macs is not None
    assert report.model.macs > 0
    assert "dry run" in report.stages
    report = scoring.evaluate(replace(sampled, submission=models(RaisesAtOnce)))
    assert report.failure is not None
    assert report.failure.code == "wrong_input"
    assert report.dry_run is not None
    assert "the shape is [1, 3, 16, 16]" in report.dry_run.output
    assert "The model's message: “" in report.failure.message
    assert "the shape is [1, 3, 16, 16]" in report.failure.message
    unsampled = scoring.evaluate(replace(job, submission=models(RaisesAtOnce)))
    assert unsampled.failure is not None
    assert "the shape" not in unsampled.failure.message


CORES = len(os.sched_getaffinity(0))


@pytest.mark.skipif(CORES < 2, reason="others get no time beside an evaluation on one core")
def test_quads_know_when_other_programs_keep_cores_busy(job: Job) -> None:
    spin = [sys.executable, "-c", "while True: pass"]
    spinning = [subprocess.Popen(spin, start_new_session=True) for _ in range(CORES)]
    try:
        report = scoring.evaluate(replace(job, plan=replace(PLAN, max_seconds=1.5)))
    finally:
        for one in spinning:
            one.kill()
            one.wait()
    assert report.timing
    assert report.timing.foreign_load > 0.3


def test_the_memory_of_a_model_is_given_back_when_its_evaluation_ends(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []

    def close(area: areas.Area) -> None:
        given_back(area)
        closed.append(area.memory.closed)

    given_back = areas.Area.close
    monkeypatch.setattr(areas.Area, "close", close)
    scoring.evaluate(job)
    assert closed == [True, True]


def test_without_a_submission_the_reference_runs_against_itself(job: Job) -> None:
    calm = replace(PLAN, min_quads=6, target_half_width=0.25, max_seconds=20.0)
    report = scoring.evaluate(replace(job, submission=None, formula=Formula(), plan=calm))
    assert report.status == "scored"
    assert report.timing is not None
    assert 0.5 < report.timing.time_ratio < 2
    assert report.quality_ref == round(report.splits["public"].quality, 3)
    assert report.model is not None
    assert report.model.sha256 == formats.inspect(job.reference).model.sha256


def test_a_reference_that_fails_is_our_fault(job: Job, models: Models) -> None:
    limits = replace(job.limits, first_call_seconds=2.0)
    with pytest.raises(EngineError) as error:
        scoring.evaluate(replace(job, reference=models(NeverEnds), limits=limits))
    assert error.value.code == "reference_first_call_timeout"


def test_a_machine_that_stood_still_is_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    parent_end, child_end = sockets.channel()
    # It waits from 0 to 0.5, ticks, and wakes much too late the second time.
    clock = iter([0.0, 0.0, 0.5, 0.5, 0.5, 0.5, 40.5])
    monkeypatch.setattr(sockets, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(sockets, "TICK_SECONDS", 0.01)
    with parent_end, child_end, pytest.raises(EngineError, match="suspended for 40 s") as error:
        sockets.wait_for(parent_end, 10.0, lambda: None)
    assert error.value.code == "machine_paused"


def child(prepared: bool = True, landlock: int = 6, is_filtered: bool = True) -> Any:
    """The part of a `processes.Child` that a report reads."""
    return SimpleNamespace(prepared=prepared, landlock=landlock, is_filtered=is_filtered)


def box(**more: Any) -> parent.Sandbox:
    return parent.Sandbox(
        socket.socket(), Plan(), Limits(), lambda: None, in_force=(say("priority raised"),), **more
    )


def test_what_is_in_force_is_what_was_found(job: Job) -> None:
    calm = pairing.in_force(job, box(), ([child()] * 2, [child()] * 2))
    assert {"The reference is frozen and optimized.", "The model is frozen and optimized."} <= {
        *map(str, calm)
    }
    once = pairing.in_force(job, box(), ([child()] * 2, [child(), child(prepared=False)]))
    assert "The model is not frozen." in map(str, once)


def test_a_report_says_what_shut_its_models_in(job: Job) -> None:
    report = scoring.evaluate(job)
    assert report.isolation is not None
    assert not report.isolation.is_weak
    assert "filter of system calls (only for computing)" in map(str, report.isolation.layers)


def test_one_child_without_a_layer_makes_the_isolation_weak() -> None:
    strong = box(children=[child(), child()], separate=True).isolation()
    assert not strong.missing
    for weak in (child(landlock=0), child(is_filtered=False)):
        found = box(children=[child(), weak], separate=True).isolation()
        assert found.is_weak
        assert len(found.missing) == 1
    in_a_container = box(children=[child()]).isolation()
    assert in_a_container.missing
    assert not in_a_container.is_weak


def test_on_a_gpu_the_limits_that_cannot_hold_are_named(job: Job) -> None:
    cuda = replace(job, plan=replace(job.plan, device="cuda"))
    said = [str(one) for one in pairing.in_force(cuda, box(), ([child()], [child()]))]
    assert "There is no memory limit, because CUDA reserves more memory than it uses." in said
    assert "Memory is limited." not in said


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_report_from_a_gpu_says_that_memory_had_no_limit(job: Job) -> None:
    report = scoring.evaluate(replace(job, plan=replace(job.plan, device="cuda")))
    assert report.status == "scored", report.failure
    assert report.timing is not None
    assert "There is no memory limit, because CUDA reserves more memory than it uses." in map(
        str, report.timing.in_force
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_our_fault(job: Job) -> None:
    with pytest.raises(EngineError) as error:
        scoring.evaluate(replace(job, plan=replace(job.plan, device="cuda")))
    assert error.value.code == "no_gpu"


def test_a_reference_that_is_refused_is_our_fault(job: Job, tmp_path: Path) -> None:
    (tmp_path / "empty.pt").touch()
    with pytest.raises(EngineError) as error:
        scoring.evaluate(replace(job, reference=tmp_path / "empty.pt"))
    assert error.value.code == "reference_empty_file"
