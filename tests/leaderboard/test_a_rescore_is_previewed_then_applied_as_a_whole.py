"""A new formula is prepared beside the board, seen by organizers only, and applied or cancelled."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from leaderboard import tasks
from leaderboard.errors import Conflict, NotAllowed, Refused
from leaderboard.models import (
    Competition,
    Entry,
    Evaluation,
    Moved,
    NextEntry,
    Notice,
    Preparation,
    Rescore,
    Submission,
    Team,
    User,
)
from leaderboard.models.rescore import FORMULA_FIELDS
from leaderboard.services import (
    competitions,
    formulas,
    moves,
    placing,
    preparing,
    queueing,
    rankings,
    recording,
    rescoring,
    running,
    submissions,
    teams,
    telling,
    versions,
)
from scoring import formula
from tests.leaderboard.conftest import person, report

pytestmark = pytest.mark.django_db
Scored = Callable[..., Submission]
FIGURES = ((0.72, 0.30), (0.80, 0.60), (0.86, 1.00), (0.90, 1.50), (0.62, 0.10))
"""Quality and time ratio. The more the time counts, the better the first teams stand."""


@pytest.fixture
def five(competition: Competition, scored: Scored, monkeypatch: pytest.MonkeyPatch) -> list[Team]:
    """Five teams with two scored submissions each. A batch has two teams, and nothing is prepared
    at once."""
    monkeypatch.setattr(preparing, "BATCH", 2)
    found = []
    for number, (quality, ratio) in enumerate(FIGURES):
        owner = person(f"owner{number}")
        team = teams.create(competition=competition, name=f"Team {number}", by=owner)
        scored(team, seed=2 * number, quality_public=quality, time_ratio=ratio)
        # Slower and better: the best one under a formula that counts quality more.
        scored(team, seed=2 * number + 1, quality_public=quality + 0.03, time_ratio=ratio + 0.35)
        found.append(team)
    return found


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a preparation, and a sweep does one batch."""
    monkeypatch.setattr(preparing, "AT_ONCE", -1)
    monkeypatch.setattr(preparing, "SLICE", -1)


def proposal(competition: Competition, **fields: Any) -> Rescore:
    today = {name: getattr(competition, name) for name in FORMULA_FIELDS}
    return Rescore(competition=competition, why="Time counted too much.", **today | fields)


def board(competition: Competition) -> list[tuple[str, int, bool, Decimal]]:
    rows = rankings.rows(competition, "public")
    return [(r.entry.team.name, r.entry.submission_id, bool(r.rank), r.entry.score) for r in rows]


def score(quality: float, time_ratio: float, **rules: Any) -> float:
    return round(formula.score(quality, time_ratio, **rules).total, 6)


def expected(competition: Competition, **rules: Any) -> list[tuple[str, int, bool, Decimal]]:
    """The board from every stored figure, by the formula as it is written down."""
    gate = rules.pop("min_quality", competition.min_quality)
    best: dict[str, tuple[Any, int]] = {}
    rows = Evaluation.objects.counting().select_related("team", "submission")
    for one in rows.order_by("submission__uploaded_at", "submission"):
        assert one.submission
        assert one.team
        figures = one.figures()
        value = score(figures.quality_public, figures.time_ratio, **rules)
        key = (figures.quality_public < gate, value, one.submission.uploaded_at)
        if one.team.name not in best or key < best[one.team.name][0]:
            best[one.team.name] = key, one.submission_id
    ordered = sorted((key, team, submission) for team, (key, submission) in best.items())
    return [
        (team, submission, not is_below, Decimal(f"{value:.6f}"))
        for (is_below, value, _), team, submission in ordered
    ]


def sweeps(most: int = 12) -> None:
    for _ in range(most):
        tasks.sweep()


CONSTANTS = {"time_weight": 0.1, "k": 25.0, "quality_ref": 0.75}
NEW = {**CONSTANTS, "min_quality": 0.7}


