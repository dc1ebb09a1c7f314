"""One evaluation from job to report."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from scoring import formats, formula, hardware
from scoring.errors import BadDataset, EngineError, ModelFailed, Rejected
from scoring.images import albums
from scoring.job import (
    TIMED_STAGE,
    DryRun,
    Failure,
    InputSpec,
    Job,
    Model,
    Progress,
    Report,
    SplitQuality,
)
from scoring.quality import metrics
from scoring.sandbox import advice, outputs, parent
from scoring.sandbox.processes import Child
from scoring.timing import blocks, machine, measuring, outcome, publication
from scoring.timing.blocks import Batches, Labels
from scoring.timing.runner import Entrant, entrant

PROGRESS_SECONDS = 0.5
DRY_RUN_IMAGES = 8
"""At least a batch of them."""
STAGES = {
    "wait": 0.0,
    "check": 0.2,
    "images": 2.0,
    "start": 2.0,
    "dry run": 2.0,
    "reference": 10.0,
    TIMED_STAGE: 40.0,
    "score": 0.1,
}
"""Stages in order, with the seconds they are taken to need before anything is known."""


def evaluate(job: Job, progress: Callable[[Progress], None] | None = None) -> Report:
    """Score a submission against the reference; without one, the reference against itself.

    A submission's failure is a report with a code. Raises `EngineError` where the fault is ours.
    """
    stages = Stages(progress or (lambda progress: None))
    last_words: str | None = None
    report = Report("failed", hardware=hardware.fingerprint(job.plan), versions=hardware.versions())
    try:
        with workplace(job) as cache, stages.alone(job):
            with stages.stage("check"):
                reference = inspected(job, job.reference, ours=True)
                model = inspected(job, job.submission) if job.submission else reference
                report = replace(report, model=model)
            with stages.stage("images"):
                data = Data.of(job, cache, stages.tick)
                shared = data.pixels(spec_of(reference), lambda share: stages.tick(share / 2))
                own = data.pixels(spec_of(model), lambda share: stages.tick(0.5 + share / 2))
                stages.expect(len(own), job)
            with (
                opened(job, job.reference, reference, shared, ours=True) as them,
                opened(job, job.submission or job.reference, model, own, not job.submission) as us,
                stages.starting(job) as box,
            ):
                try:
                    if job.sample and job.submission:
                        with stages.stage("dry run"):
                            dry_run, failure, last_words = tried(us, box, job, job.sample, cache)
                        report = replace(report, dry_run=dry_run)
                        if failure:
                            raise failure
                        last_words = None  # what comes is about hidden images
                    quality_ref = job.formula.quality_ref
                    if quality_ref is None:
                        with stages.stage("reference"):
                            answers, _ = answers_alone(them, box, stages.tick)
                        quality_ref = public_quality(data.qualities(answers, job))
                    with stages.stage(TIMED_STAGE), clocks_logged(job, report):
                        measurement, seen = measured(them, us, box, job, stages)
                finally:
                    report = replace(report, isolation=box.isolation())
        with stages.stage("score"):
            said = in_force(job, box, seen)
            is_calibration = job.submission is None
            found = publication.summary(measurement, job.plan, said, job.pace, is_calibration)
            report = replace(report, timing=found)
            verdict = publication.verdict(found, job.plan)
            if verdict == "time_unstable" and job.submission:
                raise ModelFailed(
                    "time_unstable",
                    "The model's time scatters too much to be published, beside a reference whose "
                    "time was steady.",
                )
            if verdict == "too_slow" and job.submission:
                raise ModelFailed(
                    "too_slow",
                    f"The model is so slow that {job.plan.max_seconds:g} s of measuring do not "
                    "tell its time.",
                )
            splits = data.qualities(measurement.answers, job)
            report = replace(
                report,
                status="scored" if verdict == "valid" else "invalid",
                quality_ref=quality_ref,
                splits={
                    name: scored(one, found.time_ratio, quality_ref, job)
                    for name, one in splits.items()
                },
            )
    except Rejected as rejected:
        report = replace(report, failure=Failure(rejected.code, rejected.message))
    except ModelFailed as failed:
        has_run = report.dry_run is not None and last_words is None
        failed = advice.explained(failed, last_words, model=model, job=job, has_run=has_run)
        report = replace(report, failure=Failure(failed.code, failed.message))
    except BadDataset as error:
        raise EngineError(error.code, error.message) from error
    return replace(report, stages=stages.seconds)


def inspected(job: Job, path: Path, ours: bool = False) -> Model:
    """Static facts of an archive with the input spec that holds for it."""
    try:
        return formats.inspect(
            path,
            default=job.input,
            bounds=job.bounds,
            max_unpacked_bytes=job.limits.unpacked_bytes,
            device=job.plan.device,
        ).model
    except Rejected as rejected:
        if ours:
            raise EngineError(
                f"reference_{rejected.code}", f"The reference model is refused: {rejected.message}"
            ) from rejected
        raise


def spec_of(model: Model) -> InputSpec:
    assert model.input is not None
    return model.input


@contextmanager
def opened(
    job: Job, path: Path, model: Model, pixels: albums.Album, ours: bool
) -> Iterator[Entrant]:
    with entrant(path, spec_of(model), pixels, len(job.classes), job.limits, ours) as ready:
        yield ready


def tried(
    us: Entrant, box: parent.Sandbox, job: Job, sample: Path, cache: Path
) -> tuple[DryRun, ModelFailed | None, str]:
    """Answer a few images that the team has itself; what the model says there is for its team.

    Also how it failed, if it did, and its last words.
    """
    labelled = albums.labelled(sample, job.classes)
    count = max(DRY_RUN_IMAGES, us.spec.batch_size)
    few = albums.Labelled(labelled.source, labelled.names[:count], labelled.labels[:count])
    album = albums.Album((albums.pixels(few, us.spec, cache),))
    failure = None
    with outputs.listening() as output:
        try:
            with replace(us, pixels=album).fresh(box, seed=0, output=output) as runner:
                for row in padded(np.arange(len(few.labels)), us.spec.batch_size):
                    runner.answer(row[None], rewarm=False)
        except ModelFailed as found:
            failure = found
    return DryRun(len(few.labels), output.text, output.is_cut), failure, output.last_words


def answers_alone(
    who: Entrant,
    box: parent.Sandbox,
    tick: Callable[[float], None] = lambda share: None,
    *,
    order: Labels | None = None,
    output: outputs.Output | None = None,
) -> tuple[Labels, float]:
    """Labels (N,) of a model that runs by itself, and its seconds per image, which are no more than
    about right. `output` takes what it says."""
    total = len(who.pixels)
    answers: Labels = np.empty(total, dtype=np.int64)
    seconds = 0.0
    if order is None:
        order = np.arange(total)
    with who.fresh(box, seed=0, output=output) as runner:
        calls = min(runner.max_calls, max(1, round(0.5 / runner.seconds_per_call)))
        size = calls * who.spec.batch_size
        for start in range(0, total, size):
            numbers = order[start : start + size]
            block = runner.answer(padded(numbers, who.spec.batch_size), rewarm=False)
            answers[numbers] = block.labels.reshape(-1)[: len(numbers)]
            seconds += block.seconds
            tick(start / total)
    return answers, seconds / total


def padded(numbers: Labels, batch_size: int) -> Batches:
    """Image numbers as (calls, batch); a short last batch repeats the last image."""
    missing = -len(numbers) % batch_size
    return np.concatenate([numbers, np.repeat(numbers[-1:], missing)]).reshape(-1, batch_size)


@dataclass(frozen=True)
class Stable:
    """Fresh processes of two contestants."""

    them: Entrant
    us: Entrant
    box: parent.Sandbox
    seeds: Iterator[int]
    seen: tuple[list[Child], list[Child]] = field(default_factory=lambda: ([], []))
    """Every process of (reference, submission) so far."""

    @contextmanager
    def reference(self) -> Iterator[blocks.Runner]:
        with self.them.fresh(self.box, next(self.seeds)) as runner:
            self.seen[0].append(runner.child)
            yield runner

    @contextmanager
    def submission(self) -> Iterator[blocks.Runner]:
        with self.us.fresh(self.box, next(self.seeds)) as runner:
            self.seen[1].append(runner.child)
            yield runner

    def foreign_seconds(self) -> float:
        """CPU seconds that others have used so far, but for a constant of each two processes."""
        ours = sum(children[-1].cpu_seconds() for children in self.seen)
        return machine.foreign_seconds(ours + time.process_time()) or 0.0


def measured(
    them: Entrant, us: Entrant, box: parent.Sandbox, job: Job, stages: Stages
) -> tuple[outcome.Measurement, Sequence[list[Child]]]:
    """The paired timing of two contestants in fresh processes, and those processes."""
    seeds = iter(np.random.SeedSequence(job.seed).generate_state(1 << 16).tolist())
    stable = Stable(them, us, box, seeds)
    measurement = measuring.measure(
        stable,
        images=len(us.pixels),
        batch_size=job.input.batch_size,
        plan=job.plan,
        seed=next(seeds),
        pace=job.pace,
        earlier=job.earlier,
        foreign=stable.foreign_seconds,
        tick=stages.tick,
    )
    return measurement, stable.seen


@contextmanager
def clocks_logged(job: Job, report: Report) -> Iterator[None]:
    """A GPU's clocks before and after, for whoever wants to explain a time years later."""
    if job.plan.device == "cpu":
        yield
        return
    before = hardware.gpu_clocks()
    yield
    report.hardware["gpu_clocks"] = [before, hardware.gpu_clocks()]


