"""How often a model is refused if its answers differ when it is asked again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from scoring.errors import ModelFailed
from scoring.timing import repeats
from tests.scoring.invented import Processes

EVALUATIONS = 60


def flipping(share: float, seed: int) -> Callable[[int], int]:
    """The label of an image. Two answers to one image differ with the probability `share`."""
    random = np.random.default_rng(seed)
    return lambda number: 10 if random.random() < share / 2 else number % 10


def refused(share: float, images: int = 1300, seconds: float = 0.02) -> int:
    """How many of `EVALUATIONS` are refused. Clocks are invented, and one long pass answers all
    images."""
    return sum(
        is_refused(
            Processes(0.005, seconds, about_submission={"label": flipping(share, seed)}), images
        )
        for seed in range(EVALUATIONS)
    )


def is_refused(processes: Processes, images: int) -> bool:
    try:
        processes.run(images)
    except ModelFailed as failure:
        return failure.code == "answers_change"
    return False


def test_who_changes_one_per_cent_is_refused_nine_times_in_ten() -> None:
    # Three standard errors below 90 % are 78 %; a fixed sample of 64 images found 13 %.
    assert refused(0.01) >= 0.78 * EVALUATIONS


def test_who_changes_what_rounding_may_is_not_refused() -> None:
    assert refused(0.001) == 0


@pytest.mark.parametrize(("share", "most"), [(0.001, 1e-4), (0.0001, 1e-5), (0.00001, 1e-7)])
def test_the_chance_of_a_false_alarm_is_tiny_however_long_one_looks(
    share: float, most: float
) -> None:
    assert chances(share, looks=2_000).refused <= most


@pytest.mark.parametrize("share", [0.01, 0.02, 0.05, 0.2])
def test_the_power_is_what_is_stated(share: float) -> None:
    found = chances(share, looks=2_000)
    assert found.cleared <= repeats.MISSED
    assert found.refused >= 1 - repeats.MISSED


def test_who_is_cleared_was_asked_about_255_images_and_a_change_asks_for_as_many() -> None:
    assert repeats.lacking(0, 0) == 255
    assert repeats.lacking(255, 0) == 0
    assert 250 <= repeats.lacking(255, 1) <= 260


def test_of_few_images_all_are_asked_again_once() -> None:
    processes = Processes(0.2, 0.5)
    assert processes.run(100).answers_compared == 100
    assert len(processes.samples) == 1


def test_dropout_is_seen_with_few_images() -> None:
    asked: dict[int, int] = {}

    def another(number: int) -> int:
        asked[number] = asked.get(number, -1) + 1
        return asked[number]

    for images in (4, 30, 300):
        asked.clear()
        assert is_refused(Processes(0.2, 0.5, about_submission={"label": another}), images), images


def test_one_image_at_a_tie_is_forgiven_however_often_it_flips() -> None:
    random = np.random.default_rng(0)
    tie = Processes(
        0.001, 0.001, about_submission={"label": lambda n: int(random.integers(2)) if n == 7 else n}
    )
    measured = tie.run(100)
    assert measured.answers_changed == 1
    assert measured.answers_compared > 1000


class Chances:
    """What becomes of a model after any number of comparisons, by dynamic programming."""

    refused = 0.0
    cleared = 0.0


def chances(share: float, looks: int) -> Chances:
    """The chances of a model that changes this share of its answers.

    A cleared model is still watched for changes. So `refused` includes models that were cleared
    before.
    """
    found, most = Chances(), 200
    undecided, cleared = np.zeros(most), np.zeros(most)
    undecided[0] = 1.0
    for compared in range(1, looks + 1):
        for chance in (undecided, cleared):
            chance[1:] = chance[1:] * (1 - share) + chance[:-1] * share
            chance[0] *= 1 - share
        likely = [k for k in range(most) if undecided[k] + cleared[k] > 1e-12]
        for changed in likely:
            if repeats.is_changing(compared, changed):
                found.refused += undecided[changed] + cleared[changed]
                undecided[changed] = cleared[changed] = 0.0
            elif not repeats.lacking(compared, changed):
                found.cleared += undecided[changed]
                cleared[changed] += undecided[changed]
                undecided[changed] = 0.0
        if undecided.sum() < 1e-9 and share >= repeats.CAUGHT:
            break
    return found
