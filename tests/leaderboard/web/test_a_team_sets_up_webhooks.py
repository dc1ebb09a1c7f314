"""The page of a team's webhooks: a secret that is shown once, a log, and buttons."""

from __future__ import annotations

from typing import Any

from leaderboard.models import Delivery, Team, User, Webhook
from tests.leaderboard.web.conftest import text

PAGE = "/competitions/waste/team/webhooks/"


def add(send: Any, person: User) -> str:
    return text(send(person, PAGE, address="https://hook.example/a", events=["scored", "failed"]))


def test_the_secret_is_shown_once(see: Any, send: Any, team: Team, owner: User) -> None:
    page = add(send, owner)
    webhook = Webhook.objects.get()
    assert webhook.secret in page
    assert webhook.secret not in text(see(owner, PAGE))
    assert webhook.secret not in text(see(owner, f"{PAGE}{webhook.pk}/"))


def test_a_reload_after_the_form_adds_no_other_webhook(
    send: Any, browser: Any, team: Team, owner: User
) -> None:
    fields = {"address": "https://hook.example/a", "events": ["scored"]}
    answer = send(owner, PAGE, follow=False, **fields)
    assert (answer.status_code, answer.headers["Location"]) == (302, PAGE)
    answer = send(owner, PAGE, **fields)
    assert answer.redirect_chain == [(PAGE, 302)]
    again = answer.client.get(PAGE)  # a reload asks for the page that stands in the browser
    assert Webhook.objects.count() == 2
    for webhook in Webhook.objects.all():
        assert webhook.secret not in text(again)


def test_a_refused_address_stays_a_sentence(send: Any, team: Team, owner: User) -> None:
    page = text(send(owner, PAGE, address="https://127.0.0.1/", events=["scored"]))
    assert "Webhooks reach public addresses only" in page
    assert not Webhook.objects.exists()


def test_a_member_tries_an_address_reads_the_log_and_sends_again(
    see: Any, send: Any, team: Team, owner: User
) -> None:
    add(send, owner)
    one = f"{PAGE}{Webhook.objects.get().pk}/"
    send(owner, f"{one}act/", ping="1")
    delivery = Delivery.objects.get()
    assert "waiting" in text(see(owner, one))
    Delivery.objects.update(status=500, error="bad_status", due_at=None, attempts=8)
    assert "500 refused the call" in text(see(owner, one))
    send(owner, f"{one}deliveries/{delivery.pk}/")
    delivery.refresh_from_db()
    assert delivery.due_at
    send(owner, f"{one}act/", remove="1")
    assert not Webhook.objects.exists()


def test_another_team_sees_and_does_nothing(
    see: Any, send: Any, team: Team, owner: User, rivals: Team, rival: User
) -> None:
    add(send, owner)
    one = f"{PAGE}{Webhook.objects.get().pk}/"
    assert see(rival, one).status_code == 404
    send(rival, f"{one}act/", remove="1")
    assert Webhook.objects.exists()
    assert "hook.example" not in text(see(rival, PAGE))
