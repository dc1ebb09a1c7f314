"""Beside a rank stands the range that other images of the same kind would give, at 95 %."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from leaderboard import tasks
from leaderboard.models import (
    Competition,
    Entry,
    Evaluation,
    Ranged,
    RankRange,
    Submission,
    Team,
    TrackRange,
    User,
)
from leaderboard.models.answers import Answers
from leaderboard.services import (
    answers,
    competitions,
    landing,
    placing,
    privileges,
    ranges,
    rankings,
    teams,
    versions,
)
from scoring.quality import doubt, metrics
from scoring.snapshots.contents import Landed
from tests.leaderboard.conftest import answers_of, finish, person, report

Plays = Callable[..., Evaluation]
CLASSES = ("Metal", "Paper", "Plastic")
PUBLIC, PRIVATE = 24, 36
LABELS = np.repeat(np.arange(3), PUBLIC // 3)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Renews ranges without a pause. On a busy machine the pause would be longer."""
    monkeypatch.setattr(ranges, "PAUSE", 0)


@pytest.fixture
def plays(submit: Callable[..., Submission]) -> Plays:
    """A team's model with so many wrong answers: `plays(team, wrong=3, time_ratio=0.5)`."""

    def play(
        team: Team,
        *,
        wrong: int = 6,
        time_ratio: float = 1.0,
        seed: int | None = None,
        is_kept: bool = True,
        private: int = 0,
    ) -> Evaluation:
        submission = submit(team, seed=team.pk if seed is None else seed)
        given = LABELS.copy()
        given[np.random.default_rng(team.pk).permutation(PUBLIC)[:wrong]] += 1
        given %= 3
        quality = metrics.quality(LABELS, given, CLASSES).quality
        kept = answers_of(public=given.tolist(), private=[private] * PRIVATE) if is_kept else None
        found = report(quality_public=quality, time_ratio=time_ratio)
        return finish(submission.latest_evaluation, found, kept)

    return play


@pytest.fixture
def some(competition: Competition) -> list[Team]:
    names = ["Ash", "Birch", "Cedar", "Oak"]
    return [
        teams.create(competition=competition, name=name, by=person(name.lower())) for name in names
    ]


def shown(competition: Competition) -> dict[str, tuple[int, int] | None]:
    """The ranges on the public board, by team."""
    rows = rankings.rows(competition, "public")
    return {
        row.entry.team.name: (row.likely.first, row.likely.last) if row.likely else None
        for row in rows
    }


def test_the_labels_of_these_tests_are_those_of_the_split(
    competition: Competition, some: list[Team], plays: Plays
) -> None:
    evaluation = plays(some[0])
    kept = answers.kept([evaluation.pk], competition.dataset.split("public"))
    assert kept.labels.tolist() == LABELS.tolist()


def test_models_that_other_images_could_exchange_share_a_range(
    competition: Competition, some: list[Team], plays: Plays
) -> None:
    for team, time_ratio in zip(some, (0.99, 1.0, 1.01, 9.0), strict=True):
        plays(team, time_ratio=time_ratio)
    ranges.renew_all()
    assert shown(competition) == {"Ash": (1, 3), "Birch": (1, 3), "Cedar": (1, 3), "Oak": (4, 4)}


def test_page_api_and_csv_say_the_same_range(
    competition: Competition, some: list[Team], plays: Plays, client: Client
) -> None:
    for team, time_ratio in zip(some, (0.99, 1.0, 1.01, 9.0), strict=True):
        plays(team, time_ratio=time_ratio)
    ranges.renew_all()
    page = " ".join(client.get("/competitions/waste/boards/public/").content.decode().split())
    assert page.count("likely <span>1 to 3</span>") == 3
    assert page.count(">likely 4<") == 1
    address = "/api/v2/competitions/waste/boards/public"
    rows = client.get(address).json()["results"]
    expected = [(1, 3), (1, 3), (1, 3), (4, 4)]
    assert [(row["likely_first"], row["likely_last"]) for row in rows] == expected
    lines = client.get(f"{address}.csv").getvalue().decode().splitlines()
    table = list(csv.DictReader(lines))
    assert [(int(row["likely_first"]), int(row["likely_last"])) for row in table] == expected
    widths = [row["quality_half_width"] for row in rows]
    assert [float(row["quality_half_width"]) for row in table] == widths
    assert page.count("<ellipse") >= 4
    for row, width in zip(rows, widths, strict=True):
        assert 0.1 < width < 0.3  # macro-F1 of 24 images
        first, last = row["likely_first"], row["likely_last"]
        likely = f"{first} to {last}" if first < last else str(last)
        told = f"{row['team']} Rank {row['rank']}, likely {likely} Score {row['score']:.4f} ± "
        assert told in page
        assert f"F1 {row['quality']:.4f} ± {width:#.2g} Time ratio" in page


