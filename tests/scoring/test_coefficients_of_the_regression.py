"""Coefficients of the regression, with invented columns."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scoring.timing import regression, robust, tally


def slope(x: tally.Floats, y: tally.Floats) -> tuple[float, float]:
    """The slope of y on x, drawn towards 1, and its standard error."""
    prior = regression.Prior(np.ones(1), np.eye(1) / 0.3**2)
    found = regression.fitted(x[:, None], y, prior)
    return float(found.mean[0]), math.sqrt(found.covariance[0, 0])


def test_a_slope_nothing_is_known_about_stays_near_one() -> None:
    random = np.random.default_rng(0)
    x = random.normal(0, 0.001, 8)
    found, error = slope(x, random.normal(0, 0.1, 8))
    assert found == pytest.approx(1, abs=0.05)
    assert error == pytest.approx(0.3, rel=0.05)
    assert slope(np.zeros(8), x) == (1.0, 0.3)


def test_one_hiccup_does_not_tilt_the_slope() -> None:
    x = np.linspace(-0.1, 0.1, 20)
    y = 1.4 * x + np.random.default_rng(0).normal(0, 0.002, 20)
    y[-1] += 0.5
    found, _ = slope(x, y)
    assert found == pytest.approx(1.4, abs=0.1)


def test_what_the_reference_does_alone_is_left_out_of_the_ratio() -> None:
    random = np.random.default_rng(0)
    weather, alone = random.normal(0, 0.1, (2, 400))
    found, _ = slope(weather + alone, weather)
    assert found == pytest.approx(0.5, abs=0.1)


def test_what_the_reference_is_known_to_do_alone_does_not_tilt_the_slope() -> None:
    random = np.random.default_rng(0)
    weather = random.normal(0, 0.1, 400)
    one, other = weather + random.normal(0, 0.05, (2, 400))
    known = float(np.std(robust.winsorized(one) - robust.winsorized(other))) / math.sqrt(2)
    prior = regression.Prior(np.ones(1), np.eye(1) / 0.7**2)
    x, y = one[:, None], 1.4 * weather
    tilted = regression.fitted(x, y, prior)
    found = regression.fitted(x, y, prior, noise_sd=known)
    assert tilted.mean[0] < 1.2
    assert found.mean[0] == pytest.approx(1.4, abs=0.08)
    assert found.covariance[0, 0] > tilted.covariance[0, 0]


@pytest.mark.parametrize("own", [0.0, 0.5, 2.0])
def test_a_slope_grows_by_no_more_than_the_data_allow_however_much_is_said_to_be_alone(
    own: float,
) -> None:
    """The submission's times bound the measurement error, so a slope of 1 stays 1.

    At most a third of the variance is subtracted, which multiplies a slope by 1.5.
    """
    random = np.random.default_rng(0)
    weather, probe, alone = random.normal(0, 0.02, (3, 300))
    x = np.column_stack([weather + own * alone, probe])
    prior = regression.Prior(np.ones(2), 1e-6 * np.eye(2))
    tilted = regression.fitted(x, weather, prior)
    found = regression.fitted(x, weather, prior, noise_sd=5.0)
    assert found.mean[0] == pytest.approx(min(1, 1.5 * tilted.mean[0]), abs=0.05)
    assert (np.linalg.eigvalsh(found.covariance) > 0).all()


def test_a_model_that_scatters_by_itself_is_not_taken_for_one_that_the_weather_slows() -> None:
    """With a slope of 1 its ratio would be read far too low, if the machine is slower than
    calibrated."""
    found, taken_at_its_word = [], []
    for seed in range(20):
        random = np.random.default_rng(seed)
        x = np.repeat(random.normal(0, 0.1, 30), 5)  # weather lasts for some quads
        scattered = 0.3 * x + 0.2 * random.integers(0, 2, 150)
        found.append(slope(x, scattered)[0])
        taken_at_its_word.append(scattered.std() / x.std())
    assert np.mean(taken_at_its_word) > 1
    assert np.mean(found) < 0.5  # 0.3, drawn towards 1
