"""Quality of answers: scikit-learn's figures over all classes of the competition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

from scoring.job import ClassQuality, SplitQuality

Labels = npt.NDArray[np.int64]


def quality(labels: Labels, answers: Labels, classes: Sequence[str]) -> SplitQuality:
    """Quality of `answers` (N,) against `labels` (N,), both indices into `classes`."""
    every = list(range(len(classes)))
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, answers, labels=every, zero_division=0
    )
    return SplitQuality(
        images=len(labels),
        f1=float(f1_score(labels, answers, labels=every, average="macro", zero_division=0)),
        accuracy=float(np.mean(labels == answers)),
        per_class={
            name: ClassQuality(float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
            for i, name in enumerate(classes)
        },
        confusion=tuple(
            tuple(int(count) for count in row)
            for row in confusion_matrix(labels, answers, labels=every)
        ),
    )
