"""Published rows of the contest that this service reproduces: k 20, quality_ref 0.700, 43.165 s."""

import pytest

from scoring import formula

REFERENCE_SECONDS = 43.165

EXACT = [
    # score, F1, seconds
    (1.1950, 0.7000, 60.0000),
    (0.9875, 0.7478, 61.2576),
    (0.9710, 0.7520, 61.2576),
    (1.5207, 0.6484, 67.6218),
    (1.0503, 0.7531, 68.5204),
    (1.1415, 0.7194, 63.6555),
    (1.1732, 0.7005, 58.3412),
    (1.1676, 0.7012, 58.1225),
    (1.1804, 0.6986, 58.1225),
    (1.2388, 0.6897, 59.3327),
    (1.2195, 0.6936, 59.3327),
]
SHOWN_WITH_THREE_DECIMALS = [
    (1.5460, 0.6880, 84.9850),
    (1.7950, 0.6530, 92.9260),
    (1.2950, 0.6870, 63.0780),
    (1.4730, 0.6170, 54.5650),
]


@pytest.mark.parametrize(("published", "f1", "seconds"), EXACT)
def test_complete_rows_come_out(published: float, f1: float, seconds: float) -> None:
    score = formula.score(f1, seconds / REFERENCE_SECONDS, quality_ref=0.7).total
    assert score == pytest.approx(published, abs=0.0006)


@pytest.mark.parametrize(("published", "f1", "seconds"), SHOWN_WITH_THREE_DECIMALS)
def test_rounded_rows_come_out_roughly(published: float, f1: float, seconds: float) -> None:
    score = formula.score(f1, seconds / REFERENCE_SECONDS, quality_ref=0.7).total
    assert score == pytest.approx(published, abs=0.002)