def in_force(job: Job, box: parent.Sandbox, seen: Sequence[list[Child]]) -> tuple[str, ...]:
    """What kept the measurement fair and the machine safe, in words; `seen` are its processes."""
    threads = f"{job.plan.threads} thread" + "s" * (job.plan.threads > 1)
    said = ["idle side stopped", "fresh processes per segment", f"{threads} each", *box.in_force]
    if box.gpu:
        said.append("GPU seen idle and its cache overwritten before each turn")
    if job.lock:
        said.append("one evaluation at a time")
    if job.plan.device == "cuda":
        said.append("no memory limit: CUDA maps more than it uses")
    else:
        said.append("memory limit")
    for who, children in zip(("reference", "submission"), seen, strict=True):
        prepared = all(child.prepared for child in children)
        said.append(f"{who} {'frozen and optimized' if prepared else 'not frozen'}")
    return tuple(said)


def public_quality(splits: dict[str, SplitQuality]) -> float:
    """The reference's quality that is shown and used: on the public split, three decimals."""
    return round(splits.get("public", next(iter(splits.values()))).quality, 3)


def scored(quality: SplitQuality, time_ratio: float, quality_ref: float, job: Job) -> SplitQuality:
    weights = {"k": job.formula.k, "time_weight": job.formula.time_weight}
    found = formula.score(quality.quality, time_ratio, quality_ref=quality_ref, **weights)
    return replace(quality, score=found.total)


