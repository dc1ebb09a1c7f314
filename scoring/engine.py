"""One evaluation, from job to report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from scoring import answering, formats, formula, hardware, pairing
from scoring.errors import BadDataset, Coded, EngineError, ModelFailed, Rejected
from scoring.hidden import HiddenImages, public_quality, workplace
from scoring.images import albums
from scoring.job import (
    TIMED_STAGE,
    Failure,
    InputSpec,
    Job,
    Model,
    Progress,
    Report,
    SplitQuality,
    Timing,
)
from scoring.sandbox import advice, parent
from scoring.sentences import Sentence, say
from scoring.stages import Stages
from scoring.timing import outcome, publication
from scoring.timing.blocks import Labels
from scoring.timing.runner import Entrant, entrant


def evaluate(
    job: Job,
    progress: Callable[[Progress], None] | None = None,
    answered: Callable[[Mapping[str, Labels]], None] | None = None,
) -> Report:
    """Score a submission against the reference; without one, the reference against itself.

    A submission's failure is a report with a code. Raises `EngineError` for a failure of the
    reference, the data or the machine. `progress` is called about twice a second. `answered` gets
    the answers (images,) of a scored model by split. They are as secret as the labels, and no part
    of the report.
    """
    run = Evaluation(job, Stages(progress or (lambda progress: None)))
    try:
        with workplace(job) as cache, run.stages.machine_held(job):
            models = run.check()
            images = run.decode(models, cache)
            with run.entrants(models, images) as entrants, run.sandbox() as box:
                run.dry_run(entrants.submission, box, cache)
                quality_ref = run.quality_ref(entrants.reference, box)
                measured = run.measure(entrants, box)
        run.score(measured, quality_ref)
    except (Rejected, ModelFailed) as failure:
        run.fail(failure)
    except BadDataset as error:
        raise EngineError(error.code, *error.said) from error
    if answered and run.report.status == "scored":
        answered(run.answers)
    return replace(run.report, stages=run.stages.seconds)


@dataclass(frozen=True)
class Models:
    """Static facts of both archives. In a calibration both are the reference's."""

    reference: Model
    submission: Model


@dataclass(frozen=True)
class Entrants:
    """Both models with their images. In a calibration both are the reference."""

    reference: Entrant
    submission: Entrant


@dataclass(frozen=True)
class Measured:
    """A finished measurement, and what kept it fair, in words."""

    measurement: outcome.Measurement
    in_force: tuple[Sentence, ...]


