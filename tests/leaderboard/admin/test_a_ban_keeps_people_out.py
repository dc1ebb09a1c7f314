"""A banned team or person neither uploads nor joins, reads why, and may be let in again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from leaderboard.errors import NotAllowed, Refused
from leaderboard.models import AuditEntry, Ban, Entry, Submission, Team, User
from leaderboard.services import bans, captains, teams, trials

pytestmark = pytest.mark.django_db


def test_a_team_is_banned_and_let_in_again(
    panel: Client,
    press: Callable[..., Any],
    team: Team,
    owner: User,
    outsider: User,
    scored: Callable[..., Submission],
    submit: Any,
    teammate: User,
    make_model: Callable[..., bytes],
) -> None:
    scored(team, seed=1)
    code = teams.invite(team=team, by=owner).code
    press(team, "ban", who="", reason="Two teams of one person.")
    for act in (
        lambda: submit(team, seed=2),
        lambda: trials.begin(
            competition=team.competition,
            team=team,
            upload=ContentFile(make_model(2), name="m.pt"),
            by=owner,
        ),
        lambda: teams.invite(team=team, by=owner, to="ada@uni.example"),
        lambda: teams.accept(code=code, by=outsider),
        lambda: teams.leave(team=team, by=teammate),  # who would make another team
        lambda: captains.remove_member(team=team, username="teammate", by=owner),
    ):
        with pytest.raises(NotAllowed, match="Two teams of one person") as refusal:
            act()
        assert refusal.value.code == "banned"
    assert Entry.objects.filter(team=team).exists()  # the row stays
    ban = Ban.objects.get()
    page = panel.get(reverse("admin:leaderboard_team_change", args=[team.pk])).content.decode()
    assert reverse("admin:leaderboard_ban_change", args=[ban.pk]) in page, "where it is lifted"
    assert "Two teams of one person." in page
    for told in ("Scored", "Captain", "Public score"):
        assert told in page
    assert reverse("admin:leaderboard_team_ban", args=[team.pk]) not in page
    press(ban, "lift", audit_why="A mistake")
    submit(team, seed=2)
    acts = AuditEntry.objects.filter(act__in=("banned", "ban_lifted")).order_by("pk")
    assert list(acts.values_list("act", "by_name", "why")) == [
        ("banned", "organizer", "Two teams of one person."),
        ("ban_lifted", "organizer", "A mistake"),
    ]


def test_a_person_is_banned_and_the_team_goes_on(
    press: Callable[..., Any], team: Team, owner: User, teammate: User, organizer: User, submit: Any
) -> None:
    press(team, "ban", who=str(teammate.pk), reason="Shared the images.")
    submit(team, seed=1)  # by the owner
    teams.leave(team=team, by=teammate)
    with pytest.raises(NotAllowed, match="Shared the images"):
        teams.create(competition=team.competition, name="New", by=teammate)
    with pytest.raises(Refused) as refusal:
        bans.ban(team=team, person=teammate, reason="Again", by=organizer)
    assert refusal.value.code == "banned_already"
    with pytest.raises(NotAllowed):
        bans.ban(team=team, person=None, reason="No organizer", by=owner)
