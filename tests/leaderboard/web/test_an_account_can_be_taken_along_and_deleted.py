"""A copy of the account, and its end: what goes, what remains, and what forbids it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from leaderboard.errors import NotAllowed
from leaderboard.models import (
    ApiToken,
    AuditEntry,
    Ban,
    Competition,
    Entry,
    Guest,
    Invitation,
    Membership,
    Notice,
    Role,
    Submission,
    Team,
    User,
)
from leaderboard.services import (
    bans,
    competitions,
    guests,
    submissions,
    teams,
    telling,
    tokens,
    webhooks,
)
from tests.leaderboard.web.conftest import text

pytestmark = pytest.mark.django_db
DELETE = "/profile/delete/"


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """A browser whose person has just typed the password, which a deletion requires."""

    def sign_in(person: User) -> Client:
        client = Client()
        login = {"login": person.username, "password": "a-long-passphrase"}
        assert client.post("/accounts/login/", login).status_code == 302
        client.post("/accounts/reauthenticate/", {"password": "a-long-passphrase"})
        return client

    return sign_in


def take_up(person: User, of: Team, organizer: User) -> None:
    """Invitations of another team and of organizers, as if the person had taken them up."""
    taken = {"accepted_by": person, "accepted_at": timezone.now()}
    invitation = teams.invite(team=of, by=of.members.get(), to="OWNER@example.org")
    Invitation.objects.filter(pk=invitation.pk).update(**taken)
    guests.invite(competition=of.competition, addresses="o@example.org", days=7, by=organizer)
    Guest.objects.update(**taken)


def test_a_copy_has_all_that_is_mine_and_no_more(
    organizer: User,
    team: Team,
    owner: User,
    teammate: User,
    rivals: Team,
    scored: Callable[..., Submission],
    browser: Any,
    tmp_path: Path,
) -> None:
    mine = scored(team, 1, quality_public=0.70004321, quality_private=0.6123)
    scored(rivals, 2)
    _, secret = tokens.issue(user=owner, name="CI", scope="read")
    teams.invite(team=team, by=owner, to="outsider@example.org")
    webhooks.add(team=team, url="https://hook.example", events=["scored"], by=owner)
    applied = team.competition.applications.create(user=owner, answers=[{"question": "Why?"}])
    take_up(owner, rivals, organizer)
    telling.go_on(seconds=60)
    assert browser(owner).get("/profile/copy/").status_code == 405
    answer = browser(owner).post("/profile/copy/")
    body = b"".join(answer.streaming_content)
    assert len(body) == int(answer.headers["Content-Length"])
    copy = zipfile.ZipFile(io.BytesIO(body))
    found = {name: copy.read(name) for name in copy.namelist()}
    models = [name for name in found if name.startswith("models/")]
    assert models == [f"models/{mine.pk}-model1.pt"]
    with mine.file.open("rb") as sent:
        assert found[models[0]] == sent.read()
    told = {name: json.loads(found[name]) for name in found if name.endswith(".json")}
    assert told["account.json"]["email"] == "owner@example.org"
    assert told["account.json"]["tokens"][0]["scope"] == "read"
    assert [one["team"] for one in told["teams.json"]] == ["Sorters"]
    [sent_in] = told["submissions.json"]
    assert (sent_in["id"], sent_in["quality_public"]) == (mine.pk, 0.7)
    assert told["notices.json"][0]["title"].startswith(f"Submission #{mine.pk}")
    assert told["invitations.json"][0]["sent_to"] == "outsider@example.org"
    assert [one["answers"] for one in told["applications.json"]] == [applied.answers]
    assert [(one["team"], one["sent_to"]) for one in told["taken_invitations.json"]] == [
        ("Rivals", "OWNER@example.org"),
        (None, "o@example.org"),
    ]
    del found["taken_invitations.json"]  # which names the teams that invited
    whole = b"".join(value for name, value in found.items() if name.endswith(".json")).decode()
    # Neither the hidden split, nor a secret, nor another person.
    for never in ("0.6123", "quality_private", secret, "password", "whsec", "teammate", "Rivals"):
        assert never not in whole
    assert sent_in["model"] == models[0]
    target = tmp_path / "copy.zip"
    call_command("account", "export", "owner", "--output", str(target))
    assert zipfile.ZipFile(target).namelist() == copy.namelist()
    Path(mine.file.path).unlink()  # as on a damaged disk: the copy comes without it, and says so
    call_command("account", "export", "owner", "--output", str(target))
    left = zipfile.ZipFile(target)
    assert set(copy.namelist()) - set(left.namelist()) == {models[0]}
    assert json.loads(left.read("submissions.json"))[0]["model"] is None


def test_a_member_goes_and_the_team_goes_on(
    team: Team,
    rivals: Team,
    owner: User,
    teammate: User,
    rival: User,
    organizer: User,
    scored: Callable[..., Submission],
    signed_in: Any,
) -> None:
    mine = scored(team, 1)
    take_up(owner, rivals, organizer)
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True)
    teams.invite(team=rivals, by=rival, to="owner")
    guests.invite(competition=team.competition, addresses="owner@example.org", days=7, by=organizer)
    teams.invite(team=team, by=owner, to="rival")
    code = teams.invite(team=team, by=teammate).code
    webhooks.add(team=team, url="https://hook.example", events=["scored"], by=owner)
    tokens.issue(user=owner, name="CI")
    telling.go_on(seconds=60)
    browser = signed_in(owner)
    assert "What is kept" in text(browser.get(DELETE))
    wrong = browser.post(DELETE, {"username": "teammate"})
    assert (wrong.status_code, User.objects.filter(username="owner").count()) == (400, 1)
    done = text(browser.post(DELETE, {"username": "owner"}, follow=True))
    assert "Your account is deleted." in done
    assert "Sign up" in done
    assert not User.objects.filter(username="owner").exists()
    assert not ApiToken.objects.exists()
    assert not Notice.objects.exclude(user=teammate).exists()
    # No invitation, taken or open, tells a name or an address of the person.
    assert set(Invitation.objects.values_list("sent_to", flat=True)) == {""}
    assert not Guest.objects.exists()
    left = Membership.objects.get(team=team)
    assert (left.user, left.is_captain) == (teammate, True)
    assert not team.webhooks.exists()
    assert Client().get(f"/invitations/{code}/").status_code == 404
    mine.refresh_from_db()
    assert mine.uploaded_by is None
    team.refresh_from_db()
    assert team.name == "Sorters"
    entry = AuditEntry.objects.get(act="account_deleted")
    assert entry.subject.isdigit()


def test_the_last_member_of_a_running_team_is_told_what_to_do(
    rivals: Team, rival: User, scored: Callable[..., Submission], signed_in: Any
) -> None:
    one = scored(rivals, 1)
    browser = signed_in(rival)
    assert "Invite another person, withdraw" in text(browser.get(DELETE))
    refused = browser.post(DELETE, {"username": "rival"})
    assert refused.status_code == 409
    with pytest.raises(CommandError, match="account_in_use"):
        call_command("account", "delete", "rival", "--yes")
    submissions.withdraw(submission=one, by=rival)
    browser.post(DELETE, {"username": "rival"})
    assert not User.objects.filter(username="rival").exists()


def test_on_a_published_board_the_row_stays_without_a_name(
    team: Team,
    rivals: Team,
    rival: User,
    organizer: User,
    scored: Callable[..., Submission],
) -> None:
    scored(team, 1)
    scored(rivals, 2)
    competition = rivals.competition
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    address = "/competitions/waste/boards/private/"
    assert "Rivals" in text(Client().get(address))
    rows = Entry.objects.count()
    call_command("account", "delete", "rival", "--yes", "--json")
    page = text(Client().get(address))
    assert "Rivals" not in page
    assert f"deleted-{rivals.pk}" in page
    assert Entry.objects.count() == rows
    kept = Submission.objects.get(team=rivals)
    assert (kept.uploaded_by, kept.file_name, kept.note) == (None, "", "")


def test_a_ban_outlives_the_account(team: Team, owner: User, rival: User, organizer: User) -> None:
    competition = team.competition
    bans.ban(team=team, person=owner, reason="Two accounts.", by=organizer)
    # An address that the person only claims, of somebody else, is not banned.
    EmailAddress.objects.create(user=owner, email=rival.email, verified=False)
    call_command("account", "delete", "owner", "--yes")
    kept = competition.bans.get()
    assert (kept.team, kept.user) == (None, None)
    assert "owner" not in str(kept) + str(kept.mail_hash)
    again = User.objects.create_user("new", email="OWNER@example.org")
    with pytest.raises(NotAllowed, match="Two accounts"):
        teams.create(competition=competition, name="Newcomers", by=again)
    teams.create(competition=competition, name="Rivals", by=rival)
    bans.lift(ban=kept, by=organizer)
    teams.create(competition=competition, name="Newcomers", by=again)


def test_a_ban_keeps_confirmed_addresses_where_mails_are_sent(
    settings: Any, team: Team, owner: User, organizer: User
) -> None:
    settings.EMAIL_URL = "smtp://mail.example:25"
    bans.ban(team=team, person=owner, reason="Two accounts.", by=organizer)
    EmailAddress.objects.create(user=owner, email="work@uni.example", verified=True)
    call_command("account", "delete", "owner", "--yes")
    people = [
        User.objects.create_user(name, email=address)
        for name, address in (("one", "owner@example.org"), ("two", "Work@uni.example"))
    ]
    found = [Ban.objects.against(person, team.competition) for person in people]
    assert [one is not None for one in found] == [False, True]


def test_an_organizer_and_a_stranger_are_refused(
    organizer: User, browser: Any, owner: User, rival: User, competition: Competition
) -> None:
    Role.objects.create(competition=competition, user=rival, kind="organizer")
    for name in ("organizer", "rival"):
        with pytest.raises(CommandError, match="account_organizes"):
            call_command("account", "delete", name, "--yes")
    with pytest.raises(CommandError, match="no account nobody"):
        call_command("account", "delete", "nobody", "--yes")
    # A browser that was left open is asked for the password first.
    page = browser(owner).post(DELETE, {"username": "owner"})
    assert page.headers["Location"].startswith("/accounts/reauthenticate/")
    assert User.objects.filter(username="owner").exists()
