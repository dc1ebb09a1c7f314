"""Rank, change since the team's best, what passes the next rank, and the quickest win."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leaderboard.models import Competition, Entry, Submission, Team, User
from leaderboard.services import advice, confusions, prospects, rankings, submissions
from scoring import formula
from tests.leaderboard.conftest import CLASSES, finish, report

FORMULA = {"quality_ref": 0.7, "k": 20.0, "time_weight": 0.5}


def outlook(submission: Submission) -> prospects.Prospect:
    found = prospects.of(Submission.objects.get(pk=submission.pk))
    assert found
    return found


def advised(submission: Submission) -> str:
    return " ".join(advice.of(submission, outlook(submission)))


def test_either_gain_that_is_named_passes_the_next_team(
    scored: Any, team: Team, rivals: Team
) -> None:
    scored(rivals, 1, quality_public=0.80, time_ratio=0.50)
    mine = scored(team, 2, quality_public=0.78, time_ratio=0.55)
    step = outlook(mine).step
    assert step
    assert step.time_ratio_less
    assert step.quality_more
    assert (step.rank, step.team) == (1, rivals)
    faster = formula.score(0.78, 0.55 - step.time_ratio_less, **FORMULA).total
    better = formula.score(0.78 + step.quality_more, 0.55, **FORMULA).total
    assert faster < step.score
    assert better < step.score
    # The step is not larger than needed: a little less does not pass.
    assert formula.score(0.78, 0.5502 - step.time_ratio_less, **FORMULA).total > step.score
    assert formula.score(0.7798 + step.quality_more, 0.55, **FORMULA).total > step.score
    assert step.seconds_less == pytest.approx(0.01 * step.time_ratio_less, rel=0.1)


def test_a_term_that_cannot_pass_the_next_team_alone_is_not_named(
    scored: Any, team: Team, rivals: Team
) -> None:
    scored(rivals, 1, quality_public=0.95, time_ratio=0.1)
    step = outlook(scored(team, 2, quality_public=0.6, time_ratio=2.0)).step
    assert step
    assert (step.time_ratio_less, step.seconds_less, step.quality_more) == (None, None, None)


def test_the_rank_is_the_boards_and_the_leader_has_no_step(
    scored: Any, team: Team, rivals: Team
) -> None:
    first = scored(rivals, 1, quality_public=0.8, time_ratio=0.5)
    second = scored(team, 2, quality_public=0.8, time_ratio=0.5)  # an equal score, sent later
    for submission, rank in ((first, 1), (second, 2)):
        entry = rankings.entry_of(submission.team, "public")
        assert entry
        found = outlook(submission)
        assert (found.rank, found.ranked) == (rankings.rank(entry), 2) == (rank, 2)
    assert outlook(first).step is None
    assert outlook(second).step
    # In the same microsecond, the board goes by the keys of the entries.
    Submission.objects.update(uploaded_at=first.uploaded_at)
    Entry.objects.update(uploaded_at=first.uploaded_at)
    for submission in (first, second):
        entry = rankings.entry_of(submission.team, "public")
        assert outlook(submission).rank == rankings.rank(entry)


def test_a_better_upload_is_compared_with_the_best_before_it(
    scored: Any, team: Team, rivals: Team
) -> None:
    old = scored(team, 1, quality_public=0.70, time_ratio=0.9)
    scored(rivals, 2, quality_public=0.75, time_ratio=0.8)
    new = scored(team, 3, quality_public=0.80, time_ratio=0.5)
    found = outlook(new)
    assert found.is_best
    own = found.comparison.own
    assert (found.rank, own.rank, own.submission_id) == (1, 2, old.pk)
    assert found.comparison.change == pytest.approx(
        new.evaluation.score_public - old.evaluation.score_public
    )
    assert found.comparison.change < 0
    assert found.comparison.is_clear
    again = outlook(old)  # which has a better one beside it now
    assert not again.is_best
    assert again.comparison.own.submission_id == new.pk
    assert again.comparison.change == pytest.approx(-found.comparison.change)
    assert again.step
    assert again.step.team is None
    assert outlook(scored(rivals, 4, quality_public=0.7, time_ratio=0.9)).comparison


def test_a_change_within_the_noise_of_the_clock_is_not_clear(scored: Any, team: Team) -> None:
    scored(team, 1, quality_public=0.7, time_ratio=0.90, half_width=0.02)
    found = outlook(scored(team, 2, quality_public=0.7, time_ratio=0.89, half_width=0.02))
    assert found.comparison.change
    assert found.comparison.change < 0
    assert not found.comparison.is_clear


def test_below_the_gate_there_is_no_rank_and_the_gate_is_the_advice(
    scored: Any, team: Team
) -> None:
    Competition.objects.update(min_quality=0.75)
    mine = scored(Team.objects.get(pk=team.pk), 1, quality_public=0.7, time_ratio=0.1)
    found = outlook(mine)
    assert (found.rank, found.step) == (None, None)
    assert found.quality_to_gate == pytest.approx(0.05)
    assert "F1 must rise by 0.0500" in advised(mine)


def test_a_model_that_passes_the_gate_is_better_than_any_below_it(scored: Any, team: Team) -> None:
    Competition.objects.update(min_quality=0.65)
    team = Team.objects.get(pk=team.pk)
    below = scored(team, 1, quality_public=0.64, time_ratio=0.1)
    passing = scored(team, 2, quality_public=0.70, time_ratio=1.0)
    assert below.evaluation.score_public < passing.evaluation.score_public
    found = outlook(passing)
    assert found.comparison.own.submission_id == below.pk
    beside = found.comparison
    assert (beside.compared, beside.change, beside.is_clear) == ("better", None, True)
    again = outlook(below)
    beside = again.comparison
    assert (again.is_best, beside.compared, beside.change) == (False, "worse", None)
    assert beside.is_clear


def test_an_equal_score_is_neither_better_nor_worse(scored: Any, team: Team) -> None:
    scored(team, 1, quality_public=0.7, time_ratio=0.9)
    found = outlook(scored(team, 2, quality_public=0.7, time_ratio=0.9))
    assert (found.comparison.compared, found.comparison.change) == ("same", 0.0)


def test_the_advice_names_the_term_with_the_larger_gain(
    scored: Any, team: Team, rivals: Team
) -> None:
    scored(rivals, 1, quality_public=0.80, time_ratio=0.40)
    slow = scored(team, 2, quality_public=0.79, time_ratio=0.90)
    assert "slow for its F1" in advised(slow)
    assert "Rivals" in advised(slow)
    assert "4.00 ms per image instead of 9.00 ms" in advised(slow)
    inaccurate = scored(team, 3, quality_public=0.60, time_ratio=0.41)
    assert "inaccurate for its time" in advised(inaccurate)
    assert "0.8000 instead of 0.6000" in advised(inaccurate)
    ahead = scored(team, 4, quality_public=0.85, time_ratio=0.39)
    assert "No other model" in advised(ahead)
    # Both times are ± 0.01. The clock tells them apart from 0.0141 on, as on boards.
    assert "slow for its F1" in advised(scored(team, 5, quality_public=0.80, time_ratio=0.416))
    assert "No other model" in advised(scored(team, 6, quality_public=0.80, time_ratio=0.413))


def test_the_advice_names_what_better_teams_use_and_the_team_has_not_tried(
    scored: Any, team: Team, rivals: Team
) -> None:
    better = scored(rivals, 1, quality_public=0.8, time_ratio=0.4)
    Submission.objects.filter(pk=better.pk).update(format="onnx", number_type="int8")
    assert "ONNX with int8" not in advised(scored(team, 2, quality_public=0.9, time_ratio=0.3))
    mine = scored(team, 3, quality_public=0.7, time_ratio=0.9)
    assert "use ONNX with int8: 1 of 1." in advised(mine)


def test_a_withdrawn_or_unscored_submission_has_no_prospect(
    scored: Any, submit: Any, team: Team, owner: User
) -> None:
    assert prospects.of(submit(team, 1)) is None
    finish(Submission.objects.get().latest_evaluation, report())
    mine = Submission.objects.get()
    submissions.withdraw(submission=mine, by=owner)
    assert prospects.of(Submission.objects.get()) is None


def test_the_confusion_is_the_public_splits_in_whole_per_cent(submit: Any, team: Team) -> None:
    submission = submit(team)
    made = report()
    public = replace(made.splits["public"], confusion=((2, 1, 0), (0, 3, 0), (0, 0, 0)))
    private = replace(made.splits["private"], confusion=((0, 0, 4), (4, 0, 0), (0, 4, 0)))
    splits = {"public": public, "private": private}
    finish(submission.latest_evaluation, replace(made, splits=splits))
    found = confusions.of(Submission.objects.get().evaluation)
    assert found
    assert found.classes == CLASSES
    assert found.rows == [[67, 33, 0], [0, 100, 0], [0, 0, 0]]
    assert [(one.label, one.answer, one.percent) for one in found.worst(3)] == [
        ("Metal", "Paper", 33)
    ]
