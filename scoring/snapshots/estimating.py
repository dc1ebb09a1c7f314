"""The checks that need NumPy and SciPy: time ratios from quads, ranges of ranks from answers."""

from __future__ import annotations

import numpy as np

from scoring import timings
from scoring.job import HostNumbers, Plan, Quad
from scoring.quality import doubt, ranging
from scoring.sentences import say
from scoring.snapshots.checking import Check, Tally, is_kept
from scoring.snapshots.contents import (
    Answers,
    Contents,
    Measured,
    quads_of,
    split_of,
    unpacked,
)
from scoring.timing import publication, tally
from scoring.timings import Pace

CLOSE = 1e-6
"""Relative difference that another processor's arithmetic may make. The last published digit is far
larger."""
STEP_OF_A_RANGE = 1
"""Ranks by which the end of a range may differ. Draws are sums of float32 numbers, and the order of
the sum depends on the processor."""


def ratios(contents: Contents) -> Check:
    """Whether the published estimator gives each time ratio and its half-width from the quads."""
    found = Tally("time", say("Time ratios"))
    one_of(found, contents, contents.reference, None)
    for measured in contents.evaluations:
        one_of(found, contents, measured, contents.pace)
    return found.done()


def one_of(found: Tally, contents: Contents, measured: Measured, pace: Pace | None) -> None:
    where = f"evaluation {measured.evaluation}"
    if is_kept(found, contents, measured):
        return
    if not measured.quads:
        found.leave(say("Some evaluations have no quads in this file."))
        return
    plan = Plan(
        published="corrected" if measured.estimator == "corrected" else "plain",
        host=HostNumbers(between_runs_sd=measured.between_runs_sd),
    )
    used = tally.counted(quads_of(measured, contents.quad_columns))
    estimate = publication.published(used, plan, pace)
    found.expect(
        near(measured.time_ratio, estimate.ratio, timings.published_ratio),
        say(
            "%(where)s: the quads give the time ratio %(found)s, not %(told)s.",
            where=where,
            found=f"{estimate.ratio:.4f}",
            told=f"{measured.time_ratio:g}",
        ),
    )
    found.expect(
        near(measured.half_width, estimate.half_width, timings.published_half_width),
        say(
            "%(where)s: the quads give the half-width %(found)s, not %(told)s.",
            where=where,
            found=f"{estimate.half_width:.2g}",
            told=f"{measured.half_width:g}",
        ),
    )


def near(told: float, found: float, rounded: timings.Rounding) -> bool:
    """Whether `told` is `found` after rounding. `found` may be off by `CLOSE`."""
    return any(rounded(found * (1 + shift)) == told for shift in (0.0, CLOSE, -CLOSE))


def pace(contents: Contents) -> Check:
    """Whether the calibration's quads give its pace."""
    from scoring.timing import calibration

    found = Tally("pace", say("Pace of the reference"))
    if contents.pace is None or not contents.reference.quads:
        found.leave(say("Some evaluations have no quads in this file."))
        return found.done()
    used: list[Quad] = tally.counted(quads_of(contents.reference, contents.quad_columns))
    expected = (
        tally.per_image(used)[0],
        tally.probe_seconds(used),
        *calibration.reference_noise(used),
    )
    told = (
        contents.pace.reference_seconds,
        contents.pace.probe_seconds,
        *contents.pace.reference_scatter,
    )
    for one, other in zip(expected, told, strict=True):
        found.expect(
            bool(np.isclose(one, other, rtol=CLOSE, atol=1e-12)),
            say("The quads of the calibration give another pace."),
        )
    return found.done()


def ranges(contents: Contents) -> Check:
    """Whether the answers to the public split give each range of a public rank, also in tracks."""
    found = Tally("ranges", say("Ranges of ranks"))
    if contents.answers is None:
        found.leave(say("The organizers did not release the answers."))
        return found.done()
    if all(row.likely_first is None for row in contents.boards["public"]):
        found.leave(say("No range was computed before the file was made."))
        return found.done()
    for name in contents.names:
        if split_of(name) == "public":
            ranges_of(found, contents, contents.answers, name)
    return found.done()


def ranges_of(found: Tally, contents: Contents, released: Answers, name: str) -> None:
    """Those of one board. A track of very many teams has none."""
    measured = contents.measured
    ranked = [row for row in contents.boards[name] if row.rank is not None][: ranging.MOST]
    if all(row.likely_first is None for row in ranked):
        return
    keys = [measured[row.evaluation].answers for row in ranked]
    given = [released.models.get(key or "", {}).get("public") for key in keys]
    expected = ranging.ranges(
        [
            ranging.Ranked(key if known else None, row.score, row.quality, row.score_half_width)
            for key, known, row in zip(keys, given, ranked, strict=True)
        ],
        lambda firsts: noise(contents, released, [given[one] for one in firsts]),
        quality_ref=contents.formula.quality_ref or 0.0,
        k=contents.formula.k,
        of_other=contents.data.splits["public"].images
        / max(1, contents.data.splits["private"].images),
    )
    for row, ends in zip(ranked, expected, strict=True):
        told = None if row.likely_first is None else (row.likely_first, row.likely_last or 0)
        found.expect(
            is_close(told, (ends.first, ends.last) if ends else None),
            say(
                "%(board)s #%(rank)d: the answers give another range.",
                board=name,
                rank=row.rank or 0,
            ),
        )


def noise(contents: Contents, released: Answers, given: list[str | None]) -> doubt.Noise:
    """What other images add to the quality of models, (draws, models); 0 for a model without
    answers.

    `given`: the answers of each model, packed.
    """
    classes = len(contents.classes)
    labels = np.array(list(unpacked(released.labels["public"], classes)))
    known = [number for number, text in enumerate(given) if text is not None]
    added = np.zeros((doubt.DRAWS, len(given)), np.float32)
    if known:
        answers = np.array([list(unpacked(text, classes)) for text in given if text is not None])
        drawn = doubt.multipliers(len(labels))
        added[:, known] = doubt.noise(labels, answers, classes, contents.formula.metric, drawn)
    return added


def is_close(told: tuple[int, int] | None, ends: tuple[int, int] | None) -> bool:
    if told is None or ends is None:
        return told == ends
    return all(abs(one - other) <= STEP_OF_A_RANGE for one, other in zip(told, ends, strict=True))