class Evaluation:
    """The steps of one evaluation, in order. Each step adds what it found to the report."""

    def __init__(self, job: Job, stages: Stages) -> None:
        self.job = job
        self.stages = stages
        self.report = Report(
            "failed",
            host=job.plan.host,
            hardware=hardware.fingerprint(job.plan),
            versions=hardware.versions(),
        )
        self.hidden: HiddenImages
        self.answers: Mapping[str, Labels] = {}
        """Of the measured model, by split."""
        self.last_words: str | None = None
        """The end of the output of a dry run that failed."""

    def check(self) -> Models:
        """Inspect both archives. Raises `Rejected`; `EngineError` for the reference."""
        job = self.job
        with self.stages.stage("check"):
            reference = inspected(job, job.reference, is_reference=True)
            submission = inspected(job, job.submission) if job.submission else reference
        self.report = replace(self.report, model=submission)
        return Models(reference, submission)

    def decode(self, models: Models, cache: Path) -> tuple[albums.Album, albums.Album]:
        """The hidden images in the size of the reference and in that of the submission."""
        tick = self.stages.tick
        with self.stages.stage("images"):
            self.hidden = HiddenImages.of(self.job, cache, tick)
            shared = self.hidden.pixels(spec_of(models.reference), lambda share: tick(share / 2))
            own = self.hidden.pixels(
                spec_of(models.submission), lambda share: tick(0.5 + share / 2)
            )
            self.stages.expect(len(own), self.job)
        return shared, own

    @contextmanager
    def entrants(
        self, models: Models, images: tuple[albums.Album, albums.Album]
    ) -> Iterator[Entrants]:
        """Both models, sealed in memory, with their images."""
        job, classes = self.job, len(self.job.classes)
        with (
            entrant(
                job.reference, spec_of(models.reference), images[0], classes, job.limits, True
            ) as reference,
            entrant(
                job.submission or job.reference,
                spec_of(models.submission),
                images[1],
                classes,
                job.limits,
                is_reference=not job.submission,
            ) as submission,
        ):
            yield Entrants(reference, submission)

    @contextmanager
    def sandbox(self) -> Iterator[parent.Sandbox]:
        """The sandbox. The report gets the layers that held, however the body ends."""
        with self.stages.sandbox_started(self.job) as box:
            try:
                yield box
            finally:
                self.report = replace(self.report, isolation=box.isolation())

    def dry_run(self, submission: Entrant, box: parent.Sandbox, cache: Path) -> None:
        """Try the submission, or the reference of a calibration, on a few images of the sample.

        Raises `ModelFailed`; for the reference `EngineError`.
        """
        job = self.job
        if not job.sample:
            return
        with self.stages.stage("dry run"):
            found = answering.dry_run(submission, box, job, job.sample, cache)
        assert self.report.model is not None
        model = self.report.model
        if model.macs is None:
            model = replace(model, macs=found.macs)
        self.report = replace(self.report, dry_run=found.dry_run, model=model)
        if found.failure:
            self.last_words = found.last_words
            raise found.failure

    def quality_ref(self, reference: Entrant, box: parent.Sandbox) -> float:
        """The formula's `quality_ref`: the job's, or the reference's own on the public split."""
        if self.job.formula.quality_ref is not None:
            return self.job.formula.quality_ref
        with self.stages.stage("reference"):
            answers, _ = answering.answer_all(reference, box, self.stages.tick)
        return public_quality(self.hidden.qualities(answers, self.job))

    def measure(self, entrants: Entrants, box: parent.Sandbox) -> Measured:
        """Time both models side by side. Raises `ModelFailed`."""
        job = self.job
        with self.stages.stage(TIMED_STAGE), pairing.clocks_logged(job, self.report.hardware):
            measurement, children = pairing.measured(
                entrants.reference, entrants.submission, box, job, self.stages.tick
            )
        host = replace(job.plan.host, start_seconds=measurement.start_seconds)
        self.report = replace(self.report, host=host)
        return Measured(measurement, pairing.in_force(job, box, children))

    def score(self, measured: Measured, quality_ref: float) -> None:
        """Publish the time ratio and the scores. Raises `ModelFailed` for an unusable time."""
        job = self.job
        with self.stages.stage("score"):
            timing = publication.summary(
                measured.measurement, job.plan, measured.in_force, job.pace, not job.submission
            )
            self.report = replace(self.report, timing=timing)
            verdict = publication.verdict(timing, job.plan)
            if job.submission:
                refuse_unusable_time(verdict, job)
            self.answers = self.hidden.by_split(measured.measurement.answers)
            splits = self.hidden.qualities(measured.measurement.answers, job)
            self.report = replace(
                self.report,
                status="scored" if verdict == "valid" else "invalid",
                quality_ref=quality_ref,
                splits={
                    name: scored(one, timing, quality_ref, job) for name, one in splits.items()
                },
            )

    def fail(self, failure: Coded) -> None:
        """Report a failure, with what its team can do about it."""
        if isinstance(failure, ModelFailed):
            assert self.report.model is not None
            failure = advice.explained(
                failure,
                self.last_words,
                model=self.report.model,
                job=self.job,
                has_run=self.report.dry_run is not None and self.last_words is None,
            )
        self.report = replace(self.report, failure=Failure(failure.code, failure.said))


def inspected(job: Job, path: Path, is_reference: bool = False) -> Model:
    """Static facts of an archive, with the input spec that holds for it.

    Raises `Rejected`; for the reference `EngineError`.
    """
    try:
        return formats.inspect(
            path,
            default=job.input,
            bounds=job.bounds,
            max_unpacked_bytes=job.limits.unpacked_bytes,
            device=job.plan.device,
        ).model
    except Rejected as rejected:
        if is_reference:
            raise EngineError(
                f"reference_{rejected.code}",
                say("The reference model was refused."),
                *rejected.said,
            ) from rejected
        raise


def spec_of(model: Model) -> InputSpec:
    """The input spec of a model that `inspected` returned."""
    assert model.input is not None
    return model.input


def refuse_unusable_time(verdict: str, job: Job) -> None:
    """Raises `ModelFailed` for a time that cannot be published by the submission's fault."""
    if verdict == "time_unstable":
        raise ModelFailed(
            "time_unstable",
            say(
                "The model's time varies too much to be published, although the time of the "
                "reference was steady."
            ),
        )
    if verdict == "too_slow":
        raise ModelFailed(
            "too_slow",
            say(
                "The model is so slow that %(max_seconds)g s of measuring are not enough to "
                "know its time.",
                max_seconds=job.plan.max_seconds,
            ),
        )


def scored(quality: SplitQuality, timing: Timing, quality_ref: float, job: Job) -> SplitQuality:
    """The quality on one split, with its score."""
    weights = {"k": job.formula.k, "time_weight": job.formula.time_weight}
    found = formula.score(quality.quality, timing.time_ratio, quality_ref=quality_ref, **weights)
    return replace(quality, score=found.total)
