"""Every row of the table of metrics: its value, and the value of a model that answers one class
only."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from scoring.quality import metrics

CLASSES = ("Glass", "Metal", "Paper", "Plastic")
COUNTS = (70, 20, 9, 1)
LABELS = np.repeat(np.arange(len(CLASSES)), COUNTS)
EXPECTED = {
    "macro_f1": lambda labels, answers: f1_score(labels, answers, average="macro"),
    "accuracy": accuracy_score,
    "balanced_accuracy": balanced_accuracy_score,
}


def test_the_table_has_no_metric_without_a_check() -> None:
    assert set(EXPECTED) == set(metrics.METRICS)


@pytest.mark.parametrize("metric", metrics.METRICS)
def test_a_models_quality_is_its_value(metric: str) -> None:
    answers = np.random.default_rng(20).integers(0, len(CLASSES), len(LABELS))
    found = metrics.quality(LABELS, answers, CLASSES, metric)
    assert found.quality == pytest.approx(EXPECTED[metric](LABELS, answers), abs=1e-12)
    assert found.accuracy == accuracy_score(LABELS, answers)


@pytest.mark.parametrize("metric", metrics.METRICS)
def test_one_answer_to_all_has_the_quality_that_its_gate_is_set_by(metric: str) -> None:
    answers = np.zeros_like(LABELS)
    found = metrics.quality(LABELS, answers, CLASSES, metric).quality
    assert metrics.METRICS[metric].of_one_answer(COUNTS) == pytest.approx(found, abs=1e-12)
    assert metrics.METRICS[metric].of_one_answer([]) == 0.0


def test_a_class_without_images_does_not_count_for_balanced_accuracy() -> None:
    labels = np.array([0, 0, 1, 1])
    answers = np.array([0, 2, 1, 1])
    assert metrics.quality(labels, answers, CLASSES, "balanced_accuracy").quality == 0.75