@contextmanager
def workplace(job: Job) -> Iterator[Path]:
    """The folder for decoded images: the job's cache, or one for this evaluation only."""
    if job.cache is not None:
        albums.evict(job.cache, job.cache_bytes, time.time())
        yield job.cache
        return
    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        yield Path(folder)


@dataclass(frozen=True)
class Data:
    """Hidden images of all splits in one row; who has the numbers does not know the split."""

    splits: dict[str, albums.Labelled]
    cache: Path

    @classmethod
    def of(cls, job: Job, cache: Path, tick: Callable[[float], None]) -> Data:
        found = {split.name: albums.labelled(split.images, job.classes) for split in job.splits}
        if not found:
            raise EngineError("no_splits", "The job has no images.")
        tick(0.0)
        return cls(found, cache)

    def pixels(self, spec: InputSpec, tick: Callable[[float], None]) -> albums.Album:
        """Images of all splits, one after the other."""
        splits = self.splits.values()
        total = sum(len(split.names) for split in splits)
        parts: list[albums.Pixels] = []
        for split in splits:
            done, here = sum(map(len, parts)), len(split.names)

            def tick_of_all(share: float, done: int = done, here: int = here) -> None:
                tick((done + share * here) / total)

            parts.append(albums.pixels(split, spec, self.cache, tick_of_all))
        return albums.Album(tuple(parts))

    def qualities(self, answers: Labels, job: Job) -> dict[str, SplitQuality]:
        ends = np.cumsum([len(split.labels) for split in self.splits.values()])
        parts = np.split(answers, ends[:-1])
        return {
            name: metrics.quality(split.labels, part, job.classes, job.formula.metric)
            for (name, split), part in zip(self.splits.items(), parts, strict=True)
        }


