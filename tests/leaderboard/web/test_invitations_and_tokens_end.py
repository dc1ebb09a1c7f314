"""Invitations end with their maker or by hand, tokens with the password. Both are limited in
number.

Requests that come too fast are refused at every address.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse

from leaderboard.models import ApiToken, Invitation, Team, User
from leaderboard.services import teams, tokens
from leaderboard.throttling import WriteThrottle
from tests.leaderboard.api.conftest import API, client_of
from tests.leaderboard.web.conftest import text

TEAM = "/competitions/waste/team/"


def test_invitations_end_when_a_member_leaves_or_their_maker_is_inactive(
    team: Team, owner: User, teammate: User, send: Any, see: Any
) -> None:
    codes = [teams.invite(team=team, by=one).code for one in (owner, teammate)]
    send(owner, f"{TEAM}leave/")
    for code in codes:  # each member knew both
        assert see(None, f"/invitations/{code}/").status_code == 404
    later = teams.invite(team=team, by=teammate).code
    assert see(None, f"/invitations/{later}/").status_code == 200
    User.objects.filter(pk=teammate.pk).update(is_active=False)
    assert see(None, f"/invitations/{later}/").status_code == 404


def test_any_member_lists_and_revokes_them(
    team: Team, owner: User, teammate: User, rival: User, send: Any, see: Any
) -> None:
    first, second = (teams.invite(team=team, by=owner) for _ in range(2))
    page = text(see(teammate, TEAM))
    assert first.code in page
    assert "Created by owner, valid until" in page
    assert "revoked" in text(send(teammate, f"{TEAM}invitations/{first.pk}/revoke/"))
    assert see(rival, f"/invitations/{first.code}/").status_code == 404
    client = client_of(teammate)
    [listed] = client.get(f"{API}/teams/{team.pk}/invitations").json()
    assert (listed["id"], listed["code"], listed["invited_by"]) == (
        second.pk,
        second.code,
        "owner",
    )
    address = f"{API}/teams/{team.pk}/invitations/{second.pk}"
    assert client.delete(address).status_code == 204
    assert client.delete(address).json()["code"] == "invitation_unusable"
    joined = client_of(rival).post(f"{API}/teams/join", {"code": second.code})
    assert joined.json()["code"] == "invitation_unusable"


def test_at_most_as_many_are_open_as_a_team_has_members(
    team: Team, owner: User, see: Any, browser: Any
) -> None:
    most = team.competition.max_team_size
    for _ in range(most):
        teams.invite(team=team, by=owner)
    assert "revoke one" in text(see(owner, TEAM))
    page = browser(owner).post(f"{TEAM}invite/", headers={"referer": TEAM}, follow=True)
    assert "Revoke one first" in text(page)
    refused = client_of(owner).post(f"{API}/teams/{team.pk}/invitations")
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_invitations")
    assert Invitation.objects.filter(team=team, accepted_at=None).count() == most


def test_before_signing_in_the_page_says_who_invites_to_what(
    team: Team, owner: User, teammate: User, browser: Any
) -> None:
    url = f"/invitations/{teams.invite(team=team, by=owner).code}/"
    page = text(browser(None).get(url))
    for said in ("Join Sorters?", "owner invites you", "Waste sorting", f"?next={url}"):
        assert said in page
    for never in ("teammate", "example.org"):
        assert never not in page
    answer = browser(None).post(url)
    assert answer.headers["Location"].startswith("/accounts/login/")


def test_tokens_are_few(owner: User, send: Any) -> None:
    for number in range(tokens.MOST_TOKENS):
        tokens.issue(user=owner, name=f"CI {number}")
    assert "Revoke one first" in text(
        send(owner, "/profile/", name="one more", scope="read", days=30)
    )
    assert owner.auth_token_set.count() == tokens.MOST_TOKENS


@pytest.mark.parametrize("keeps", [False, True])
def test_a_new_password_ends_tokens_unless_they_are_kept(
    owner: User, browser: Any, keeps: bool
) -> None:
    tokens.issue(user=owner, name="CI")
    client = browser(owner)
    url = reverse("account_change_password")
    assert "Keep my API tokens" in text(client.get(url))
    wrong = {"oldpassword": "wrong", "password1": "another-passphrase", "password2": "x"}
    client.post(url, wrong)
    assert ApiToken.objects.count() == 1
    right = {"oldpassword": "a-long-passphrase"} | dict.fromkeys(
        ("password1", "password2"), "another-passphrase"
    )
    client.post(url, right | ({"keep_tokens": "on"} if keeps else {}))
    owner.refresh_from_db()
    assert owner.check_password("another-passphrase")
    assert ApiToken.objects.count() == keeps


def test_a_password_that_an_organizer_sets_ends_tokens(
    owner: User, organizer: User, browser: Any
) -> None:
    tokens.issue(user=owner, name="CI")
    url = reverse("admin:auth_user_password_change", args=[owner.pk])
    fields = dict.fromkeys(("password1", "password2"), "another-passphrase")
    browser(organizer).post(url, fields | {"usable_password": "true"})
    owner.refresh_from_db()
    assert owner.check_password("another-passphrase")
    assert not ApiToken.objects.exists()


def test_forms_and_api_share_one_limit(
    owner: User, team: Team, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WriteThrottle, "rate", "3/min")
    cache.clear()
    page, api = browser(owner), client_of(owner)
    assert page.post(f"{TEAM}invite/").status_code == 302
    assert api.post(f"{API}/teams/{team.pk}/invitations").status_code == 201
    assert page.post(f"{TEAM}invite/").status_code == 302
    refused = page.post(f"{TEAM}invite/")
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    assert "Too many changes" in text(refused)
    assert api.post(f"{API}/teams/{team.pk}/invitations").json()["code"] == "throttled"
    assert page.get(TEAM).status_code == 200
    assert Invitation.objects.filter(accepted_at=None).count() == 3
