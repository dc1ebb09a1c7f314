"""Reports and progress for people at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from scoring import formula
from scoring.job import HostNumbers, Job, Progress, Report, SplitQuality, Trial
from scoring.quality import metrics


def table(report: Report, job: Job) -> str:
    """A report for people, with the terms of each score."""
    if report.failure:
        said = f"\n{report.dry_run.output}" if report.dry_run else ""
        return f"failed: {report.failure.code}\n{report.failure.message}{said}".rstrip()
    timing, quality_ref = report.timing, report.quality_ref
    assert timing is not None
    assert quality_ref is not None
    assert report.model is not None
    weight, label = job.formula.time_weight, str(metrics.METRICS[job.formula.metric].label)
    wide = max(10, len(label) + 2)
    width = formula.half_width(timing.half_width, weight)
    lines = [
        f"{'split':10}{'images':>8}{label:>{wide}}{'accuracy':>10}{'score':>10}  = time + quality",
        *(
            row(name, one, timing.time_ratio, quality_ref, job)
            for name, one in report.splits.items()
        ),
        "",
        f"score       lower is better, +- {width:.4f} (95 %, from timing)",
        f"time        {weight:g} x {timing.time_ratio:.4f} +- {timing.half_width:.4f} of the "
        f"reference's time; below 1 is faster",
        f"quality     sigmoid({job.formula.k:g} x ({quality_ref:.3f} - {label}))",
        f"per image   {timing.seconds_per_image * 1000:.3f} ms; reference "
        f"{timing.reference_seconds_per_image * 1000:.3f} ms",
        f"measured    {len(timing.quads)} quads in {timing.segments} segments, "
        f"{timing.measured_seconds:.1f} s, {timing.disturbed_share:.0%} disturbed",
        f"model       {report.model.parameters:,} parameters, {report.model.bytes:,} bytes",
        f"machine     {report.hardware['cpu']}, {report.hardware['threads']} of "
        f"{report.hardware['cores']} cores used",
        f"host        {host_line(report.host or HostNumbers())}",
        f"took        {sum(report.stages.values()):.1f} s: "
        + ", ".join(f"{name} {seconds:.1f}" for name, seconds in report.stages.items()),
    ]
    return "\n".join(lines + [f"note        {flag}" for flag in timing.flags])


def host_line(host: HostNumbers) -> str:
    """The numbers of the host by which time was measured."""
    source = "measured here" if host.is_measured else "the defaults, not measured here"
    return (
        f"at most {1e6 * host.most_empty_seconds:.0f} us of an empty turn and "
        f"{1e6 * host.most_idle_seconds:.0f} us of waking up are subtracted ({source})"
    )


def row(name: str, quality: SplitQuality, ratio: float, quality_ref: float, job: Job) -> str:
    """The line of one split."""
    found = formula.score(
        quality.quality,
        ratio,
        quality_ref=quality_ref,
        k=job.formula.k,
        time_weight=job.formula.time_weight,
    )
    wide = max(10, len(str(metrics.METRICS[job.formula.metric].label)) + 2)
    gate = "  below the gate" if quality.quality < job.formula.min_quality else ""
    return (
        f"{name:10}{quality.images:>8,}{quality.quality:>{wide}.4f}{quality.accuracy:>10.4f}"
        f"{quality.score:>10.4f}  = "
        + " + ".join(f"{term:.4f}" for term in found.terms.values())
        + gate
    )


def trial_table(trial: Trial, metric: str) -> str:
    """The outcome of a try for people; `metric` is the name of what was counted as quality."""
    if trial.failure:
        said = f"\n{trial.dry_run.output}" if trial.dry_run else ""
        return f"failed: {trial.failure.code}\n{trial.failure.message}{said}".rstrip()
    assert trial.quality
    assert trial.seconds_per_image is not None
    label = str(metrics.METRICS[metric].label)
    wide = max(12, len(label) + 2)
    accuracy = "" if metric == "accuracy" else f", accuracy {trial.quality.accuracy:.4f}"
    lines = [
        f"{'passed':{wide}}{trial.quality.images:,} images, each answered twice in fresh processes",
        f"{label:{wide}}{trial.quality.quality:.4f}{accuracy}",
        f"{'per image':{wide}}about {trial.seconds_per_image * 1000:.3g} ms on this machine; a "
        "board counts the time relative to the reference",
    ]
    if trial.dry_run and trial.dry_run.output:
        lines.append(
            f"Output on the first images ({trial.dry_run.images}):\n{trial.dry_run.output}"
        )
    return "\n".join(lines).rstrip()


@contextmanager
def progress_line() -> Iterator[Callable[[Progress], None]]:
    """A function that prints progress on stderr: in one line on a terminal, else line by line."""
    live = sys.stderr.isatty()
    told = ""

    def tell(progress: Progress) -> None:
        nonlocal told
        left = progress.remaining_seconds
        rest = "" if left is None else f", about {left:.0f} s left"
        line = f"{progress.percent:3.0f} %  {progress.stage}{rest}"
        if live:
            print(f"\r\x1b[2K{line}", end="", file=sys.stderr, flush=True)
        elif progress.stage != told:
            print(line, file=sys.stderr, flush=True)
        told = progress.stage

    try:
        yield tell
    finally:
        if live:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