def test_a_preview_shows_the_moves_and_participants_see_nothing_until_it_is_applied(
    five: list[Team], competition: Competition, organizer: User, client: Any
) -> None:
    before = board(competition)
    token = versions.of(competition, "public")
    rescore = rescoring.propose(rescore=proposal(competition, **NEW), by=organizer)
    after = expected(competition, **NEW)
    assert [row[0] for row in after] != [row[0] for row in before]

    found = moves.of(rescore)
    names = {move.pair.team: move for move in found}
    assert [
        (m.pair.team, m.pair.after.submission_id, m.rank_after is not None, m.pair.after.score)
        for m in found
    ] == after
    for rank, (team, submission, is_ranked, at) in enumerate(before, start=1):
        move = names[team]
        assert move.rank_before == (rank if is_ranked else None)
        assert (move.pair.before.submission_id, move.pair.before.score) == (submission, at)
    told = moves.summary(found)
    assert (told.teams, told.fail_gate, told.pass_gate) == (5, 1, 0)
    chosen = {team: submission for team, submission, *_ in before}
    assert told.other_submissions == sum(chosen[team] != sent for team, sent, *_ in after)
    assert told.up + told.down == sum(m.up != 0 for m in found)
    assert told.podium

    client.force_login(five[0].members.get())
    pages = ["", "boards/public/", "scoring/", "submissions/"]
    for page in pages:
        said = client.get(f"{competition.get_absolute_url()}{page}").content.decode()
        assert "Time counted too much." not in said
    assert (board(competition), versions.of(competition, "public")) == (before, token)

    telling.go_on(seconds=5)  # of the verdicts
    rescoring.apply(rescore=rescore, by=organizer)
    competition.refresh_from_db()
    assert {name: getattr(competition, name) for name in NEW} == NEW
    assert competition.formula_version == rescore.version == 2
    assert board(competition) == after
    assert versions.of(competition, "public") != token
    assert not Preparation.objects.exists()
    assert not NextEntry.objects.exists()
    for one in Evaluation.objects.filter(state="scored"):
        figures = one.figures()
        assert (one.score_public, one.score_private, one.quality_ref) == (
            score(figures.quality_public, figures.time_ratio, **CONSTANTS),
            score(figures.quality_private, figures.time_ratio, **CONSTANTS),
            0.75 if one.submission_id else 0.7,
        )
    kept = moves.of(rescore)
    assert [(m.pair.team, m.rank_before, m.rank_after) for m in kept] == [
        (m.pair.team, m.rank_before, m.rank_after) for m in found
    ]

    telling.go_on(seconds=5)
    assert Notice.objects.filter(kind="rescored", user=five[0].members.get()).count() == 1
    assert not Notice.objects.filter(kind="overtaken", created_at__gt=rescore.decided_at).exists()
    newest = five[0].submissions.earliest("pk").evaluation
    figures = newest.figures()
    was = score(figures.quality_public, figures.time_ratio, quality_ref=0.7)
    assert [(one.rescore.version, one.score) for one in rescoring.since(newest)] == [(2, was)]
    for page in ("", "boards/public/", "scoring/"):
        said = client.get(f"{competition.get_absolute_url()}{page}").content.decode()
        assert "Time counted too much." in said, page
    assert "Only real gains" not in said.split('id="versions"')[1]
    page = client.get(newest.submission.get_absolute_url()).content.decode()
    assert "Rescored by formula version 2" in page
    assert f'Before: <span class="num">{was:.4f}</span>' in page
    told_by_api = client.get(f"/api/v2/submissions/{newest.submission_id}").json()["rescored"]
    assert [(one["version"], one["score_before"]) for one in told_by_api] == [(2, was)]
    shown = client.get(f"/api/v2/competitions/{competition.slug}").json()
    assert shown["formula"]["version"] == 2
    assert [(one["before"]["k"], one["after"]["k"]) for one in shown["rescores"]] == [(20.0, 25.0)]


@pytest.mark.usefixtures("slowly")
def test_uploads_and_decisions_go_on_and_count_on_both_boards(
    five: list[Team], competition: Competition, organizer: User, scored: Scored
) -> None:
    rescore = rescoring.propose(rescore=proposal(competition, **NEW), by=organizer)
    with pytest.raises(Conflict) as early:
        rescoring.apply(rescore=rescore, by=organizer)
    assert early.value.code == "boards_in_preparation"
    turn = 100

    def something_happens() -> None:
        nonlocal turn
        scored(five[turn % 5], seed=turn, quality_public=0.6 + turn % 7 / 20, time_ratio=0.4)
        worse = five[(turn + 1) % 5].submissions.in_the_running().first()
        if worse and turn % 2:
            submissions.disqualify(submission=worse, reason="copied", by=organizer)
        turn += 3

    today = {"quality_ref": 0.7, "min_quality": 0.0}
    for _ in range(6):
        something_happens()
        tasks.sweep()
        assert board(competition) == expected(competition, **today)
    late = teams.create(competition=competition, name="Late", by=person("late"))
    scored(late, seed=77, quality_public=0.95, time_ratio=0.3)
    tasks.sweep()
    assert [(m.pair.team, m.pair.after.submission_id) for m in moves.of(rescore)] == [
        row[:2] for row in expected(competition, **NEW)
    ]
    queueing.evaluate_again(submission=five[2].submissions.latest("pk"), by=organizer)
    measured = running.claim(competition.profile)
    assert measured
    assert measured.competition.k == 20, "the worker has read the formula of before"
    rescoring.apply(rescore=rescore, by=organizer)
    assert Preparation.objects.get().is_following
    recording.record(measured, report(quality_public=0.88, time_ratio=0.9))
    for _ in range(3):
        something_happens()
        assert board(competition) == expected(competition, **NEW)
    sweeps()
    assert not Preparation.objects.exists()
    assert board(competition) == expected(competition, **NEW)
    competition.refresh_from_db()
    placing.place(*competition.teams.all())
    assert board(competition) == expected(competition, **NEW)


