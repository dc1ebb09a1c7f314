"""Like addresses, like names, and the same models: signs for organizers, and for nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from leaderboard.models import Competition, Membership, Submission, Team, User
from leaderboard.services import doubles, merging, teams
from leaderboard.services.doubles import Sign
from tests.leaderboard.admin.conftest import panel
from tests.leaderboard.api.conftest import API, client_of
from tests.leaderboard.conftest import person
from tests.leaderboard.web.conftest import browser, see, text

__all__ = ["browser", "panel", "see"]
pytestmark = pytest.mark.django_db


def found(competition: Competition) -> dict[tuple[str, str], set[Sign]]:
    return {
        (one.first.user.username, one.second.user.username): set(one.signs)
        for one in doubles.doubles(competition)
    }


def test_addresses_names_and_models_are_signs(
    team: Team,
    rivals: Team,
    submit: Callable[..., Submission],
    owner: User,
    rival: User,
    organizer: User,
) -> None:
    competition = team.competition
    assert found(competition) == {}
    EmailAddress.objects.create(user=rival, email="O.wn.er+two@EXAMPLE.org", verified=False)
    copy = person("0wner")
    teams.create(competition=competition, name="Third", by=copy)
    assert found(competition) == {
        ("owner", "rival"): {Sign.MAIL},
        ("owner", "0wner"): {Sign.NAME},
    }
    submit(team, seed=1)
    submit(rivals, seed=1)  # no board yet: only what stands on it is compared
    assert found(competition)["owner", "rival"] == {Sign.MAIL}
    # Members of one team are no two accounts of one person in two teams.
    Membership.objects.filter(user=copy).update(team=team, is_captain=False)
    teams.create(competition=competition, name="Fourth", by=person("somebody"))
    assert ("owner", "0wner") not in found(competition)
    merging.split(team=team, username="0wner", name="Fifth", reason="Asked.", by=organizer)
    assert found(competition)["owner", "0wner"] == {Sign.NAME}


def test_the_same_model_adds_to_the_signs_of_its_uploaders(
    team: Team, rivals: Team, scored: Any, submit: Callable[..., Submission], rival: User
) -> None:
    scored(team, seed=1)
    submit(rivals, seed=1)
    User.objects.filter(pk=rival.pk).update(email="owner+x@example.org")
    [double] = doubles.doubles(team.competition)
    assert double.signs == (Sign.MAIL, Sign.MODEL)


def test_a_pattern_of_many_is_no_sign(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doubles, "ALIKE", 2)
    for number in range(3):
        one = person(f"student{number}")
        User.objects.filter(pk=one.pk).update(email=f"lab+{number}@uni.example")
        teams.create(competition=team.competition, name=f"Lab {number}", by=one)
    assert found(team.competition) == {}


def test_only_the_panel_shows_them(
    team: Team, rivals: Team, panel: Client, see: Any, owner: User, rival: User
) -> None:
    User.objects.filter(pk=rival.pk).update(email="own.er@example.org")
    page = reverse("admin:leaderboard_competition_change", args=[team.competition.pk])
    shown = panel.get(page).content.decode()
    assert "same except for dots" in shown
    assert "own.er@example.org" not in shown  # addresses are for operators, on the person's page
    for part in ("team/", "", "boards/public/"):
        assert "same except for dots" not in text(see(owner, f"/competitions/waste/{part}"))
    assert "doubles" not in client_of(owner).get(f"{API}/competitions/waste").content.decode()
