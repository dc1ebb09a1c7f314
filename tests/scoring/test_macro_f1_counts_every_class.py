import numpy as np
import pytest

from scoring.quality import metrics


def test_a_class_never_answered_counts_as_zero() -> None:
    quality = metrics.quality(np.array([0, 0, 1, 2]), np.array([0, 0, 1, 1]), ("a", "b", "c"))
    assert quality.quality == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert quality.accuracy == 0.75
    assert quality.per_class["c"].f1 == 0
    assert quality.per_class["a"].images == 2
    assert quality.confusion == ((2, 0, 0), (0, 1, 0), (0, 1, 0))


def test_a_class_without_images_still_counts() -> None:
    quality = metrics.quality(np.array([0, 1]), np.array([0, 1]), ("a", "b", "c"))
    assert quality.quality == pytest.approx(2 / 3)
