"""The list with its picture, filters and reasons; notes; the file again; two side by side."""

from __future__ import annotations

from typing import Any

import pytest

from leaderboard.models import Competition, Submission, Team, User
from leaderboard.services import rankings, selections, submissions
from leaderboard.web import progress
from tests.leaderboard.conftest import failure, finish
from tests.leaderboard.web.conftest import text

LIST = "/competitions/waste/submissions/"


@pytest.fixture
def history(scored: Any, submit: Any, team: Team, rivals: Team, owner: User) -> list[Submission]:
    """Three scores and a failure of the team, beside a better team."""
    Competition.objects.update(submissions_per_day=50)
    mine = Team.objects.get(pk=team.pk)
    sent = [
        scored(mine, 1, quality_public=0.70, time_ratio=0.9),
        scored(mine, 2, quality_public=0.80, time_ratio=0.6),
        scored(mine, 3, quality_public=0.75, time_ratio=0.5),
    ]
    broken = submit(mine, 4)
    finish(broken.latest_evaluation, failure())
    scored(rivals, 5, quality_public=0.9, time_ratio=0.3)
    selections.choose(team=mine, submission_ids=[sent[0].pk], by=owner)
    return [*sent, broken]


def test_the_picture_shows_scores_best_selection_and_the_boards_best(
    see: Any, history: list[Submission], owner: User, team: Team
) -> None:
    page = text(see(owner, LIST))
    assert f'Your best: <a href="#sent-{history[1].pk}">' in page
    assert "The board's best: 0.1680 (Rivals)" in page
    drawn = progress.of(team, rankings.entry_of(team, "public"))
    assert drawn
    assert [dot.number for dot in drawn.dots] == [one.pk for one in history[:3]]
    assert [dot.is_best for dot in drawn.dots] == [False, True, False]
    assert [dot.is_selected for dot in drawn.dots] == [True, False, False]
    heights = [dot.y for dot in drawn.dots]
    assert drawn.leader
    assert heights[0] < heights[2] < heights[1] < drawn.leader.y, "a lower score stands lower"
    level, down, last = drawn.best_so_far
    assert level.y1 == level.y2 == heights[0]
    assert down.y2 == last.y1 == last.y2 == heights[1]
    assert all(0 <= dot.x <= 100 for dot in drawn.dots)


def test_one_score_makes_no_picture(see: Any, scored: Any, team: Team, owner: User) -> None:
    scored(team)
    assert progress.of(team, rankings.entry_of(team, "public")) is None
    assert "Scores of your team" not in text(see(owner, LIST))


def test_a_failure_names_its_reason_in_the_row(
    see: Any, history: list[Submission], owner: User
) -> None:
    assert "Expected (1, 3), got (1, 4)." in text(see(owner, LIST))


