import pytest

from scoring import formula
from scoring.quality.metrics import METRICS


def test_the_reference_itself_scores_one() -> None:
    assert formula.score(0.7, 1.0, quality_ref=0.7).total == 1.0


def test_a_score_is_the_sum_of_its_named_terms() -> None:
    score = formula.score(0.7, 0.8, quality_ref=0.7)
    assert score.terms == {"time": 0.4, "quality": 0.5}
    assert score.total == 0.9


def test_faster_and_better_are_lower() -> None:
    faster = formula.score(0.7, 0.9, quality_ref=0.7).total
    worse = formula.score(0.69, 1.0, quality_ref=0.7).total
    assert faster < 1 < worse


@pytest.mark.parametrize("k", [20.0, 1e6])
def test_no_figure_overflows(k: float) -> None:
    assert formula.score(0.0, 0.0, quality_ref=1.0, k=k).total == pytest.approx(1.0)
    assert formula.score(1.0, 0.0, quality_ref=0.0, k=k).total == pytest.approx(0.0, abs=1e-8)


def test_doing_nothing_is_as_good_as_the_reference_without_a_gate() -> None:
    counts = [594, 501, 482, 410, 403, 137]
    idle = METRICS["macro_f1"].of_one_answer(counts)
    assert idle == pytest.approx(0.0634, abs=1e-4)
    assert formula.score(idle, 0.0, quality_ref=0.7).total == pytest.approx(1.0, abs=1e-4)


def test_the_interval_of_the_score_is_that_of_time_by_its_weight() -> None:
    assert formula.half_width(0.02, 0.5) == 0.01


def test_the_quality_at_a_term_is_the_one_that_gives_it() -> None:
    for term in (0.001, 0.3, 0.5, 0.99):
        quality = formula.quality_at(term, quality_ref=0.7, k=15)
        assert formula.quality_term(quality, quality_ref=0.7, k=15) == pytest.approx(term)
    assert formula.quality_at(0.0, quality_ref=0.7) is None
    assert formula.quality_at(1.2, quality_ref=0.7) is None
    assert formula.quality_at(0.5, quality_ref=0.7, k=0) is None
