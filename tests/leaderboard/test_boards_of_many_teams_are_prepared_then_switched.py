"""A publication and another gate are prepared batch by batch, and then hold for all at once."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from leaderboard import tasks
from leaderboard.errors import Conflict
from leaderboard.models import Competition, Entry, Preparation, Submission, Team, User
from leaderboard.services import (
    competitions,
    locks,
    placing,
    preparing,
    queueing,
    rankings,
    selections,
    submissions,
    teams,
    versions,
)
from tests.leaderboard.conftest import finish, person, report

pytestmark = pytest.mark.django_db
Scored = Callable[..., Submission]
OLD = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def five(competition: Competition, scored: Scored, monkeypatch: pytest.MonkeyPatch) -> list[Team]:
    """Five teams with two scored submissions each. A batch has two teams, and nothing is prepared
    at once."""
    monkeypatch.setattr(preparing, "BATCH", 2)
    monkeypatch.setattr(preparing, "AT_ONCE", -1)
    monkeypatch.setattr(preparing, "SLICE", -1)
    found = []
    for number in range(5):
        owner = person(f"owner{number}")
        team = teams.create(competition=competition, name=f"Team {number}", by=owner)
        for which in range(2):
            scored(
                team,
                seed=2 * number + which,
                quality_public=0.55 + 0.05 * number + 0.02 * which,
                quality_private=0.6 + 0.03 * number - 0.1 * which,
                time_ratio=0.2 + 0.1 * number + 0.4 * which,
            )
        found.append(team)
    return found


def shown(competition: Competition, board: str) -> list[tuple[str, int, bool, int | None]]:
    """A board as anybody may see it."""
    return [
        (row.entry.team.name, row.entry.submission_id, row.entry.is_ranked, row.entry.public_rank)
        for row in rankings.rows(competition, board)
    ]


def expected(competition: Competition, board: str) -> list[tuple[str, int, bool]]:
    """The same from the whole history of every team, by the rules as they are written down."""
    is_public, gate = board == "public", competition.min_quality

    def order(one: Submission, is_public: bool) -> tuple[Any, ...]:
        figures = one.evaluation.figures()
        quality = figures.quality_public if is_public else figures.quality_private
        score = figures.score_public if is_public else figures.score_private
        return quality < gate, round(score, 6), one.uploaded_at, one.pk

    best = []
    for team in competition.teams.all():
        some = [
            one
            for one in team.submissions.in_the_running().prefetch_related("evaluations")
            if one.evaluation.state == "scored"
        ]
        if not is_public:
            named = [one for one in some if one.selected_at] or some
            some = sorted(named, key=lambda one: order(one, True))[: competition.final_selections]
        if some:
            one = min(some, key=lambda one: order(one, is_public))
            best.append((order(one, is_public), team.name, one.pk))
    return [(name, pk, not is_below) for (is_below, *_), name, pk in sorted(best)]


def assert_right(competition: Competition, *boards: str) -> None:
    for board in boards:
        assert [row[:3] for row in shown(competition, board)] == expected(competition, board)


def sweeps_until_done(competition: Competition, most: int = 10) -> None:
    for _ in range(most):
        if not Preparation.objects.filter(competition=competition).exists():
            competition.refresh_from_db()
            return
        tasks.sweep()
    raise AssertionError("It never ends.")


def test_nothing_private_is_seen_before_the_switch_and_all_of_it_after(
    five: list[Team], competition: Competition, organizer: User, client: Client
) -> None:
    competitions.close(competition=competition, by=organizer)
    assert not competitions.publish(competition=competition, by=organizer)
    client.force_login(five[0].members.get())
    page = "/competitions/waste/boards/private/"
    doors = [
        "/api/v2/competitions/waste/boards/private",
        "/api/v2/competitions/waste/boards/private.csv",
    ]
    counts = []
    for _ in range(10):
        competition.refresh_from_db()
        if competition.is_published:
            break
        counts.append(Entry.objects.filter(board="private").count())
        assert {client.get(door, follow=True).status_code for door in doors} == {404}
        assert "Team 4" not in client.get(page).content.decode()
        with pytest.raises(Exception, match="when the organizers have published it"):
            rankings.entry_of(five[0], "private")
        tasks.sweep()
    assert counts[0] == 2
    assert 5 in counts
    assert {client.get(door, follow=True).status_code for door in doors} == {200}
    assert "Team 4" in client.get(page).content.decode()
    assert_right(competition, "public", "private")
    ranks = {team: rank for rank, (team, *_) in enumerate(shown(competition, "public"), start=1)}
    assert {team: rank for team, *_, rank in shown(competition, "private")} == ranks


def test_what_changes_while_a_publication_is_prepared_counts_in_it(
    five: list[Team], competition: Competition, organizer: User
) -> None:
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    first, second, third = (list(team.submissions.order_by("pk")) for team in five[:3])
    for number, act in enumerate(
        (
            lambda: submissions.withdraw(submission=first[0], by=five[0].members.get()),
            lambda: selections.choose(
                team=five[1], submission_ids=[second[1].pk], by=five[1].members.get()
            ),
            lambda: submissions.disqualify(submission=third[0], reason="copied", by=organizer),
            lambda: submissions.withdraw(submission=first[1], by=five[0].members.get()),
            lambda: submissions.reinstate(submission=third[0], reason="Fine.", by=organizer),
        )
    ):
        act()
        if number % 2:
            tasks.sweep()
    with pytest.raises(Conflict) as refused:
        competitions.publish(competition=competition, by=organizer)
    assert refused.value.code == "boards_in_preparation"
    again = queueing.evaluate_again(submission=second[0], by=organizer)
    for _ in range(8):
        tasks.sweep()
    competition.refresh_from_db()
    assert not competition.is_published, "it waits for what is queued"
    finish(again, report(quality_public=0.9, quality_private=0.2, time_ratio=0.1))
    sweeps_until_done(competition)
    assert competition.is_published
    assert_right(competition, "public", "private")
    ranked = [team for team, _, is_ranked, _ in shown(competition, "public") if is_ranked]
    assert {team: ranked.index(team) + 1 for team in ranked} == {
        team: rank for team, *_, rank in shown(competition, "private")
    }


def copied(competition: Competition, slug: str, **fields: Any) -> Competition:
    """Another competition like it, older, without teams."""
    first = Competition.objects.get(pk=competition.pk)
    for name, value in {"pk": None, "slug": slug, "created_at": OLD, **fields}.items():
        setattr(first, name, value)
    first.save(force_insert=True)
    return first


def test_preparing_goes_on_where_it_was_broken_off_and_holds_up_nothing_else(
    five: list[Team],
    competition: Competition,
    organizer: User,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    prepared: list[int] = []
    prepare = placing.prepare

    def breaking(preparation: Preparation, competition: Competition, batch: Any) -> None:
        prepare(preparation, competition, batch)
        prepared.extend(batch)
        if len(prepared) == 4:
            raise OSError("The power is gone.")

    monkeypatch.setattr(placing, "prepare", breaking)
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    other = copied(competition, "other", state="open")
    preparing.begin(other, min_quality=0.6)
    late = copied(competition, "late", state="open", ends_at=timezone.now())
    tasks.sweep()
    assert "The power is gone." in caplog.text
    other.refresh_from_db()
    late.refresh_from_db()
    assert (other.min_quality, late.state) == (0.6, "closed")
    sweeps_until_done(competition)
    keys = [team.pk for team in five]
    assert prepared == keys[:4] + keys[2:], "only the batch that was broken off is done again"
    assert_right(competition, "public", "private")


def test_a_reopened_competition_is_not_published(
    five: list[Team], competition: Competition, organizer: User
) -> None:
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    competitions.reopen(competition=competition, by=organizer)
    competitions.close(competition=competition, by=organizer)
    for _ in range(6):
        tasks.sweep()
    competition.refresh_from_db()
    assert competition.state == "closed"
    with pytest.raises(Exception, match="when the organizers have published it"):
        rankings.rows(competition, "private")


def test_what_is_not_closed_any_more_is_not_called_published(
    five: list[Team], competition: Competition, organizer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "AT_ONCE", 10)
    keep = placing.keep_public_ranks

    def changed_meanwhile(competition: Competition) -> None:
        keep(competition)
        Competition.objects.update(state="paused")

    monkeypatch.setattr(placing, "keep_public_ranks", changed_meanwhile)
    competitions.close(competition=competition, by=organizer)
    with pytest.raises(Conflict, match="The competition is paused") as refused:
        competitions.publish(competition=competition, by=organizer)
    assert refused.value.code == "wrong_competition_state"
    assert not Preparation.objects.exists()


def test_public_ranks_follow_what_organizers_decide_after_publication(
    five: list[Team], competition: Competition, organizer: User
) -> None:
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    sweeps_until_done(competition)

    def assert_ranks_are_told() -> None:
        ranks = {team: rank for rank, (team, *_) in enumerate(shown(competition, "public"), 1)}
        assert {team: rank for team, *_, rank in shown(competition, "private")} == ranks

    assert_ranks_are_told()
    first = rankings.rows(competition, "public")[0].entry.team
    both = list(first.submissions.all())
    version = versions.of(competition, "private")
    for one in both:
        submissions.disqualify(submission=one, reason="copied", by=organizer)
        assert_ranks_are_told()
    assert len(shown(competition, "private")) == 4
    assert versions.of(competition, "private") != version
    for one in both:
        submissions.reinstate(submission=one, reason="Fine.", by=organizer)
        assert_ranks_are_told()
    assert len(shown(competition, "private")) == 5


def test_ranks_are_written_while_nobody_else_writes_entries(
    five: list[Team], competition: Competition, organizer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked: list[str] = []
    for name in ("lock", "share"):
        act = getattr(locks, name)

        def noted(row: Any, act: Callable[..., Any] = act, name: str = name) -> Any:
            if isinstance(row, Competition):
                locked.append(name)
            return act(row)

        monkeypatch.setattr(locks, name, noted)
    held: list[str] = []
    monkeypatch.setattr(placing, "keep_public_ranks", lambda _: held.append(locked[-1]))
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    sweeps_until_done(competition)
    assert held == ["lock"]


def test_an_embedded_worker_goes_on_for_a_moment_between_its_looks(
    five: list[Team], competition: Competition, organizer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest keeps its own
    monkeypatch.setattr(preparing, "SLICE", 20)
    monkeypatch.setattr(preparing, "SHORT_SLICE", -1)
    competition.min_quality = 0.64
    competitions.edit(competition=competition, by=organizer)
    for done in (4, 5):
        call_command("work", profile="cpu", until_idle=True)
        assert Preparation.objects.get().done == done
    call_command("work", profile="cpu", until_idle=True)
    assert Competition.objects.get().min_quality == 0.64


def test_another_gate_holds_for_all_at_once_while_uploads_go_on(
    five: list[Team], competition: Competition, organizer: User, scored: Scored
) -> None:
    for seed, gate in enumerate((0.64, 0.6, 0.71, 0.0), start=100):
        before = competition.min_quality
        competition.refresh_from_db()
        competition.min_quality = gate
        competitions.edit(competition=competition, by=organizer)
        assert competition.min_quality == before
        turn = seed
        while Preparation.objects.exists():
            assert_right(competition, "public")
            scored(five[turn % 5], seed=turn, quality_public=0.5 + turn % 7 / 20, time_ratio=0.1)
            worse = five[(turn + 1) % 5].submissions.in_the_running().first()
            if worse:
                submissions.disqualify(submission=worse, reason="copied", by=organizer)
            assert_right(competition, "public")
            turn += 10
            tasks.sweep()
            competition.refresh_from_db()
        assert competition.min_quality == gate
        assert_right(competition, "public")


def test_a_few_teams_do_not_wait(
    team: Team, scored: Scored, competition: Competition, organizer: User
) -> None:
    scored(team)
    competition.min_quality = 0.75
    competitions.edit(competition=competition, by=organizer)
    assert not rankings.entry_of(team, "public").is_ranked
    competitions.close(competition=competition, by=organizer)
    assert competitions.publish(competition=competition, by=organizer)
    assert competition.is_published
    assert competition.published_at
    assert competition.published_at <= timezone.now()
