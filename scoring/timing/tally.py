"""Facts of quads: seconds per image, their logarithms, and which quads count."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scoring.job import Quad
from scoring.timing import robust

Floats = npt.NDArray[np.float64]

STEADY_CPU_SHARE = 0.97
"""A quad is disturbed if its reference had the CPU for less than this share of its time."""
MAX_DROPPED = 1 / 3
"""Most of the quads, as a share, that may lose their time for being disturbed."""


def per_image(quads: Sequence[Quad]) -> tuple[float, float]:
    """Seconds per image of the reference and of the submission, over these quads."""
    reference = sum(q.reference_seconds for q in quads) / sum(q.reference_images for q in quads)
    submission = sum(q.submission_seconds for q in quads) / sum(q.submission_images for q in quads)
    return reference, submission


def logs_per_image(quads: Sequence[Quad]) -> tuple[Floats, Floats]:
    """log R (N,) and log S (N,): logarithms of each quad's seconds per image."""
    reference, submission = np.log([per_image([quad]) for quad in quads]).T
    return reference, submission


def log_ratio(quads: Sequence[Quad]) -> float:
    """log(S / R) of the sums over these quads."""
    reference, submission = per_image(quads)
    return math.log(submission / reference)


def log_ratios(quads: Sequence[Quad]) -> Floats:
    """log(S / R) of each quad (N,)."""
    return np.array([log_ratio([quad]) for quad in quads])


def probe_seconds(quads: Sequence[Quad]) -> float:
    """Geometric trimmed mean of the quads' probes in seconds; 0 if no quad has a probe."""
    probes = [quad.probe_seconds for quad in quads if quad.probe_seconds > 0]
    return math.exp(robust.trimmed_mean(np.log(probes))) if probes else 0.0


def measured_seconds(quads: Sequence[Quad]) -> float:
    """Timed seconds of both models. Blocks beside no reference are not included."""
    return sum(quad.reference_seconds + quad.submission_seconds for quad in quads)


def alone_seconds(quads: Sequence[Quad]) -> float:
    """Timed seconds of the submission's blocks beside no reference."""
    return sum(quad.alone_seconds for quad in quads)


def reference_cpu_share(quad: Quad) -> float:
    """CPU seconds / wall seconds of the reference's blocks."""
    return quad.reference_cpu_seconds / quad.reference_seconds


def counted(quads: Sequence[Quad]) -> list[Quad]:
    """The quads whose time counts.

    Disturbed quads are left out, the most disturbed first, up to `MAX_DROPPED` of all quads.
    """
    disturbed = sorted((q for q in quads if q.disturbed), key=reference_cpu_share)
    dropped = {id(quad) for quad in disturbed[: int(MAX_DROPPED * len(quads))]}
    return [quad for quad in quads if id(quad) not in dropped]


def ratio(quad: Quad) -> float:
    """Time ratio of one quad: submission seconds per image over reference seconds per image."""
    reference, submission = per_image([quad])
    return submission / reference
