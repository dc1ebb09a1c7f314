"""How sure a rank is: the images of a test are a sample, and other images order models otherwise.

The influence of image i on a metric Q is phi_i = n dQ / dw_i, where w_i is the image's weight. The
influences of n images sum to 0. Var(Q) = sum phi_i^2 / n^2 is the infinitesimal jackknife; for
macro-F1 it is the delta method of Takahashi et al. 2022, image by image. Differences are paired:
Var(Q_a - Q_b) = sum (phi_i^a - phi_i^b)^2 / n^2. For accuracy this is McNemar's test.

`forecast` draws the ranks on other images by a multiplier bootstrap. Each range holds the rank of
its own model there, at 95 %; it does not hold all ranks of a board at once. It is what boards show.
`benchmarks.doubt` compares it with ranges by pairs (Mogstad, Romano, Shaikh and Wilhelm 2024).
Ranges are too narrow where a class has fewer than 20 images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Noise = npt.NDArray[np.float32]
"""Four bytes are enough for noise. Its matrix product takes half of the time."""
Whole = npt.NDArray[np.integer]

LEVEL = 0.95
"""Share of the draws that a range of `forecast` holds."""
DRAWS = 1000
"""Draws of a forecast. 25 of them lie beyond each end of a range, so that an end is 2.5 % ± 0.5
%."""
BATCH = 256
"""Models whose influences are in memory at once, in `noise`."""


@dataclass(frozen=True)
class Counts:
    """Images by class: those of a label, and for each model those answered and answered right."""

    right: Floats
    labels: Floats
    answered: Floats

    @property
    def images(self) -> float:
        return float(self.labels.sum())


@dataclass(frozen=True)
class Parts:
    """Influences as sums, each part (models, classes).

    phi_i = [answer = label] if_right[label] + by_label[label] + by_answer[answer]
    """

    if_right: Floats
    by_label: Floats
    by_answer: Floats


def macro_f1(counts: Counts) -> Parts:
    """f = 2 right / d with d = labels + answered, for each class; 0 for a class without either."""
    d = counts.labels + counts.answered
    each = counts.images / d.shape[1] * inverse(d)
    f = 2 * counts.right * inverse(d)
    return Parts(2 * each, -each * f, -each * f)


def accuracy(counts: Counts) -> Parts:
    mean = counts.right.sum(axis=1, keepdims=True) / counts.images
    each = np.ones_like(counts.right)
    return Parts(each, -mean * each, 0 * each)


def balanced_accuracy(counts: Counts) -> Parts:
    """The mean recall of the classes that have images."""
    present = np.count_nonzero(counts.labels)
    each = np.broadcast_to(counts.images / present * inverse(counts.labels), counts.right.shape)
    return Parts(each, -each * counts.right * inverse(counts.labels), 0 * each)


INFLUENCES: dict[str, Callable[[Counts], Parts]] = {
    "macro_f1": macro_f1,
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
}
"""For each row of `metrics.METRICS`."""


def influences(labels: Whole, answers: Whole, classes: int, metric: str) -> Floats:
    """Influence of each image on the quality of each model, (models, images).

    `labels` (images,) and `answers` (models, images) are indices into the classes.
    """
    parts = INFLUENCES[metric](counted(labels, answers, classes))
    of_label = np.stack([parts.by_label, parts.by_label + parts.if_right], axis=1)
    found = np.empty(answers.shape)
    # Model by model: the columns of one model stay in the processor's cache.
    for row, answer, of, by_answer in zip(found, answers, of_label, parts.by_answer, strict=True):
        np.take(of, labels + classes * (answer == labels), out=row)
        row += by_answer[answer]
    return found


def counted(labels: Whole, answers: Whole, classes: int) -> Counts:
    right, answered = np.empty((2, len(answers), classes))
    for i, answer in enumerate(answers):
        right[i] = np.bincount(labels[answer == labels], minlength=classes)
        answered[i] = np.bincount(answer, minlength=classes)
    return Counts(right, np.bincount(labels, minlength=classes).astype(float), answered)


def inverse(counts: Floats) -> Floats:
    """1 / counts, and 0 where there is nothing."""
    return np.divide(1.0, counts, out=np.zeros_like(counts), where=counts > 0)


@dataclass(frozen=True)
class Scores:
    """Models on one exam, a column for each fact. A lower score is better."""

    score: Floats
    slope: Floats
    """d score / d quality, of `formula.quality_slope`: influences times slope are on the score."""
    clock: Floats
    """The standard error of the score by its measured time."""


@dataclass(frozen=True)
class Ranges:
    """First and last rank of each model."""

    first: Whole
    last: Whole


def paired_errors(phi: Floats, scores: Scores) -> Floats:
    """Standard errors of the differences of all pairs of scores, (models, models).

    `phi` are influences on the quality.
    """
    psi = scores.slope[:, None] * phi / phi.shape[1]
    products, clock = psi @ psi.T, scores.clock**2
    own = np.diag(products)
    by_images = np.maximum(own[:, None] + own - 2 * products, 0.0)  # rounding goes below 0
    return np.asarray(np.sqrt(by_images + clock[:, None] + clock))


@lru_cache(maxsize=2)
def multipliers(images: int, *, draws: int = DRAWS, seed: int = 0) -> Noise:
    """One N(0, 1) number for each draw and image. All models of an exam need the same ones."""
    return np.random.default_rng(seed).standard_normal((draws, images), dtype=np.float32)


def noise(labels: Whole, answers: Whole, classes: int, metric: str, drawn: Noise) -> Noise:
    """What other images of the same number add to the quality of each model, (draws, models)."""
    found = np.empty((len(drawn), len(answers)), np.float32)
    for start in range(0, len(answers), BATCH):
        part = slice(start, start + BATCH)
        phi = influences(labels, answers[part], classes, metric) / len(labels)
        found[:, part] = drawn @ phi.astype(np.float32).T
    return found


def forecast(
    scores: Scores, added: Noise, *, of_other: float = 1.0, sizes: Whole | None = None
) -> Ranges:
    """Ranks on other images that 95 % of the draws of `noise` stay within.

    `of_other`: images of this exam for each image of the other one. The noise of both exams counts.
    `sizes`: how many teams share each model; the ranks are those of the first of them.
    """
    draws, models = added.shape
    clock = np.random.default_rng(draws).standard_normal((draws, models), dtype=np.float32)
    clock *= scores.clock.astype(np.float32)
    slope = (scores.slope * np.sqrt(1 + of_other)).astype(np.float32)
    drawn = ranks(scores.score.astype(np.float32) + slope * added + clock, sizes)
    beyond = round(draws * (1 - LEVEL) / 2)
    ends = np.partition(np.ascontiguousarray(drawn.T), (beyond, draws - 1 - beyond), axis=1)
    return Ranges(ends[:, beyond], ends[:, draws - 1 - beyond])


def ranks(drawn: npt.NDArray[np.floating], sizes: Whole | None = None) -> Whole:
    """The rank of each score in its draw, (draws, models)."""
    in_order = np.argsort(drawn, axis=1)
    if sizes is None:
        at = np.broadcast_to(np.arange(1, drawn.shape[1] + 1, dtype=np.int32), drawn.shape)
    else:
        taken = sizes.astype(np.int32)[in_order]
        at = 1 + np.cumsum(taken, axis=1, dtype=np.int32) - taken
    found = np.empty(drawn.shape, np.int32)
    np.put_along_axis(found, in_order, at, axis=1)
    return found
