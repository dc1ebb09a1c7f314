"""Invented contests: the truth about each model is known, because it answers many more images.

Models agree as real ones do. Some images are hard for all of them, some for a family of them, and
many of the wrong answers are the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scoring import formula
from scoring.quality import doubt
from scoring.quality.power import SURE
from scoring.specs import Formula

Floats = npt.NDArray[np.float64]
SHARES = np.array([594, 501, 482, 410, 403, 137]) / 2527
"""Shares of the six classes of TrashNet."""
TRUTH = 20_000
"""Images that tell the true quality of a model."""
CLOCK = 0.015
"""Half width of a time ratio's interval, relative to the ratio."""


@dataclass(frozen=True)
class Kind:
    """How the models of a contest differ."""

    models: int = 40
    skill: float = 0.1
    """Standard deviation of a model's skill, where 1 is that of the difficulty of its images.
    Their F1 has about a third of it."""
    times: float = 0.3
    """Standard deviation of the logarithm of the time ratios."""
    alike: float = 0.7
    """Share of an image's difficulty that all models have in common."""


KINDS = {
    "as the seed's contest": Kind(),
    "closer together": Kind(skill=0.05, times=0.1),
    "further apart": Kind(skill=0.3, times=0.5),
    "less alike": Kind(alike=0.2),
}


@dataclass(frozen=True)
class Exam:
    """The images of one split, and the models' answers to them."""

    labels: npt.NDArray[np.int64]
    answers: npt.NDArray[np.int64]
    qualities: Floats


@dataclass(frozen=True)
class Contest:
    """Two exams, drawn from the same images as the truth. Scores are by the default formula."""

    public: Exam
    private: Exam
    truth: Exam
    times: Floats
    measured: Floats
    reference: float

    def scores(self, exam: Exam, times: Floats) -> Floats:
        return np.array([self.score(*one) for one in zip(exam.qualities, times, strict=True)])

    def score(self, quality: float, time: float) -> float:
        return formula.score(quality, time, quality_ref=self.reference).total

    @property
    def known(self) -> doubt.Scores:
        """The models as they are known when the public board is shown."""
        slopes = [
            formula.quality_slope(one, quality_ref=self.reference) for one in self.public.qualities
        ]
        clock = Formula().time_weight * CLOCK * self.times / SURE
        return doubt.Scores(self.scores(self.public, self.measured), np.array(slopes), clock)


def invented(
    kind: Kind, random: np.random.Generator, *, public: int = 2611, private: int = 2606
) -> Contest:
    labels = random.choice(len(SHARES), public + private + TRUTH, p=SHARES)
    answers = answered(kind, labels, random)
    times = np.exp(kind.times * random.standard_normal(kind.models) - 0.4)
    first, second, rest = (
        exam(labels[part], answers[:, part])
        for part in (slice(public), slice(public, public + private), slice(public + private, None))
    )
    measured = times * (1 + CLOCK / SURE * random.standard_normal(kind.models))
    return Contest(
        first, second, rest, times, measured, round(float(np.median(first.qualities)), 3)
    )


def answered(
    kind: Kind, labels: npt.NDArray[np.int64], random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Answers: a model is right if its skill exceeds the difficulty of the image."""
    images, classes = len(labels), len(SHARES)
    hard = np.sqrt(kind.alike) * random.standard_normal(images)
    families = random.standard_normal((8, images))
    usual = (labels + random.integers(1, classes, images)) % classes
    found = np.empty((kind.models, images), np.int64)
    for row in found:
        own = families[random.integers(len(families))] + random.standard_normal(images)
        difficulty = hard + np.sqrt((1 - kind.alike) / 2) * own
        of_class = 0.1 * random.standard_normal(classes)
        skill = 0.68 + kind.skill * random.standard_normal() + of_class[labels]
        other = (labels + random.integers(1, classes, images)) % classes
        wrong = np.where(random.random(images) < 0.6, usual, other)
        row[:] = np.where(skill > difficulty, labels, wrong)
    return found


def exam(labels: npt.NDArray[np.int64], answers: npt.NDArray[np.int64]) -> Exam:
    counts = doubt.counted(labels, answers, len(SHARES))
    f1 = 2 * counts.right / (counts.labels + counts.answered)
    return Exam(labels, answers, f1.mean(axis=1))