def test_a_reader_computes_nothing(
    competition: Competition, some: list[Team], plays: Plays
) -> None:
    plays(some[0])
    assert shown(competition) == {"Ash": None}
    assert not RankRange.objects.exists()


def test_the_sweep_computes_what_a_verdict_changed(
    competition: Competition, some: list[Team], plays: Plays
) -> None:
    plays(some[0])
    tasks.sweep()
    assert shown(competition) == {"Ash": (1, 1)}
    assert ranges.due() == []


def test_a_new_model_has_no_range_until_its_own_is_computed(
    competition: Competition, some: list[Team], plays: Plays
) -> None:
    plays(some[0])
    plays(some[1], time_ratio=1.01)
    ranges.renew_all()
    plays(some[0], wrong=0, seed=99)
    assert shown(competition) == {"Ash": None, "Birch": (1, 2)}
    ranges.renew_all()
    assert shown(competition)["Ash"]


def test_new_ranges_are_another_version_of_the_board(
    competition: Competition, some: list[Team], plays: Plays
) -> None:
    plays(some[0])
    before = rankings.Standing(competition, "public").version
    ranges.renew_all()
    after = rankings.Standing(competition, "public").version
    assert after != before
    ranges.renew_all()
    assert rankings.Standing(competition, "public").version == after


def test_another_name_is_another_version_and_leaves_the_ranges(
    competition: Competition, some: list[Team], plays: Plays, organizer: User
) -> None:
    plays(some[0])
    ranges.renew_all()
    before = rankings.Standing(competition, "public").version
    teams.rename(team=some[0], name="Aspen", reason="Rude", by=organizer)
    assert rankings.Standing(competition, "public").version != before
    assert ranges.due() == []
    assert shown(competition) == {"Aspen": (1, 1)}
    plays(some[1])
    teams.rename(team=some[1], name="Beech", reason="Rude", by=organizer)
    assert ranges.due()  # the verdict has changed the ranges


