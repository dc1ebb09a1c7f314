"""Organizers merge and split teams, and captains merge theirs, within what one team could use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leaderboard.errors import NotAllowed, Refused
from leaderboard.models import (
    AuditEntry,
    Competition,
    Declaration,
    Entry,
    Evaluation,
    MergeOffer,
    Notice,
    Rescore,
    Role,
    Submission,
    Team,
    User,
)
from leaderboard.models.rescore import FORMULA_FIELDS
from leaderboard.services import (
    bans,
    captains,
    merging,
    moves,
    offers,
    questions,
    quotas,
    rescoring,
    selections,
    submissions,
    teams,
    telling,
    webhooks,
)
from tests.leaderboard.admin.conftest import panel, press
from tests.leaderboard.api.conftest import API, client_of
from tests.leaderboard.conftest import person
from tests.leaderboard.web.conftest import browser, see, send, text

__all__ = ["browser", "panel", "press", "see", "send"]
pytestmark = pytest.mark.django_db

PAGE = "/competitions/waste/team/"


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refusal:
        act()
    return refusal.value.code


def test_an_organizer_merges_two_teams(
    team: Team,
    rivals: Team,
    scored: Callable[..., Submission],
    press: Any,
    see: Any,
    owner: User,
    rival: User,
    organizer: User,
) -> None:
    mine, theirs = scored(team, seed=1, time_ratio=0.9), scored(rivals, seed=2, time_ratio=0.5)
    selections.choose(team=team, submission_ids=[mine.pk], by=owner)
    selections.choose(team=rivals, submission_ids=[theirs.pk], by=rival)
    webhooks.add(team=rivals, url="https://hook.example", events=["scored"], by=rival)
    before = Competition.objects.get(pk=team.competition_id)
    questions.ask(competition=before, text="May we share a laptop?", by=rival)
    numbers = {name: getattr(before, name) for name in FORMULA_FIELDS} | {"k": before.k + 1}
    rescore = rescoring.propose(
        rescore=Rescore(competition=before, why="Why", **numbers), by=organizer
    )
    rescoring.apply(rescore=rescore, by=organizer)
    was = [(one.rank_before, one.rank_after, one.pair.before) for one in moves.of(rescore)]
    press(team, "merge", other="RIVALS", reason="They are one lab.")
    assert not Team.objects.filter(pk=rivals.pk).exists()
    stays = [(one.rank_before, one.rank_after, one.pair.before) for one in moves.of(rescore)]
    assert stays == was  # what a rescore did before the merge
    assert len(stays) == 2
    assert {one.pair.team_id for one in moves.of(rescore)} == {team.pk}
    members = team.memberships.order_by("joined_at")
    assert [one.user.username for one in members if one.is_captain] == ["owner"]
    assert {one.user.username for one in members} == {"owner", "teammate", "rival"}
    entry = Entry.objects.get(competition=before, board="public")
    assert (entry.team, entry.submission) == (team, theirs)  # the better of both
    assert Submission.objects.filter(team=team).exclude(selected_at=None).count() == 2
    assert not Evaluation.objects.filter(submission=theirs).exclude(team=team).exists()
    merged = Team.objects.get(pk=team.pk)
    assert (merged.sent, merged.last_sent_at) == (2, theirs.uploaded_at)
    assert quotas.of(merged, before).used == 2
    entry_of_log = AuditEntry.objects.get(act="teams_merged")
    assert (entry_of_log.subject, entry_of_log.why) == ("Sorters", "They are one lab.")
    assert entry_of_log.before == {"team": "Rivals", "members": ["rival"], "submissions": 1}
    telling.go_on(seconds=60)
    told = Notice.objects.filter(kind="team_changed")
    assert {one.user.username for one in told} == {"owner", "teammate", "rival"}
    assert str(theirs.pk) in text(see(rival, "/competitions/waste/submissions/"))
    assert questions.own(before, owner).get().asked_by == rival


def test_a_merge_stays_within_the_rules(
    team: Team,
    rivals: Team,
    scored: Callable[..., Submission],
    submit: Callable[..., Submission],
    organizer: User,
    owner: User,
) -> None:
    def merge(**fields: Any) -> Team:
        wishes: dict[str, Any] = {"into": team, "other": rivals, "reason": "Why", "by": organizer}
        return merging.merge(**wishes | fields)

    def having(**fields: Any) -> str:
        Competition.objects.update(**fields)
        return refused(merge)

    assert refused(lambda: merge(reason=" ")) == "reason_missing"
    assert refused(lambda: merge(by=owner)) == "not_allowed"
    assert refused(lambda: merge(other=team)) == "other_team"
    assert having(max_team_size=2) == "team_full"
    Competition.objects.update(max_team_size=5)
    ban = bans.ban(team=rivals, person=None, reason="Copies", by=organizer)
    with pytest.raises(NotAllowed) as banned:
        offers.ask(team=team, name="Rivals", by=owner)
    assert banned.value.code == "banned"
    assert "Copies" not in banned.value.detail  # another team's captain reads it
    bans.lift(ban=ban, by=organizer)
    waiting = submit(rivals, seed=1)
    assert refused(merge) == "evaluations_unfinished"
    submissions.withdraw(submission=waiting, by=User.objects.get(username="rival"))
    scored(rivals, seed=2)
    scored(team, seed=3)
    assert having(submissions_per_day=1) == "combined_quota"
    assert having(submissions_per_day=9, submissions_in_total=1) == "combined_quota"
    Competition.objects.update(submissions_in_total=2)
    past = timezone.now() - timedelta(hours=1)
    assert having(merge_deadline=past) == "merge_deadline_passed"
    assert having(state="published") == "merge_deadline_passed"
    assert refused(lambda: merge(is_late=True)) == "competition_not_open"
    Competition.objects.update(state="open")
    merge(is_late=True)
    quota = quotas.of(Team.objects.get(pk=team.pk), Competition.objects.get())
    assert (quota.left, quota.tightest.period) == (0, "total")


def test_earlier_days_allow_more(team: Team, rivals: Team, organizer: User, scored: Any) -> None:
    Competition.objects.update(submissions_per_day=1)
    scored(rivals, seed=2)
    scored(team, seed=3)
    Team.objects.filter(pk=team.pk).update(created_at=timezone.now() - timedelta(hours=25))
    assert merging.most_so_far(Competition.objects.get()) == 2
    merging.merge(into=team, other=rivals, reason="Why", by=organizer)


def test_captains_merge_their_teams(
    team: Team, rivals: Team, see: Any, send: Any, owner: User, rival: User, teammate: User
) -> None:
    asked = send(owner, f"{PAGE}merge/", name="rivals")
    assert "waiting for an answer" in text(asked)
    offer = MergeOffer.objects.get()
    telling.go_on(seconds=60)
    assert Notice.objects.get(kind="merge_asked").user == rival
    assert "Sorters asks your team" in text(see(rival, PAGE))
    assert refused(lambda: offers.ask(team=team, name="Rivals", by=owner)) == "asked_already"
    assert refused(lambda: offers.ask(team=team, name="Nobody", by=owner)) == "unknown_team"
    assert refused(lambda: offers.ask(team=team, name="Rivals", by=teammate)) == "not_captain"
    assert refused(lambda: offers.accept(offer=offer, by=owner)) == "not_a_member"
    send(rival, f"{PAGE}merge/{offer.pk}/", act="accept")
    assert teams.of(rival, team.competition) == team
    assert captains.of(team.memberships.select_related("user")).user == owner
    telling.go_on(seconds=60)
    assert Notice.objects.filter(kind="team_changed").count() == 3
    assert not MergeOffer.objects.exists()


def test_a_team_asks_so_often_in_a_day(
    team: Team, rivals: Team, owner: User, rival: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was taken back or declined counts, too: each was a notice for a captain."""
    monkeypatch.setattr(offers, "MOST_A_DAY", 2)
    asks = f"{API}/teams/{team.pk}/merges"
    for who in (owner, rival):
        made = client_of(owner).post(asks, {"team": "Rivals"}, format="json").json()
        own = f"{API}/teams/{(team if who == owner else rivals).pk}/merges"
        assert client_of(who).delete(f"{own}/{made['id']}").status_code == 204
        assert client_of(who).get(own).json() == []
        assert client_of(who).delete(f"{own}/{made['id']}").json()["code"] == "unknown_offer"
    refusal = client_of(owner).post(asks, {"team": "Rivals"}, format="json")
    assert (refusal.status_code, refusal.json()["code"]) == (409, "too_many_offers_today")
    MergeOffer.objects.update(asked_at=timezone.now() - timedelta(hours=25))
    assert client_of(owner).post(asks, {"team": "Rivals"}, format="json").status_code == 201
    assert MergeOffer.objects.count() == 1


