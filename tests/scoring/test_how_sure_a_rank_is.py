"""Other images rank models in another order. The images at hand tell how much."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from benchmarks import contests
from benchmarks import doubt as simulated
from scoring import formula
from scoring.quality import doubt, metrics, ranging
from scoring.quality.doubt import Scores

METRICS = {
    "macro_f1": lambda labels, answers: f1_score(labels, answers, average="macro"),
    "accuracy": accuracy_score,
    "balanced_accuracy": balanced_accuracy_score,
}
CLASSES = 4
LABELS = np.repeat(np.arange(CLASSES), (160, 120, 80, 40))
each_metric = pytest.mark.parametrize("metric", METRICS)


def answers(seed: int, models: int = 1, share: float = 0.7) -> np.ndarray:
    """Answers of one byte, of which about `share` are right."""
    random = np.random.default_rng(seed)
    other = random.integers(0, CLASSES, (models, len(LABELS)))
    right = random.random((models, len(LABELS))) < share
    return np.where(right, LABELS, other).astype(np.uint8)


def alike(seed: int) -> np.ndarray:
    """Two models of which the second changes one answer in ten."""
    random = np.random.default_rng(seed)
    [first], [other] = answers(seed), answers(seed + 1)
    return np.stack([first, np.where(random.random(len(first)) < 0.1, other, first)])


def drawn_again(metric: str, given: np.ndarray, times: int = 200) -> np.ndarray:
    """The metric of each model on images that were drawn again, (times, models)."""
    random = np.random.default_rng(5)
    images = random.integers(0, len(LABELS), (times, len(LABELS)))
    of = METRICS[metric]
    return np.array([[of(LABELS[some], one[some]) for one in given] for some in images])


def test_every_metric_of_the_table_has_its_influences() -> None:
    assert set(doubt.INFLUENCES) == set(METRICS) == set(metrics.METRICS)


@each_metric
def test_influences_sum_to_zero(metric: str) -> None:
    found = doubt.influences(LABELS, answers(1, models=5), CLASSES, metric)
    assert found.shape == (5, len(LABELS))
    assert abs(found.sum(axis=1)).max() < 1e-9


@each_metric
def test_an_influence_is_the_derivative_by_the_weight_of_its_image(metric: str) -> None:
    [given] = answers(2)
    [found] = doubt.influences(LABELS, given[None], CLASSES, metric)
    often = 400  # the weight of an image grows by 1 / often if all images are repeated
    labels, repeated = np.tile(LABELS, often), np.tile(given, often)
    of = metrics.METRICS[metric].of
    before = of(LABELS, given, CLASSES)
    for image in (0, 200, len(LABELS) - 1):
        more = of(np.append(labels, LABELS[image]), np.append(repeated, given[image]), CLASSES)
        derivative = (more - before) * often * len(LABELS)
        assert derivative == pytest.approx(found[image], abs=0.05)


def errors(phi: np.ndarray) -> np.ndarray:
    """The standard errors of qualities, by their influences."""
    return np.sqrt((phi**2).sum(axis=1)) / phi.shape[1]


@each_metric
def test_the_error_of_a_quality_is_that_of_a_bootstrap(metric: str) -> None:
    given = answers(3, models=2)
    phi = doubt.influences(LABELS, given, CLASSES, metric)
    assert errors(phi) == pytest.approx(drawn_again(metric, given).std(axis=0), rel=0.15)


@each_metric
def test_the_error_of_a_difference_is_that_of_a_paired_bootstrap(metric: str) -> None:
    given = alike(4)
    phi = doubt.influences(LABELS, given, CLASSES, metric)
    scores = Scores(np.zeros(2), np.ones(2), np.zeros(2))
    again = drawn_again(metric, given)
    paired = doubt.paired_errors(phi, scores)[0, 1]
    assert paired == pytest.approx((again[:, 0] - again[:, 1]).std(), rel=0.15)
    assert paired < 0.6 * np.sqrt(2) * errors(phi).min()


@each_metric
def test_the_noise_of_a_forecast_has_the_errors_of_the_qualities(metric: str) -> None:
    given = answers(6, models=300)
    drawn = doubt.multipliers(len(LABELS))
    added = doubt.noise(LABELS, given, CLASSES, metric, drawn)
    phi = doubt.influences(LABELS, given, CLASSES, metric)
    assert added.std(axis=0) == pytest.approx(errors(phi), rel=0.12)


def test_a_class_without_images_or_answers_has_no_influence() -> None:
    given = answers(7)
    four, five = (doubt.influences(LABELS, given, n, "macro_f1") for n in (CLASSES, CLASSES + 1))
    assert five == pytest.approx(four * CLASSES / (CLASSES + 1))
    same = doubt.influences(LABELS, given, CLASSES + 1, "balanced_accuracy")
    assert same == pytest.approx(doubt.influences(LABELS, given, CLASSES, "balanced_accuracy"))


@pytest.mark.parametrize("quality", [0.5, 0.7, 0.9])
def test_the_slope_of_the_score_is_its_derivative(quality: float) -> None:
    step = 1e-6
    above, below = (
        formula.quality_term(quality + way * step, quality_ref=0.7, k=12.0) for way in (1, -1)
    )
    slope = formula.quality_slope(quality, quality_ref=0.7, k=12.0)
    assert slope == pytest.approx((above - below) / (2 * step), rel=1e-6)


def test_the_clock_adds_its_variance() -> None:
    given = alike(8)
    phi = doubt.influences(LABELS, given, CLASSES, "accuracy")
    slope, score = np.array([-5.0, -4.0]), np.array([1.0, 1.1])
    still = Scores(score, slope, np.zeros(2))
    clocked = Scores(score, slope, np.array([0.03, 0.04]))
    both = doubt.paired_errors(phi, clocked) ** 2 - doubt.paired_errors(phi, still) ** 2
    assert both[0, 1] == pytest.approx(0.03**2 + 0.04**2)


def test_of_equal_answers_the_faster_model_is_surely_better_if_the_clock_is_sure() -> None:
    given = np.repeat(answers(9), 2, axis=0)
    phi = doubt.influences(LABELS, given, CLASSES, "macro_f1")
    slope = np.full(2, -5.0)
    known = simulated.pair_ranges(phi, Scores(np.array([0.9, 1.0]), slope, np.full(2, 0.01)))
    assert known.first.tolist() == known.last.tolist() == [1, 2]
    same = simulated.pair_ranges(phi, Scores(np.array([1.0, 1.0]), slope, np.zeros(2)))
    assert (same.first.tolist(), same.last.tolist()) == ([1, 1], [2, 2])


def test_models_far_apart_have_one_rank_each() -> None:
    scores = Scores(np.array([0.5, 0.9, 1.5]), np.full(3, -5.0), np.full(3, 0.01))
    given = np.concatenate([answers(11, share=0.9), answers(12), answers(13, share=0.5)])
    phi = doubt.influences(LABELS, given, CLASSES, "macro_f1") / 10
    found = simulated.pair_ranges(phi, scores)
    assert found.first.tolist() == found.last.tolist() == [1, 2, 3]
    added = doubt.noise(LABELS, given, CLASSES, "macro_f1", doubt.multipliers(len(LABELS))) / 10
    drawn = doubt.forecast(scores, added.astype(np.float32))
    assert drawn.first.tolist() == drawn.last.tolist() == [1, 2, 3]


def test_teams_with_one_model_stand_together() -> None:
    scores = Scores(np.array([0.5, 0.9, 1.5]), np.full(3, -5.0), np.full(3, 0.01))
    added = np.zeros((40, 3), np.float32)
    found = doubt.forecast(scores, added, sizes=np.array([2, 3, 1]))
    assert found.first.tolist() == [1, 3, 6]


def test_few_other_images_make_a_forecast_wider() -> None:
    contest = contests.invented(contests.KINDS["closer together"], np.random.default_rng(1))
    exam = contest.public
    added = doubt.noise(
        exam.labels, exam.answers, 6, "macro_f1", doubt.multipliers(len(exam.labels))
    )
    widths = [
        (found.last - found.first).mean()
        for found in (doubt.forecast(contest.known, added, of_other=times) for times in (0, 1, 9))
    ]
    assert widths == sorted(widths)
    assert widths[0] < widths[2]


def test_a_range_comes_with_the_error_of_the_quality_and_what_it_shares_with_the_row_above() -> (
    None
):
    given = np.concatenate([alike(3), answers(9)])
    drawn = doubt.multipliers(len(LABELS))
    added = doubt.noise(LABELS, given, CLASSES, "accuracy", drawn)
    rows = [
        ranging.Ranked(key, score, float((one == LABELS).mean()), 0.01)
        for key, score, one in zip(
            (1, 2, None, 3), (0.5, 0.6, 0.7, 0.8), given[[0, 1, 1, 2]], strict=True
        )
    ]
    first, second, unknown, last = ranging.ranges(
        rows, lambda firsts: added[:, [0, 1, 1, 2]][:, firsts], quality_ref=0.7, k=20, of_other=1
    )
    assert unknown is None
    assert (first.with_above, last.with_above) == (None, None)  # there is no row, or no answers
    for found, row in ((first, rows[0]), (second, rows[1]), (last, rows[3])):
        exact = np.sqrt(row.quality * (1 - row.quality) / len(LABELS))
        assert found.error == pytest.approx(exact, rel=0.1)
    exact = np.cov(given[:2] == LABELS, bias=True)[0, 1] / len(LABELS)
    assert second.with_above == pytest.approx(exact, rel=0.1)


def test_ranges_hold_in_invented_contests() -> None:
    """Only some contests. `benchmarks.doubt` has 500 of each kind."""
    kind = contests.KINDS["closer together"]
    held = [simulated.held(kind, seed) for seed in range(4)]
    assert np.mean([one.true for one in held]) >= 0.93
    assert 0.9 <= np.mean([one.private for one in held]) <= 0.99