@dataclass
class Stages:
    """Where the evaluation stands: told to the caller at least once a second, and timed."""

    tell: Callable[[Progress], None]
    expected: dict[str, float] = field(default_factory=lambda: dict(STAGES))
    """Seconds of each stage, as far as they can be told; the ones past count no more."""
    seconds: dict[str, float] = field(default_factory=dict)
    name: str = "wait"
    told_at: float = 0.0
    percent: float = 0.0
    share: float = 0.0
    start: float = field(default_factory=time.monotonic)
    stage_start: float = field(default_factory=time.monotonic)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.stage_start = time.monotonic()
        self.name, self.share = name, 0.0
        self.say()
        try:
            yield
        finally:
            self.seconds[name] = time.monotonic() - self.stage_start

    @contextmanager
    def alone(self, job: Job) -> Iterator[None]:
        """The machine for this evaluation; waiting for it is a stage."""
        if job.formula.quality_ref is not None:
            self.expected["reference"] = 0.0
        if job.sample is None:
            self.expected["dry run"] = 0.0
        holding = machine.held(job.lock, lambda: self.tick(0.0))
        with self.stage("wait"):
            holding.__enter__()
        self.start = time.monotonic()
        try:
            yield
        finally:
            holding.__exit__(None, None, None)

    @contextmanager
    def starting(self, job: Job) -> Iterator[parent.Sandbox]:
        """The sandbox, whose start is a stage."""
        with self.stage("start"):
            opening = parent.started(
                job.plan,
                job.limits,
                lambda: self.tick(self.share),
                may_be_weak=job.may_be_weak,
            )
            box = opening.__enter__()
        try:
            yield box
        finally:
            opening.__exit__(None, None, None)

    def expect(self, images: int, job: Job) -> None:
        """Think of the measuring as of one by the reference against itself."""
        if job.pace:
            seconds = images * job.pace.reference_seconds
            self.expected["reference"] = min(self.expected["reference"], seconds)
            self.expected[TIMED_STAGE] = max(1.2 * seconds, min(20.0, job.plan.max_seconds))

    def tick(self, share: float) -> None:
        """Tell how far this stage is, unless that was told a moment ago."""
        self.share = min(1.0, share)
        if time.monotonic() - self.told_at >= PROGRESS_SECONDS:
            self.say()

    def say(self) -> None:
        now = time.monotonic()
        here = now - self.stage_start
        left = max(0.0, self.expected[self.name] - here)
        if self.share > 0.02:
            left = here * (1 - self.share) / self.share
        names = list(STAGES)
        left += sum(self.expected[name] for name in names[names.index(self.name) + 1 :])
        elapsed = now - self.start
        waiting = self.name == "wait"
        # Waiting is no progress, however long it takes.
        percent = 0.0 if waiting else 100 * elapsed / max(elapsed + left, 1e-9)
        self.percent = max(self.percent, percent)
        self.told_at = now
        self.tell(Progress(self.name, round(self.percent, 1), None if waiting else left))