def test_the_api_asks_declines_and_accepts(
    team: Team, rivals: Team, owner: User, rival: User, outsider: User
) -> None:
    mine, theirs = client_of(owner), client_of(rival)
    asks, answers = f"{API}/teams/{team.pk}/merges", f"{API}/teams/{rivals.pk}/merges"
    first = mine.post(asks, {"team": "Rivals"}, format="json").json()
    [shown] = theirs.get(answers).json()
    assert (shown["id"], shown["by_team"], shown["to_team"]) == (first["id"], "Sorters", "Rivals")
    assert client_of(outsider).get(asks).status_code == 404
    assert theirs.delete(f"{answers}/{first['id']}").status_code == 204
    assert mine.get(asks).json() == []
    second = mine.post(asks, {"team": "Rivals"}, format="json").json()
    Competition.objects.update(merge_deadline=timezone.now())
    late = theirs.post(f"{answers}/{second['id']}/accept")
    assert (late.status_code, late.json()["code"]) == (409, "merge_deadline_passed")
    Competition.objects.update(merge_deadline=None)
    merged = theirs.post(f"{answers}/{second['id']}/accept").json()
    assert (merged["id"], len(merged["members"])) == (team.pk, 3)


def test_a_person_is_split_off(
    team: Team, press: Any, organizer: User, owner: User, teammate: User, rival: User
) -> None:
    code = teams.invite(team=team, by=owner).code
    press(team, "split", username="owner", name="Solo", reason="They asked for it.")
    new = teams.of(owner, team.competition)
    assert new
    assert (new.name, new.memberships.get().is_captain) == ("Solo", True)
    assert team.memberships.get().user == teammate
    assert team.memberships.get().is_captain
    assert refused(lambda: teams.accept(code=code, by=rival)) == "invitation_unusable"
    entry = AuditEntry.objects.get(act="team_split")
    assert (entry.after, entry.why) == ({"person": "owner", "team": "Solo"}, "They asked for it.")
    telling.go_on(seconds=60)
    assert Notice.objects.filter(kind="team_changed").count() == 2

    def split() -> Team:
        return merging.split(team=team, username="teammate", name="Two", reason="Why", by=organizer)

    assert refused(split) == "last_member"


