"""From the freeze to the publication the public board shows nothing new to others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leaderboard import tasks
from leaderboard.errors import Conflict
from leaderboard.models import Competition, Entry, Notice, Rescore, Submission, Team, User
from leaderboard.services import (
    competitions,
    placing,
    preparing,
    recording,
    remeasuring,
    running,
    selections,
    submissions,
    teams,
    telling,
)
from tests.leaderboard.conftest import finish, report

Score = Callable[..., Submission]


@pytest.fixture
def score(competition: Competition, make_model: Callable[..., bytes]) -> Score:
    """Upload a new model, and record its quality."""
    number = iter(range(1, 100))

    def score(team: Team, by: User, quality: float) -> Submission:
        upload = ContentFile(make_model(seed=next(number)), name="model.pt")
        sent = submissions.submit(
            competition=competition, team=team, upload=upload, by=by, door="web"
        ).submission
        finish(sent.evaluation, report(quality_public=quality, quality_private=quality - 0.01))
        return sent

    return score


@pytest.fixture
def frozen(competition: Competition, team: Team, owner: User, score: Score) -> Submission:
    """A submission from before the freeze, which has begun now."""
    early = score(team, owner, 0.72)
    earlier = timezone.now() - timedelta(hours=2)
    Submission.objects.filter(pk=early.pk).update(uploaded_at=earlier)
    placing.place(team)
    Competition.objects.update(freezes_at=timezone.now() - timedelta(hours=1))
    competition.refresh_from_db()
    return early


def public(competition: Competition) -> dict[str, float]:
    entries = Entry.objects.filter(competition=competition, board=Entry.Board.PUBLIC)
    return {one.team.name: one.quality for one in entries.select_related("team")}


def everything(client: Client, competition: Competition, team: Team) -> str:
    """All that tells of the public board."""
    site, api = f"/competitions/{competition.slug}", f"/api/v2/competitions/{competition.slug}"
    pages = (
        "/",
        f"{site}/",
        f"{site}/boards/public/",
        f"{site}/boards/public/embed/",
        f"{api}/boards/public.csv",
        f"{site}/race/",
        f"{site}/teams/{team.pk}/",
        f"{site}/scoring/",
        api,
        f"{api}/boards/public",
        f"{api}/race",
        f"{api}/teams/{team.pk}",
    )
    answers = [client.get(one) for one in pages]
    assert [one.status_code for one in answers if one.status_code != 200] == []
    return "\n".join((b"".join(one) if one.streaming else one.content).decode() for one in answers)


def test_later_uploads_are_scored_and_move_nothing_that_others_see(
    competition: Competition, frozen: Submission, team: Team, owner: User, rival: User, score: Score
) -> None:
    other = teams.create(competition=competition, name="Latecomers", by=rival)
    reader = Client()
    before = public(competition)
    late = score(team, owner, 0.8125)
    score(other, rival, 0.8375)
    assert public(competition) == before == {"Sorters": 0.72}
    seen = everything(reader, competition, team)
    assert "is frozen" in seen
    assert not [one for one in ("0.8125", "0.8375", "0.812", "0.838") if one in seen]
    own = Client()
    own.force_login(owner)
    page = own.get(f"/submissions/{late.pk}/").content.decode()
    assert "0.8125" in page
    assert "on the frozen board" in page
    foreign = Client()
    foreign.force_login(rival)
    assert foreign.get(f"/submissions/{late.pk}/").status_code == 404
    assert "0.8125" not in everything(foreign, competition, team)


def test_a_decision_during_the_freeze_acts_on_what_the_board_shows(
    competition: Competition, frozen: Submission, team: Team, owner: User, score: Score
) -> None:
    score(team, owner, 0.81)
    submissions.withdraw(submission=frozen, by=owner)
    assert public(competition) == {}  # and not the later one


def test_the_publication_lets_the_board_go_on(
    competition: Competition,
    frozen: Submission,
    team: Team,
    owner: User,
    rival: User,
    organizer: User,
    score: Score,
) -> None:
    other = teams.create(competition=competition, name="Latecomers", by=rival)
    score(team, owner, 0.75)
    score(other, rival, 0.80)
    competitions.close(competition=competition, by=organizer)
    preparing.begin(competition)
    while preparing.step(competition):
        assert public(competition) == {"Sorters": 0.72}
    preparing.go_on(competition, seconds=1)
    competition.refresh_from_db()
    assert competition.is_published
    assert public(competition) == {"Sorters": 0.75, "Latecomers": 0.80}
    private = Entry.objects.filter(competition=competition, board=Entry.Board.PRIVATE)
    assert dict(private.values_list("team__name", "public_rank")) == {"Sorters": 2, "Latecomers": 1}
    assert "is frozen" not in everything(Client(), competition, team)
    assert "0.8000" in everything(Client(), competition, team)


def test_measuring_again_keeps_the_freeze_and_measures_what_it_will_show(
    competition: Competition,
    frozen: Submission,
    team: Team,
    owner: User,
    rival: User,
    organizer: User,
    score: Score,
) -> None:
    """What ranks is measured again: the row of today, and the row after the freeze, which is
    neither selected nor of the first private ones."""
    Competition.objects.update(final_selections=1)
    other = teams.create(competition=competition, name="Latecomers", by=rival)
    selections.choose(team=team, submission_ids=[frozen.pk], by=owner)
    late, new = score(team, owner, 0.8125), score(other, rival, 0.8375)
    desk = Client()
    desk.force_login(organizer)
    asked = {"why": "Cooler.", "scope": "best"}
    desk.post(reverse("admin:leaderboard_competition_measure_again", args=[competition.pk]), asked)
    again = {None: 0.653, frozen.pk: 0.7111, late.pk: 0.7777, new.pk: 0.7666}
    remeasured(competition, again)
    rescore = Rescore.objects.get()
    measured = (
        remeasuring.hidden(rescore).filter(state="scored").values_list("submission", flat=True)
    )
    assert set(measured) == set(again)
    assert "0.7777" not in everything(Client(), competition, team)
    desk.post(reverse("admin:leaderboard_rescore_apply", args=[rescore.pk]))
    competition.refresh_from_db()
    assert competition.formula_version == 2
    assert public(competition) == {"Sorters": 0.7111}
    own = Client()
    own.force_login(owner)
    assert "0.7777" in own.get(f"/submissions/{late.pk}/").content.decode()
    telling.go_on(seconds=5)
    assert not Notice.objects.filter(kind="overtaken").exists()
    seen = everything(Client(), competition, team)
    assert "is frozen" in seen
    assert not [one for one in ("0.7777", "0.778", "0.7666", "0.767") if one in seen]

    # A decision during the freeze shows what was measured of the uploads before it, and no later.
    submissions.withdraw(submission=frozen, by=owner)
    assert public(competition) == {}
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    competition.refresh_from_db()
    assert competition.is_published
    assert public(competition) == {"Sorters": 0.7777, "Latecomers": 0.7666}
    private = Entry.objects.filter(competition=competition, board=Entry.Board.PRIVATE)
    assert dict(private.values_list("team__name", "public_rank")) == {"Sorters": 1, "Latecomers": 2}
    assert "0.7777" in everything(Client(), competition, team)


def remeasured(competition: Competition, qualities: dict[int | None, float]) -> None:
    """Let a worker measure all of a rescore, by submission; None is the reference."""
    tasks.sweep()
    while claimed := running.claim(competition.profile):
        quality = qualities[claimed.submission_id]
        recording.record(claimed, report(quality_public=quality, quality_private=quality - 0.01))
        tasks.sweep()


def test_another_gate_keeps_the_freeze(
    competition: Competition,
    frozen: Submission,
    team: Team,
    owner: User,
    organizer: User,
    score: Score,
) -> None:
    score(team, owner, 0.80)
    competition.min_quality = 0.5
    competitions.edit(competition=competition, by=organizer)
    assert public(competition) == {"Sorters": 0.72}


def test_a_freeze_lies_in_the_future_and_is_fixed_once_it_has_come(
    competition: Competition, organizer: User
) -> None:
    competition.freezes_at = timezone.now() - timedelta(minutes=1)
    with pytest.raises(Conflict) as past:
        competitions.edit(competition=competition, by=organizer)
    assert past.value.code == "freeze_passed"
    competition.refresh_from_db()
    competition.freezes_at = timezone.now() + timedelta(minutes=1)
    competitions.edit(competition=competition, by=organizer)
    assert "freezes_at" not in competition.frozen_fields
    Competition.objects.update(freezes_at=timezone.now())
    competition.refresh_from_db()
    assert "freezes_at" in competition.frozen_fields
