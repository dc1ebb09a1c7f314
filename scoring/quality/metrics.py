"""What a competition may count as quality: one table, a row for each metric.

scikit-learn calculates the figures. It and NumPy are imported where they are used, because the site
and the command line read this table and calculate nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scoring.job import ClassQuality, SplitQuality
from scoring.sentences import Sentence, say

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Labels = npt.NDArray[np.int64]
    """Indices into the classes, (images,)."""


@dataclass(frozen=True)
class Metric:
    """One row of the table. Each metric lies between 0 and 1, and higher is better."""

    label: Sentence
    """Its name in texts."""
    short: Sentence
    """Its name in the heading of a column."""
    meaning: Sentence
    of: Callable[[Labels, Labels, int], float]
    """Its value for (labels, answers, number of classes)."""
    of_one_answer: Callable[[Sequence[int]], float]
    """Its value for a model that answers the largest class to every image, by the images of each
    class."""


def macro_f1(labels: Labels, answers: Labels, classes: int) -> float:
    """Mean of the classes' F1; a class that is neither there nor answered counts as 0."""
    from sklearn.metrics import f1_score

    every = range(classes)
    return float(f1_score(labels, answers, labels=list(every), average="macro", zero_division=0))


def accuracy(labels: Labels, answers: Labels, classes: int) -> float:
    """Share of right answers."""
    return float((labels == answers).mean())


def balanced_accuracy(labels: Labels, answers: Labels, classes: int) -> float:
    """Mean of the recalls of those classes that have images."""
    import numpy as np
    from sklearn.metrics import recall_score

    return float(recall_score(labels, answers, labels=np.unique(labels), average="macro"))


def macro_f1_of_one_answer(counts: Sequence[int]) -> float:
    precision = accuracy_of_one_answer(counts)
    return 2 * precision / (1 + precision) / len(counts) if counts else 0.0


def accuracy_of_one_answer(counts: Sequence[int]) -> float:
    return max(counts) / sum(counts) if sum(counts) else 0.0


def balanced_accuracy_of_one_answer(counts: Sequence[int]) -> float:
    present = sum(count > 0 for count in counts)
    return 1 / present if present else 0.0


METRICS = {
    "macro_f1": Metric(
        say("macro-F1"),
        say("F1"),
        say(
            "The mean of the F1 of all classes. A rare class counts as much as a frequent one. "
            "Higher is better."
        ),
        macro_f1,
        macro_f1_of_one_answer,
    ),
    "accuracy": Metric(
        say("accuracy"),
        say("Accuracy"),
        say("The share of correct answers. Higher is better."),
        accuracy,
        accuracy_of_one_answer,
    ),
    "balanced_accuracy": Metric(
        say("balanced accuracy"),
        say("Balanced accuracy"),
        say("The mean of the recall of all classes. Higher is better."),
        balanced_accuracy,
        balanced_accuracy_of_one_answer,
    ),
}
"""By the name that a competition, a job and a report carry."""


def quality(
    labels: Labels, answers: Labels, classes: Sequence[str], metric: str = "macro_f1"
) -> SplitQuality:
    """Quality of `answers` (images,) against `labels` (images,), both indices into `classes`."""
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    every = list(range(len(classes)))
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, answers, labels=every, zero_division=0
    )
    return SplitQuality(
        images=len(labels),
        quality=METRICS[metric].of(labels, answers, len(classes)),
        accuracy=accuracy(labels, answers, len(classes)),
        per_class={
            name: ClassQuality(float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
            for i, name in enumerate(classes)
        },
        confusion=tuple(
            tuple(int(count) for count in row)
            for row in confusion_matrix(labels, answers, labels=every)
        ),
    )