def test_viewers_look_and_a_new_name_is_told(
    team: Team, rivals: Team, press: Any, owner: User
) -> None:
    viewer = person("viewer")
    role = Role.objects.create(competition=team.competition, user=viewer, kind="viewer")
    looks = Client()
    looks.force_login(viewer, "django.contrib.auth.backends.ModelBackend")
    acts = ("rename", "merge", "split", "more_uploads", "take_back")
    urls = [reverse(f"admin:leaderboard_team_{act}", args=[team.pk]) for act in acts]
    assert {looks.post(url, {"reason": "Why"}).status_code for url in urls} == {403}
    role.kind = "organizer"
    role.save()
    sent = {"other": "Rivals", "reason": "Why"}
    assert looks.post(urls[1], sent).status_code == 302
    press(team, "rename", name="Polite", reason="The name was rude.")
    telling.go_on(seconds=60)
    told = Notice.objects.filter(user=owner, kind="team_changed").latest("pk")
    assert (told.facts["former"], told.facts["reason"]) == ("Sorters", "The name was rude.")
    with pytest.raises(NotAllowed):
        teams.rename(team=team, name="Mine", reason="Why", by=owner)


def test_a_revoked_word_about_a_track_stays_revoked(
    team: Team, rivals: Team, organizer: User
) -> None:
    Declaration.objects.create(team=team, track="students")
    revoked = Declaration.objects.create(
        team=rivals, track="students", revoked_at=timezone.now(), reason="No students."
    )
    merging.merge(into=team, other=rivals, reason="They asked.", by=organizer)
    left = Declaration.objects.get()
    assert (left.team, left.reason, left.revoked_at) == (team, revoked.reason, revoked.revoked_at)
