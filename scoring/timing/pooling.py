"""Quads of several measurings of the same content stand in one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scoring.job import Quad


def pooled(
    earlier: Sequence[Quad], new: Sequence[Quad], *, gap_seconds: float = 0.0
) -> tuple[Quad, ...]:
    """Earlier and new quads in one row, as if the measuring had gone on after `gap_seconds`.

    Numbers of segments and times of the new quads go on from the last earlier ones.
    """
    if not earlier:
        return tuple(new)
    segment = max(quad.segment for quad in earlier)
    last = max(earlier, key=lambda quad: quad.at_seconds)
    end = last.at_seconds + last.reference_seconds + last.submission_seconds + gap_seconds
    return (
        *earlier,
        *(
            replace(quad, segment=quad.segment + segment, at_seconds=quad.at_seconds + end)
            for quad in new
        ),
    )


def from_zero(quads: Sequence[Quad]) -> tuple[Quad, ...]:
    """Quads of one measuring, in order: the first begins at 0 seconds, segments count from 1."""
    ordered = sorted(quads, key=lambda quad: quad.at_seconds)
    segments = sorted({quad.segment for quad in quads})
    number = {segment: n for n, segment in enumerate(segments, start=1)}
    return tuple(
        replace(
            quad,
            at_seconds=quad.at_seconds - ordered[0].at_seconds,
            segment=number[quad.segment],
        )
        for quad in ordered
    )