@pytest.mark.usefixtures("slowly")
def test_a_cancelled_preview_leaves_no_trace_on_the_boards(
    five: list[Team], competition: Competition, organizer: User, owner: User
) -> None:
    before = board(competition)
    rescore = rescoring.propose(rescore=proposal(competition, **NEW), by=organizer)
    tasks.sweep()
    for act in (
        lambda: rescoring.propose(rescore=proposal(competition, k=3.0), by=organizer),
        lambda: competitions.stop_preparing(competition=competition, by=organizer),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "rescore_pending"
    competitions.close(competition=competition, by=organizer)
    with pytest.raises(Conflict) as refused:
        competitions.publish(competition=competition, by=organizer)
    assert refused.value.code == "rescore_pending"
    with pytest.raises(NotAllowed):
        rescoring.cancel(rescore=rescore, by=owner)
    rescoring.cancel(rescore=rescore, by=organizer)
    assert (rescore.state, rescore.decided_by) == ("cancelled", organizer)
    assert not NextEntry.objects.exists()
    assert not Moved.objects.exists()
    sweeps(3)
    competition.refresh_from_db()
    assert (board(competition), competition.formula_version) == (before, 1)
    for decide in (rescoring.cancel, rescoring.apply):
        with pytest.raises(Conflict) as refused:
            decide(rescore=rescore, by=organizer)
        assert refused.value.code == "rescore_decided"
    competitions.publish(competition=competition, by=organizer)
    sweeps()
    competition.refresh_from_db()
    assert competition.is_published
    with pytest.raises(Conflict) as refused:
        rescoring.propose(rescore=proposal(competition, **NEW), by=organizer)
    assert refused.value.code == "competition_over"


def test_what_makes_no_formula_is_refused(
    competition: Competition, organizer: User, owner: User
) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "formula_unchanged"),
        ({"k": -1.0}, "bad_formula"),
        ({"quality_ref": 1.5}, "bad_formula"),
        ({"time_weight": 1e6}, "bad_formula"),  # no board could hold such scores
        ({"k": 5.0, "why": " "}, "bad_formula"),
        ({"k": float("nan")}, "bad_formula"),
    ]
    for fields, code in wrong:
        one = proposal(competition, **{k: v for k, v in fields.items() if k != "why"})
        one.why = fields.get("why", one.why)
        with pytest.raises(Refused) as refused:
            rescoring.propose(rescore=one, by=organizer)
        assert refused.value.code == code, fields
    with pytest.raises(NotAllowed):
        rescoring.propose(rescore=proposal(competition, k=5.0), by=owner)
    Competition.objects.update(state="draft")
    with pytest.raises(Conflict) as refused:
        rescoring.propose(rescore=proposal(competition, k=5.0), by=organizer)
    assert refused.value.code == "wrong_competition_state"
    assert not Rescore.objects.exists()


def test_small_gains_may_be_held_after_the_opening(
    five: list[Team], competition: Competition, organizer: User
) -> None:
    """The counting rule changes by a rescore, too: under it a step below noise moves no row."""
    entry = Entry.objects.get(team=five[0], board="public")
    Evaluation.objects.filter(team=five[0]).update(gain=None)
    Evaluation.objects.filter(pk=entry.evaluation_id).update(gain=0.4)
    held = proposal(competition, only_real_gains=True)
    rescore = rescoring.propose(rescore=held, by=organizer)
    assert [m.pair.team for m in moves.of(rescore) if m.has_other_submission] == ["Team 0"]
    rescoring.apply(rescore=rescore, by=organizer)
    competition.refresh_from_db()
    assert competition.only_real_gains
    assert Entry.objects.get(team=five[0], board="public").submission_id != entry.submission_id
    after = board(competition)
    placing.place(*competition.teams.all())
    assert board(competition) == after


def test_a_second_rescore_keeps_the_first(
    five: list[Team], competition: Competition, organizer: User
) -> None:
    first = rescoring.propose(rescore=proposal(competition, **NEW), by=organizer)
    rescoring.apply(rescore=first, by=organizer)
    competition.refresh_from_db()
    shown = [(m.pair.team, m.rank_before, m.rank_after) for m in moves.of(first)]
    back = proposal(competition, time_weight=0.5, k=20.0, quality_ref=None, min_quality=0.0)
    second = rescoring.propose(rescore=back, by=organizer)
    rescoring.apply(rescore=second, by=organizer)
    competition.refresh_from_db()
    assert competition.formula_version == 3
    assert competition.reference_quality == 0.7
    assert board(competition) == expected(competition, quality_ref=0.7)
    assert [(m.pair.team, m.rank_before, m.rank_after) for m in moves.of(first)] == shown
    assert [(one.version, one.before.k, one.after.k) for one in rescoring.of(competition)] == [
        (3, 25.0, 20.0),
        (2, 20.0, 25.0),
    ]
    assert formulas.of(competition) == second.after == first.before
