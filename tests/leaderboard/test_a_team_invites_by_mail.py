"""An address that no account has confirmed gets the invitation by mail, from a real mail server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from leaderboard import tasks
from leaderboard.models import Competition, Invitation, Letter, Team, User
from leaderboard.services import people, teams
from tests.leaderboard import mail
from tests.leaderboard.api.conftest import API, client_of
from tests.leaderboard.web.conftest import browser, see, send, text

__all__ = ["browser", "see", "send"]
INVITE = "/competitions/waste/team/invite/"


@pytest.fixture
def inbox(settings: Any, team: Team) -> Iterator[mail.Inbox]:
    settings.SITE_URL = "https://example.org"
    Competition.objects.update(max_team_size=50)
    with mail.server(settings) as inbox:
        yield inbox


def test_an_address_gets_a_mail_and_can_end_such_mails(
    inbox: mail.Inbox, owner: User, outsider: User, rival: User, send: Any
) -> None:
    EmailAddress.objects.create(user=outsider, email=outsider.email, verified=True, primary=True)
    said = {
        text(send(owner, INVITE, to=address)).count(f"{address} gets a notice or a mail")
        for address in ("ada@uni.example", outsider.email)
    }
    assert said == {1}, "the same answer, with an account or without"
    tasks.post()
    [got] = [one for one in inbox.mails if one["To"] == "ada@uni.example"]
    assert got["Subject"] == "owner invites you to the team Sorters"
    code = Invitation.objects.get(sent_to="ada@uni.example").code
    for body in mail.parts(got):
        assert "Waste sorting" in body
        assert f"https://example.org/invitations/{code}/" in body
    [notice] = [one for one in inbox.mails if one["To"] == outsider.email]
    assert notice["Message-ID"].startswith("<notice-")
    assert set(Letter.objects.values_list("address", "mail_at")) == {("", None)}
    teams.accept(code=code, by=rival)

    stop = got["List-Unsubscribe"].strip(" <>").removeprefix("https://example.org")
    assert "ada" not in stop
    anybody = Client(enforce_csrf_checks=True)
    assert "Stop these mails?" in text(anybody.get(stop))
    inbox.mails.clear()
    people.choose_language(person=owner, code="ko")
    send(owner, INVITE, to="Bob@uni.example")
    send(owner, INVITE, to="revoked@uni.example")
    Invitation.objects.filter(sent_to="revoked@uni.example").delete()
    assert "You get no more" in text(anybody.post(stop, {"List-Unsubscribe": "One-Click"}))
    send(owner, INVITE, to="ADA@uni.example")
    tasks.post()
    [korean] = inbox.mails
    assert korean["To"] == "Bob@uni.example"
    assert "초대" in korean["Subject"]
    assert anybody.post(f"{stop[:-1]}x/").status_code == 404


def test_a_team_invites_some_addresses_in_a_day(inbox: mail.Inbox, team: Team, owner: User) -> None:
    api = client_of(owner)

    def invite(to: str) -> str:
        got = api.post(f"{API}/teams/{team.pk}/invitations", {"to": to}, format="json")
        return str(got.json().get("code", "")) if got.status_code != 201 else "made"

    assert invite("no@address") == "no_mail_address"
    addresses = [f"person{number}@uni.example" for number in range(11)]
    assert [invite(one) for one in addresses] == ["made"] * 10 + ["too_many_addresses_today"]
    Invitation.objects.all().delete()
    assert invite(addresses[10]) == "too_many_addresses_today", "revoking gives none back"
    Letter.objects.update(created_at=timezone.now() - timedelta(days=1))
    assert invite(addresses[10]) == "made"
