"""A list of addresses becomes links, one for each; a link lets one account take part."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leaderboard import tasks
from leaderboard.errors import NotAllowed, NotFound, Refused
from leaderboard.models import AuditEntry, Competition, Guest, Role, User
from leaderboard.services import guests, teams
from tests.leaderboard import mail
from tests.leaderboard.admin.conftest import panel, press
from tests.leaderboard.api.conftest import API, client_of
from tests.leaderboard.web.conftest import browser, see, send, text

__all__ = ["browser", "panel", "press", "see", "send"]
pytestmark = pytest.mark.django_db

ADD = "admin:leaderboard_guest_add"
LIST = "ada@uni.example, bob@uni.example;\n  ADA@uni.example"


@pytest.fixture
def closed(draft: Competition) -> Competition:
    """Open, for invited people only."""
    Competition.objects.filter(pk=draft.pk).update(state="open", admission="invitation")
    return Competition.objects.get(pk=draft.pk)


@pytest.fixture
def inbox(settings: Any) -> Iterator[mail.Inbox]:
    settings.SITE_URL = "https://example.org"
    with mail.server(settings) as inbox:
        yield inbox


def test_a_pasted_list_is_sent_by_mail_and_taken_up_once(
    closed: Competition,
    inbox: mail.Inbox,
    panel: Client,
    see: Any,
    send: Any,
    outsider: User,
    rival: User,
) -> None:
    fields = {"competition": closed.pk, "days": 14}
    wrong = panel.post(reverse(ADD), fields | {"addresses": "ada@uni.example nobody"})
    assert "nobody" in wrong.content.decode()  # the list stays, to be mended
    assert not Guest.objects.exists()
    panel.post(reverse(ADD), fields | {"addresses": LIST})
    tasks.post()
    tasks.post()
    assert [one["To"] for one in inbox.mails] == ["ada@uni.example", "bob@uni.example"]
    guest = Guest.objects.get(address="ada@uni.example")
    url = guest.get_absolute_url()
    for body in mail.parts(inbox.mails[0]):
        assert f"https://example.org{url}" in body
    assert "Sign in to accept" in text(see(None, url))
    with pytest.raises(NotAllowed):
        teams.compete_alone(competition=closed, by=outsider)
    assert "Create a team" in text(send(outsider, url))
    teams.compete_alone(competition=closed, by=outsider)
    assert see(rival, url).status_code == 404  # it is used
    acts = AuditEntry.objects.filter(subject="ada@uni.example").order_by("pk")
    assert list(acts.values_list("act", "by_name")) == [
        ("guest_invited", "organizer"),
        ("guest_came", "outsider"),
    ]
    bob = Guest.objects.get(address="bob@uni.example")
    Role.objects.create(competition=closed, user=rival, kind="viewer")
    page = reverse("admin:leaderboard_guest_change", args=[bob.pk])
    assert bob.code in text(panel.get(page))
    looked = text(see(rival, page))
    assert "bob@uni.example" in looked
    assert bob.code not in looked  # whoever has it can take part
    page = panel.get(reverse("admin:leaderboard_guest_changelist")).content.decode()
    assert "accepted" in page
    assert guest.code not in page
    stored = str(list(AuditEntry.objects.values("before", "after", "subject")))
    assert guest.code not in stored


def test_a_link_is_renewed_revoked_and_expires(
    closed: Competition, press: Any, organizer: User, outsider: User, rival: User
) -> None:
    def invite(address: str) -> list[Guest]:
        return guests.invite(competition=closed, addresses=address, days=7, by=organizer)

    [first] = invite("ada@uni.example")
    [second] = invite("Ada@uni.example")
    assert (first.pk, first.code != second.code) == (second.pk, True)
    api = client_of(outsider)
    address = f"{API}/competitions/waste/invitation"
    got = api.post(address, {"code": first.code}, format="json")
    assert (got.status_code, got.json()["code"]) == (404, "invitation_unusable")
    assert api.post(address, {"code": second.code}, format="json").json()["is_admitted"]
    assert invite("ada@uni.example") == []  # who has come stays
    [third] = invite("bob@uni.example")
    Guest.objects.filter(pk=third.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(NotFound):
        guests.accept(slug="waste", code=third.code, by=rival)
    press(third, "revoke", audit_why="Wrong address")
    assert AuditEntry.objects.get(act="guest_revoked").why == "Wrong address"
    teams.compete_alone(competition=closed, by=outsider)
    with pytest.raises(Refused, match="Ban the person"):
        guests.revoke(guest=second, by=organizer)


def test_who_may_invite_and_how_many(
    closed: Competition, organizer: User, outsider: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(addresses: str = "a@b.example", days: int = 7, by: User = organizer) -> str:
        with pytest.raises(Refused) as refusal:
            guests.invite(competition=closed, addresses=addresses, days=days, by=by)
        return refusal.value.code

    monkeypatch.setattr(guests, "MOST_ADDRESSES", 1)
    assert refused("a@b.example b@b.example") == "too_many_addresses"
    assert refused(days=0) == "bad_days"
    assert refused(by=outsider) == "not_allowed"
    Competition.objects.update(state="published")
    assert refused() == "competition_over"


def test_an_invited_person_comes_before_the_opening(
    draft: Competition, organizer: User, outsider: User, send: Any
) -> None:
    [guest] = guests.invite(competition=draft, addresses="ada@uni.example", days=7, by=organizer)
    assert "as soon as Waste sorting opens" in text(send(outsider, guest.get_absolute_url()))
    Competition.objects.update(state="open", admission="approval")
    draft.refresh_from_db()
    assert teams.compete_alone(competition=draft, by=outsider)