def test_only_new_models_are_drawn(
    competition: Competition, some: list[Team], plays: Plays, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    noise = doubt.noise

    def counted(labels: Any, given: Any, *rest: Any) -> Any:
        drawn.append(len(given))
        return noise(labels, given, *rest)

    monkeypatch.setattr(doubt, "noise", counted)
    monkeypatch.setattr(ranges, "remembered", {})
    for team, wrong in zip(some, (3, 5, 7), strict=False):
        plays(team, wrong=wrong)
    ranges.renew_all()
    plays(some[3], wrong=9)
    ranges.renew_all()
    assert drawn == [3, 1]
    before = shown(competition)
    monkeypatch.setattr(ranges, "remembered", {})
    Ranged.objects.all().delete()
    ranges.renew_all()
    assert drawn == [3, 1, 4]
    assert shown(competition) == before


def test_the_memory_of_models_is_bounded(
    competition: Competition, some: list[Team], plays: Plays, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "remembered", {})
    monkeypatch.setattr(ranges, "MOST", 2)
    for team, wrong in zip(some, (3, 5, 7), strict=False):
        plays(team, wrong=wrong)
        ranges.renew_all()
    assert len(ranges.remembered) == 2


def test_the_answers_to_the_private_split_change_nothing(
    competition: Competition, some: list[Team], plays: Plays
) -> None:
    for team in some:
        plays(team, time_ratio=1 + team.pk / 1000)
    ranges.renew_all()
    before = shown(competition)
    Answers.objects.update(private=b"\x02" * PRIVATE)
    Ranged.objects.all().delete()
    ranges.renew_all()
    assert shown(competition) == before


def test_teams_with_the_same_model_stand_one_after_the_other(
    competition: Competition, some: list[Team], plays: Plays
) -> None:
    plays(some[0], time_ratio=0.2, seed=7)
    plays(some[2], time_ratio=9.0)
    twin = some[1]
    twin_evaluation = plays(twin, time_ratio=5.0, seed=8)
    first = Entry.objects.get(team=some[0])
    Evaluation.objects.filter(pk=twin_evaluation.pk).update(
        answers=first.evaluation.answers, score_public=first.score
    )
    Entry.objects.filter(team=twin).update(score=first.score, quality=first.quality)
    ranges.renew_all()
    assert shown(competition) == {"Ash": (1, 1), "Birch": (2, 2), "Cedar": (3, 3)}


def test_a_model_whose_answers_were_not_kept_has_no_range(
    competition: Competition, some: list[Team], plays: Plays
) -> None:
    plays(some[0], is_kept=False)
    plays(some[1], time_ratio=5.0)
    ranges.renew_all()
    assert shown(competition) == {"Ash": None, "Birch": (2, 2)}


def test_a_model_below_the_gate_has_no_range(
    competition: Competition, some: list[Team], plays: Plays
) -> None:
    Competition.objects.update(min_quality=0.7)
    plays(some[0], wrong=2)
    plays(some[1], wrong=20)
    ranges.renew_all()
    assert shown(competition) == {"Ash": (1, 1), "Birch": None}


def test_a_team_that_leaves_the_board_leaves_its_range(
    competition: Competition, some: list[Team], plays: Plays
) -> None:
    plays(some[0])
    plays(some[1], time_ratio=5.0)
    ranges.renew_all()
    Competition.objects.update(min_quality=0.99)
    Entry.objects.filter(team=some[1]).update(is_ranked=False)
    Ranged.objects.all().delete()
    ranges.renew_all()
    assert set(RankRange.objects.values_list("team__name", flat=True)) == {"Ash"}


def test_a_board_that_took_long_waits(
    competition: Competition, some: list[Team], plays: Plays, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(some[0])
    ranges.renew_all()
    monkeypatch.setattr(ranges, "PAUSE", 20)
    Ranged.objects.update(at=timezone.now(), seconds=60)
    plays(some[1])
    assert ranges.due() == []
    Ranged.objects.update(at=timezone.now() - timedelta(seconds=60 * ranges.PAUSE))
    assert len(ranges.due()) == 1


def test_a_board_that_breaks_stops_no_other_and_is_tried_again_after_a_pause(
    competition: Competition, some: list[Team], plays: Plays, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(some[0])

    def broken(*_: object) -> None:
        raise OSError("The disk is gone.")

    monkeypatch.setattr(answers, "kept", broken)
    monkeypatch.setattr(ranges, "PAUSE", 20)
    ranges.renew_all()
    assert ranges.due() == []
    monkeypatch.undo()
    Ranged.objects.update(at=timezone.now() - timedelta(minutes=2))
    ranges.renew_all()
    assert shown(competition) == {"Ash": (1, 1)}


def test_after_publication_the_ranges_stay_as_they_were_told(
    competition: Competition, some: list[Team], plays: Plays
) -> None:
    plays(some[0])
    Competition.objects.update(published_at=timezone.now())
    ranges.renew_all()
    assert shown(competition) == {"Ash": (1, 1)}  # what nobody computed before
    plays(some[1])
    assert ranges.due() == []


def test_a_process_of_a_worker_computes_none(
    competition: Competition, some: list[Team], plays: Plays, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(some[0])
    monkeypatch.setattr(privileges, "may_update", lambda model: False)
    ranges.renew_all()
    assert shown(competition) == {"Ash": None}


def test_another_process_that_was_faster_is_not_written_over(
    competition: Competition, some: list[Team], plays: Plays, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(some[0])
    computed = ranges.computed

    def slow(*given: Any) -> Any:
        found = computed(*given)
        Ranged.objects.update_or_create(competition=competition, defaults={"version": "newer"})
        return found

    monkeypatch.setattr(ranges, "computed", slow)
    ranges.renew(competition)
    assert not RankRange.objects.exists()


def test_publishing_tells_how_many_teams_landed_in_their_range(
    competition: Competition, some: list[Team], plays: Plays, organizer: User
) -> None:
    for team, time_ratio in zip(some, (1.0, 9.0, 19.0, 39.0), strict=True):
        plays(team, time_ratio=time_ratio)
    ranges.renew_all()
    assert shown(competition) == {"Ash": (1, 1), "Birch": (2, 2), "Cedar": (3, 3), "Oak": (4, 4)}
    competitions.close(competition=competition, by=organizer)
    competition.refresh_from_db()
    competitions.publish(competition=competition, by=organizer)
    competition.refresh_from_db()
    standing = rankings.Standing(competition, "private")
    assert landing.of(standing) == Landed(inside=4, teams=4)
    assert all(row.likely is None for row in standing[:4])
    RankRange.objects.filter(team=some[0]).update(first=2, last=3)
    assert landing.of(standing) == Landed(inside=4, teams=4)  # of this version
    assert landing.of(rankings.Standing(competition, "public")) is None


def forecast(models: list[tuple[Evaluation, float]], competition: Competition) -> list[Any]:
    """The ranges of some models in the order of their scores, drawn here from their answers."""
    split = competition.dataset.split("public")
    keys = [one.pk for one, _ in models]
    kept = answers.kept(keys, split)
    given = kept.answers[[kept.rows[key] for key in keys]]
    drawn = doubt.noise(
        kept.labels, given, 3, competition.metric, doubt.multipliers(len(kept.labels))
    )
    slopes = []
    for one, _ in models:
        quality, h = one.quality_public or 0.0, 1e-6
        up, down = (competition.score(quality + step, 1.0).total for step in (h, -h))
        slopes.append((up - down) / (2 * h))
    scores = doubt.Scores(
        score=np.array([score for _, score in models]),
        slope=np.array(slopes),
        clock=np.array([(one.score_half_width or 0.0) / 1.96 for one, _ in models]),
    )
    found = doubt.forecast(scores, drawn, of_other=PUBLIC / PRIVATE)
    return list(zip(found.first.tolist(), found.last.tolist(), strict=True))


def test_ranks_in_a_track_have_ranges_among_its_own_models(
    competition: Competition,
    some: list[Team],
    plays: Plays,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    organizer: User,
) -> None:
    competition.tracks = [{"slug": "small", "name": "Small", "max_parameters": 100}]
    competition.save()
    ash, birch, cedar, oak = some
    first = [plays(team, time_ratio=0.5) for team in (ash, birch)]
    slow = [
        plays(ash, time_ratio=1.0, seed=500),
        plays(cedar, time_ratio=1.01),
        plays(oak, time_ratio=9.0),
    ]
    Submission.objects.update(parameters=50)
    Submission.objects.filter(evaluations__in=first).update(parameters=1000)
    placing.place(*some)
    ranges.renew_all()
    rows = rankings.Standing(competition, "public", track="small")[:9]
    found = {row.entry.team.name: (row.likely.first, row.likely.last) for row in rows}
    models = [(row.entry.evaluation, float(row.entry.score)) for row in rows]
    expected = forecast(models, competition)
    assert list(found.values()) == expected
    assert found == {"Ash": (1, 2), "Cedar": (1, 2), "Oak": (3, 3)}
    assert {one for one, _ in models} == {*slow}
    assert shown(competition)["Oak"] == (4, 4)
    # Page, API and CSV show them.
    address = "/competitions/waste/boards/public/?track=small"
    page = " ".join(client.get(address).content.decode().split())
    assert page.count("likely <span>1 to 2</span>") == 2
    assert "How sure the ranks are" in page
    api = "/api/v2/competitions/waste/boards/public"
    told = client.get(f"{api}?track=small").json()["results"]
    assert [(row["likely_first"], row["likely_last"]) for row in told] == list(found.values())
    lines = client.get(f"{api}.csv?track=small").getvalue().decode().splitlines()
    assert [int(row["likely_last"]) for row in csv.DictReader(lines)] == [2, 2, 3]
    # A better upload to the track takes the range away until the next one is computed.
    better = plays(oak, time_ratio=0.9, seed=501)
    Submission.objects.filter(evaluations=better).update(parameters=50)
    placing.place(oak)
    now = {
        row.entry.team.name: row.likely
        for row in rankings.Standing(competition, "public", track="small")[:9]
    }
    assert (now["Oak"], now["Ash"] is None) == (None, False)
    ranges.renew_all()
    assert TrackRange.objects.count() == 3
    assert ranges.due() == []
    # Very many teams get none, and the page says so.
    monkeypatch.setattr(ranges, "MOST_IN_TRACK", 2)
    versions.change(competition.pk)
    ranges.renew_all()
    assert TrackRange.objects.count() == 0
    page = client.get(address).content.decode()
    assert "shows no ranges of ranks" in page
    assert "How sure the ranks are" not in page
    assert shown(competition)["Oak"]
