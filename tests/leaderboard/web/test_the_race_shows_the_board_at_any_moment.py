"""The race: the public board at earlier moments, and what changed since yesterday."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leaderboard.models import (
    Competition,
    Entry,
    Evaluation,
    RankRange,
    Rescore,
    Submission,
    Team,
    User,
)
from leaderboard.services import (
    histories,
    people,
    placing,
    races,
    rankings,
    rescoring,
    versions,
)
from leaderboard.web import races as web_races
from tests.leaderboard.web.conftest import text

RACE = "/competitions/waste/race/"


def date(submission: Submission, **ago: float) -> None:
    at = timezone.now() - timedelta(**ago)
    Submission.objects.filter(pk=submission.pk).update(uploaded_at=at)
    Entry.objects.filter(submission=submission).update(uploaded_at=at)
    versions.change(submission.competition_id)


@pytest.fixture
def overtaken(scored: Any, team: Team, rivals: Team) -> None:
    """Sorters led until they were overtaken an hour ago."""
    date(scored(team, 1, time_ratio=0.9), days=6)
    date(scored(team, 2, time_ratio=0.6, quality_private=0.41234), days=4)
    date(scored(rivals, 3, time_ratio=0.8), days=3)
    date(scored(rivals, 4, time_ratio=0.4), hours=2)


def board(page: str) -> list[str]:
    rows = re.search(r"<tbody>(.*?)</tbody>", page)
    assert rows
    found = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", rows[1].replace("</tr>", "|")))
    return [row.strip() for row in found.split("|") if row.strip()]


def test_the_board_as_of_a_moment(see: Any, overtaken: None, owner: User) -> None:
    now = text(see(owner, RACE))
    assert [row[:10] for row in board(now)] == ["1 Rivals 0", "2 Sorters "]
    assert "0.7000 ± 0.0050" in board(now)[0]
    three = (timezone.now() - timedelta(days=2)).isoformat()
    page = text(see(None, RACE, query_params={"as_of": three}))
    first, second = board(page)
    assert first.startswith("1 Sorters 0.8000")
    assert first.endswith(" 2")  # its rank today
    assert second.startswith("2 Rivals 0.9000")
    assert page.count('<a class="race-line') == 2
    five = (timezone.now() - timedelta(days=5)).strftime("%Y-%m-%dT%H:%M")
    early = text(see(None, f"{RACE}?as_of={five}&by=score"))
    assert [row[:16] for row in board(early)] == ["1 Sorters 0.9500"]
    for hidden in ("0.4123", "owner"):
        assert hidden not in page, hidden
    for odd in ("x", "9999-12-31T23:59", "0001-01-01T00:00", "2026-13-01", "%00", "\u0661"):
        assert see(None, f"{RACE}?as_of={odd}&by=other").status_code == 200, odd


def test_a_reader_of_another_zone_sees_the_same_board(
    see: Any, overtaken: None, owner: User, competition: Competition
) -> None:
    people.choose_zone(person=owner, name="Europe/Berlin")
    at = timezone.now() - timedelta(hours=3)
    in_berlin = at.astimezone(ZoneInfo("Europe/Berlin")).strftime("%Y-%m-%dT%H:%M")
    asked = {"as_of": in_berlin, "zone": "Europe/Berlin"}
    mine = text(see(owner, RACE, query_params=asked))
    assert f'value="{in_berlin}"' in mine
    assert '<span class="zone">Europe/Berlin</span>' in mine
    assert '<input type="hidden" name="zone" value="Europe/Berlin">' in mine
    assert "zone=Europe%2FBerlin&by=score" in mine
    assert [row[:10] for row in board(mine)] == ["1 Sorters ", "2 Rivals 0"]
    # The address tells another reader the same moment, in the competition's zone.
    theirs = text(see(None, RACE, query_params=asked))
    shown = at.astimezone(ZoneInfo(competition.time_zone)).strftime("%Y-%m-%dT%H:%M")
    assert f'value="{shown}"' in theirs
    assert board(theirs)[0].startswith("1 Sorters 0.8000")
    assert see(None, RACE, query_params=asked | {"zone": "Mars/Base"}).status_code == 200


def test_the_race_is_read_once_for_a_version_and_only_so_far(
    see: Any, overtaken: None, monkeypatch: pytest.MonkeyPatch, competition: Competition
) -> None:
    see(None, RACE)
    with CaptureQueriesContext(connection) as queries:
        see(None, f"{RACE}?as_of=2020-01-01T00:00")
    assert not [
        one for one in queries if "evaluation" in one["sql"] and "uploaded_at" in one["sql"]
    ]
    monkeypatch.setattr(races, "MOST_TEAMS", 1)
    versions.change(competition.pk)
    page = text(see(None, RACE))
    assert [row[:8] for row in board(page)] == ["1 Rivals"]
    assert "first 200 teams" in page
    # What the other teams did then is not known, so nobody is shown.
    some = races.of(rankings.Standing(competition, "public"))
    assert some
    assert some.standing(timezone.now() - timedelta(days=1)) == []
    early = text(see(None, f"{RACE}?as_of=2020-01-01T00:00&by=score"))
    assert "No team had a rank yet" in early


def test_a_race_by_score_reads_only_what_it_shows(
    see: Any,
    overtaken: None,
    monkeypatch: pytest.MonkeyPatch,
    competition: Competition,
    organizer: User,
) -> None:
    """Of an earlier era the leaders alone, and nothing of an era shorter than a step."""
    Evaluation.objects.update(finished_at=timezone.now() - timedelta(days=3))
    for version, k in ((2, 15.0), (3, 25.0)):
        rescore = Rescore(competition=competition, why="?", k=k, time_weight=0.5, min_quality=0.0)
        rescoring.propose(rescore=rescore, by=organizer)
        rescoring.apply(rescore=rescore, by=organizer)
        at = timezone.now() - timedelta(days=1, seconds=10 - version)
        Rescore.objects.filter(version=version).update(decided_at=at)
        competition.refresh_from_db()
    asked: list[tuple[int | None, int]] = []
    in_era = histories.in_era

    def spy(competition: Competition, era: Any, teams: Any, **more: Any) -> Any:
        asked.append((era.end.version, len(teams)))
        return in_era(competition, era, teams, **more)

    monkeypatch.setattr(histories, "in_era", spy)
    monkeypatch.setattr(web_races, "LEADERS", 1)
    versions.change(competition.pk)
    page = text(see(None, f"{RACE}?by=score"))
    assert page.count('<a class="race-line') == 1
    assert asked == [(2, 2), (2, 1)]  # when the race began, and the leader until then
    see(None, f"{RACE}?by=score")
    assert len(asked) == 2


def test_a_board_marks_what_moved_since_yesterday_beyond_noise(
    see: Any, overtaken: None, team: Team, rivals: Team, competition: Competition
) -> None:
    public = "/competitions/waste/boards/public/"
    for one, first, last in ((rivals, 1, 1), (team, 1, 2)):
        entry = Entry.objects.get(team=one, board="public")
        RankRange.objects.create(
            team=one, evaluation=entry.evaluation, first=first, last=last, error=0.01
        )
    versions.change(competition.pk)
    page = text(see(None, public))
    assert page.count("up since yesterday") == 1
    assert "▲ 1" in page
    assert page.count('class="reach"') == 2  # a bar for each range
    assert "down since yesterday" not in page  # rank 1 is likely for it, too
    assert f'href="{RACE}"' in page
    RankRange.objects.update(first=1, last=2)
    versions.change(competition.pk)
    assert "since yesterday</span>" not in text(see(None, public))


def test_ranks_at_many_moments_are_those_of_the_boards_then(
    overtaken: None, team: Team, rivals: Team, competition: Competition
) -> None:
    race = races.of(rankings.Standing(competition, "public"))
    assert race
    moments = [timezone.now() - timedelta(hours=hours) for hours in range(160, -1, -5)]
    ranks = race.ranks([team.pk, rivals.pk], moments)
    for number, at in enumerate(moments):
        then = {one.team_id: one.rank for one in race.standing(at)}
        assert [ranks[one.pk][number] for one in (team, rivals)] == [
            then.get(one.pk, 0) for one in (team, rivals)
        ]


def test_a_contest_without_scores_has_no_race(see: Any, competition: Competition) -> None:
    assert "The race begins with the first model" in text(see(None, RACE))


def test_the_race_of_a_track_is_that_of_its_uploads(
    see: Any, overtaken: None, team: Team, rivals: Team, competition: Competition
) -> None:
    """At each moment the ranks are those of the best uploads until then that meet the conditions,
    counted here from the rows of submissions."""
    competition.tracks = [{"slug": "small", "name": "Small", "max_parameters": 100}]
    competition.save()
    Submission.objects.update(parameters=50)
    fastest = Submission.objects.order_by("-uploaded_at")[0]
    Submission.objects.filter(pk=fastest.pk).update(parameters=1000)
    placing.place(team, rivals)
    standing = rankings.Standing(competition, "public", track="small")
    race = races.of(standing)
    assert race
    assert [row.entry.team.name for row in standing[:2]] == ["Sorters", "Rivals"]
    small = Submission.objects.filter(parameters__lte=100)
    for days in (7, 5, 3.5, 2.5, 0):
        at = timezone.now() - timedelta(days=days)
        best: dict[int, float] = {}
        for one in small.filter(uploaded_at__lte=at):
            score = float(one.evaluation.score_public or 0)
            best[one.team_id] = min(score, best.get(one.team_id, 9.0))
        expected = sorted(best.items(), key=lambda item: item[1])
        found = [(one.team_id, one.step.score) for one in race.standing(at)]
        assert [key for key, _ in found] == [key for key, _ in expected]
        assert [score for _, score in found] == pytest.approx([one for _, one in expected])
        answer = see(
            None,
            "/api/v2/competitions/waste/race",
            query_params={"as_of": at.isoformat(), "track": "small"},
        ).json()
        assert [row["score"] for row in answer["results"]] == [score for _, score in found]
    page = text(see(None, f"{RACE}?track=small"))
    assert [row[:10] for row in board(page)] == ["1 Sorters ", "2 Rivals 0"]
    assert "before the track was made" in page
    refused = see(None, "/api/v2/competitions/waste/race", query_params={"track": "none"}).json()
    assert refused["code"] == "unknown_track"