def test_a_short_list_has_no_filter_until_one_is_set(
    see: Any, history: list[Submission], owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = 'name="state"'
    assert form not in text(see(owner, LIST))
    assert form in text(see(owner, f"{LIST}?state=failed"))
    monkeypatch.setattr("leaderboard.web.submissions.FEW", len(history) - 1)
    assert form in text(see(owner, LIST))


def test_filters_stand_in_the_address(see: Any, history: list[Submission], owner: User) -> None:
    broken = history[3]
    Submission.objects.filter(pk=history[0].pk).update(format="onnx")

    def rows(address: str) -> set[int]:
        page = text(see(owner, LIST + address))
        return {one.pk for one in history if f'<tr id="sent-{one.pk}"' in page}

    assert rows("?state=failed") == {broken.pk, history[0].pk}  # the selection stays in the form
    selections.choose(team=broken.team, submission_ids=[], by=owner)
    assert rows("?state=failed") == {broken.pk}
    assert rows("?state=scored") == {one.pk for one in history[:3]}
    assert rows("?state=scored&format=onnx") == {history[0].pk}
    assert rows("?format=torchscript") == {one.pk for one in history[1:]}
    assert rows("?state=nonsense&format=1") == {one.pk for one in history}
    Submission.objects.filter(pk=history[1].pk).update(branch="narrow-net")
    assert rows("?branch=narrow-net") == {history[1].pk}
    assert rows("?branch=nonsense") == {one.pk for one in history}
    assert "narrow-net" in text(see(owner, history[1].get_absolute_url()))
    assert "No such submission" in text(see(owner, f"{LIST}?state=queued"))
    submissions.withdraw(submission=history[2], by=owner)
    assert rows("?state=withdrawn") == {history[2].pk}
    assert rows("?state=scored") == {one.pk for one in history[:2]}


def test_each_state_of_the_filter_is_that_of_the_row(
    history: list[Submission], submit: Any, team: Team
) -> None:
    waiting = submit(Team.objects.get(pk=team.pk), 6)
    sent = Submission.objects.filter(team=team)
    for state in ("queued", "scored", "failed", "error", "cancelled", "running"):
        expected = {one.pk for one in sent if one.evaluation.state == state}
        assert set(sent.in_state(state).values_list("pk", flat=True)) == expected, state
    assert sent.in_state("queued").get() == waiting


def test_a_note_is_edited_by_its_team_alone(
    see: Any, send: Any, history: list[Submission], owner: User, rival: User, organizer: User
) -> None:
    submission = history[0]
    address = f"/submissions/{submission.pk}/note/"
    page = send(owner, address, note="  wider <b>layers</b> ")
    assert "The note is saved." in text(page)
    for person in (rival, organizer, None):
        send(person, address, note="not mine")
    submission.refresh_from_db()
    assert submission.note == "wider <b>layers</b>"
    send(owner, address, note="x" * 201)
    submission.refresh_from_db()
    assert submission.note == "wider <b>layers</b>"


def test_the_uploaded_file_comes_back_to_its_team_alone(
    see: Any, history: list[Submission], owner: User, rival: User, organizer: User
) -> None:
    submission = history[0]
    address = f"/submissions/{submission.pk}/file/"
    answer = see(owner, address)
    with submission.file.open("rb") as stored:
        assert b"".join(answer.streaming_content) == stored.read()
    assert answer.headers["Content-Disposition"] == 'attachment; filename="model1.pt"'
    assert see(rival, address).status_code == 404
    assert see(organizer, address).status_code == 403


def test_two_submissions_stand_side_by_side(
    see: Any, history: list[Submission], owner: User, team: Team, rivals: Team
) -> None:
    first, second, third, broken = history
    page = text(see(owner, f"/submissions/{first.pk}/compare/"))
    assert f'<a href="/submissions/{second.pk}/">#{second.pk}</a>' in page, "the team's best"
    assert '<td class="num text-end">0.9500 ± 0.0050</td>' in page
    assert '<td class="num text-end">0.4192 ± 0.0050</td>' in page
    assert "+0.5308" in page
    assert "−0.1000" in page  # of F1
    assert "+3.0" in page  # ms
    assert "Metal" in page
    other = text(see(owner, f"/submissions/{second.pk}/compare/?to={third.pk}"))
    assert f'<a href="/submissions/{third.pk}/">#{third.pk}</a>' in other
    assert "better" in other
    assert "No score yet" in text(see(owner, f"/submissions/{broken.pk}/compare/"))
    theirs = Submission.objects.get(team=rivals)
    for number in (theirs.pk, 10**30):
        assert see(owner, f"/submissions/{first.pk}/compare/?to={number}").status_code == 404


def test_a_first_score_has_nothing_beside_it(
    see: Any, scored: Any, team: Team, owner: User
) -> None:
    first = scored(team)
    page = text(see(owner, f"/submissions/{first.pk}/compare/"))
    assert "Nothing to compare with yet" in page
    assert "Compare with another" not in text(see(owner, f"/submissions/{first.pk}/"))
    scored(team, 2)
    assert "Compare with another" in text(see(owner, f"/submissions/{first.pk}/"))
