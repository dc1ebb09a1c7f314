import pytest

from scoring import formula


def test_the_reference_itself_scores_one() -> None:
    assert formula.score(0.7, 1.0, f1_ref=0.7) == 1.0


def test_faster_and_better_are_lower() -> None:
    assert formula.score(0.7, 0.9, f1_ref=0.7) < 1 < formula.score(0.69, 1.0, f1_ref=0.7)


@pytest.mark.parametrize("k", [20.0, 1e6])
def test_no_figure_overflows(k: float) -> None:
    assert formula.score(0.0, 0.0, f1_ref=1.0, k=k) == pytest.approx(1.0)
    assert formula.score(1.0, 0.0, f1_ref=0.0, k=k) == pytest.approx(0.0, abs=1e-8)


def test_doing_nothing_is_as_good_as_the_reference_without_a_gate() -> None:
    counts = [594, 501, 482, 410, 403, 137]
    assert formula.do_nothing_f1(counts) == pytest.approx(0.0634, abs=1e-4)
    nothing = formula.score(formula.do_nothing_f1(counts), 0.0, f1_ref=0.7)
    assert nothing == pytest.approx(1.0, abs=1e-4)


def test_the_interval_of_the_score_is_that_of_time_by_its_weight() -> None:
    assert formula.half_width(0.02, 0.5) == 0.01
