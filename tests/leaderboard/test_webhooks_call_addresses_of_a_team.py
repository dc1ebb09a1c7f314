"""Webhooks: signed calls to a real server on this machine, repeated, logged, and never too far."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.utils import timezone

from leaderboard import tasks
from leaderboard.errors import Refused
from leaderboard.models import (
    Announcement,
    Competition,
    Delivery,
    Happening,
    Notice,
    Submission,
    Team,
    User,
    Webhook,
)
from leaderboard.services import (
    announcements,
    captains,
    competitions,
    delivering,
    outgoing,
    signing,
    teams,
    webhooks,
)
from tests.leaderboard.conftest import failure, finish

Event = Webhook.Event


class Receiver:
    """A server that keeps the calls it gets. `status`: its next answer. `gate`: it answers once
    this is open."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.status, self.location, self.gate = 204, "", threading.Event()
        self.gate.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.calls.append((headers, body))
                receiver.gate.wait()
                self.send_response(receiver.status)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.end_headers()

            def log_message(self, *words: Any) -> None: ...

        self.server = ThreadingHTTPServer((host, 0), Handler)
        self.url = f"http://{host}:{self.server.server_port}/hook"

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.calls]


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.1/32")]
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def webhook(receiver: Receiver, team: Team, owner: User) -> Webhook:
    tasks.post()
    return webhooks.add(team=team, url=receiver.url, events=Event.values, by=owner)


def due_again() -> None:
    Delivery.objects.exclude(due_at=None).update(due_at=timezone.now() - timedelta(seconds=1))


def test_a_score_is_called_out_and_signed(
    receiver: Receiver, webhook: Webhook, team: Team, scored: Callable[..., Submission]
) -> None:
    sent = scored(team, quality_public=0.75, quality_private=0.6123, time_ratio=0.5)
    tasks.post()
    said = {body["event"]: body for body in receiver.bodies()}
    assert set(said) == {"scored", "rank_changed"}
    assert said["scored"]["submission"]["id"] == sent.pk
    assert said["scored"]["team"] == {"id": team.pk, "name": "Sorters"}
    assert said["scored"]["rank"] == 1
    assert said["rank_changed"]["rank"] == 1
    assert said["rank_changed"]["previous_rank"] is None
    for headers, body in receiver.calls:
        assert b"0.6123" not in body  # of the private split
        key = base64.b64decode(webhook.secret.removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        age = timezone.now().timestamp() - int(headers["webhook-timestamp"])
        assert 0 <= age < 300


def test_a_failure_says_its_code(
    receiver: Receiver, webhook: Webhook, team: Team, submit: Callable[..., Submission]
) -> None:
    finish(submit(team).latest_evaluation, failure())
    tasks.post()
    [body] = receiver.bodies()
    assert (body["event"], body["code"]) == ("failed", "wrong_output")


def test_a_rank_that_another_team_changes_is_told(
    receiver: Receiver, webhook: Webhook, team: Team, rivals: Team, scored: Any
) -> None:
    scored(team, time_ratio=1.0)
    tasks.post()
    receiver.calls.clear()
    scored(rivals, seed=1, time_ratio=0.5)
    tasks.post()
    [body] = receiver.bodies()
    assert (body["event"], body["rank"], body["previous_rank"]) == ("rank_changed", 2, 1)


def test_a_publication_is_told(
    receiver: Receiver, webhook: Webhook, team: Team, organizer: User
) -> None:
    competitions.close(competition=team.competition, by=organizer)
    competitions.publish(competition=team.competition, by=organizer)
    tasks.post()
    [body] = receiver.bodies()
    assert body["event"] == "published"
    assert body["board"].endswith("/competitions/waste/boards/private/")


def test_an_announcement_is_told_unless_it_was_removed_or_nobody_may_see_it(
    receiver: Receiver,
    webhook: Webhook,
    team: Team,
    owner: User,
    organizer: User,
    settings: Any,
) -> None:
    webhooks.add(team=team, url=receiver.url, events=["failed"], by=owner)

    def announce(title: str) -> Announcement:
        new = Announcement(competition=team.competition, title=title, text="Use **v2**.")
        announcements.announce(announcement=new, by=organizer)
        return new

    announcements.remove(announcement=announce("Wrong"), by=organizer)
    told = announce("New images")
    tasks.post()
    [body] = receiver.bodies()
    assert body["event"] == "announced"
    assert body["announcement"] == {
        "id": told.pk,
        "url": f"{settings.SITE_URL}/competitions/waste/announcements/{told.pk}/",
        "title": "New images",
        "text": "Use **v2**.",
    }
    Competition.objects.update(state="draft")
    announce("Too early")
    tasks.post()
    assert len(receiver.calls) == 1


def test_only_the_wanted_events_of_the_own_team_are_told(
    receiver: Receiver, team: Team, rivals: Team, owner: User, scored: Any
) -> None:
    webhooks.add(team=team, url=receiver.url, events=["failed"], by=owner)
    scored(team)
    scored(rivals, seed=1)
    tasks.post()
    assert not receiver.calls


def test_a_failed_call_is_repeated_with_the_same_identifier_and_pauses_that_double(
    receiver: Receiver, webhook: Webhook, owner: User
) -> None:
    receiver.status = 500
    delivery = webhooks.ping(webhook=webhook, by=owner)
    pauses = []
    for _ in range(delivering.MOST_ATTEMPTS):
        tasks.post()
        delivery.refresh_from_db()
        if delivery.due_at:
            pauses.append(round((delivery.due_at - timezone.now()) / delivering.PAUSE))
        due_again()
    assert pauses == [2**number for number in range(delivering.MOST_ATTEMPTS - 1)]
    assert (delivery.due_at, delivery.status, delivery.error) == (None, 500, "bad_status")
    assert delivery.attempts == len(receiver.calls) == delivering.MOST_ATTEMPTS
    assert {headers["webhook-id"] for headers, _ in receiver.calls} == {str(delivery.identifier)}


def test_a_delivery_can_be_sent_again(receiver: Receiver, webhook: Webhook, owner: User) -> None:
    delivery = webhooks.ping(webhook=webhook, by=owner)
    tasks.post()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.due_at) == (204, None)
    webhooks.redeliver(delivery=delivery, by=owner)
    tasks.post()
    first, second = receiver.calls
    assert first[1] == second[1]
    assert first[0]["webhook-id"] == second[0]["webhook-id"]


def test_an_address_that_always_fails_is_called_no_more_until_it_is_resumed(
    receiver: Receiver, webhook: Webhook, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "MOST_FAILURES", 2)
    receiver.status = 500
    webhooks.ping(webhook=webhook, by=owner)
    for _ in range(4):
        tasks.post()
        due_again()
    assert len(receiver.calls) == 2
    webhook.refresh_from_db()
    assert webhook.stopped_at
    told = Notice.objects.get(kind="webhook_stopped")
    assert (told.user, told.path) == (owner, f"/competitions/waste/team/webhooks/{webhook.pk}/")
    with pytest.raises(Refused) as refusal:
        webhooks.ping(webhook=webhook, by=owner)
    assert refusal.value.code == "webhook_stopped"
    webhooks.resume(webhook=webhook, by=owner)
    receiver.status = 204
    webhooks.ping(webhook=webhook, by=owner)
    tasks.post()
    assert len(receiver.calls) == 3


def test_one_address_that_is_away_keeps_no_other_waiting(
    receiver: Receiver, webhook: Webhook, team: Team, owner: User
) -> None:
    away = webhooks.add(team=team, url="http://127.0.0.1:1/", events=["failed"], by=owner)
    lost = webhooks.ping(webhook=away, by=owner)
    webhooks.ping(webhook=webhook, by=owner)
    tasks.post()
    assert len(receiver.calls) == 1
    lost.refresh_from_db()
    assert (lost.status, lost.error) == (None, "no_answer")


def test_an_address_with_many_calls_keeps_no_other_waiting(
    receiver: Receiver, webhook: Webhook, team: Team, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "AT_ONCE", 1)
    busy = webhooks.add(team=team, url=receiver.url, events=["failed"], by=owner)
    Delivery.objects.bulk_create(Delivery(webhook=busy, event="failed") for _ in range(150))
    own = webhooks.ping(webhook=webhook, by=owner)
    assert [one.webhook_id for one in delivering.claim()] == [busy.pk]
    assert [one.pk for one in delivering.claim()] == [own.pk]


def test_a_slow_address_delays_no_evaluation(
    receiver: Receiver, webhook: Webhook, owner: User
) -> None:
    receiver.gate.clear()
    delivery = webhooks.ping(webhook=webhook, by=owner)
    calls = delivering.BackgroundCalls()
    calls.go_on()
    calls.go_on()  # a worker evaluates meanwhile
    delivery.refresh_from_db()
    assert (delivery.attempts, delivery.delivered_at) == (1, None)
    receiver.gate.set()
    calls.finish()
    delivery.refresh_from_db()
    assert delivery.delivered_at
    assert len(receiver.calls) == 1


def test_a_call_that_cannot_be_made_keeps_no_other_waiting(
    receiver: Receiver, webhook: Webhook, team: Team, owner: User
) -> None:
    broken = webhooks.add(team=team, url=receiver.url, events=["failed"], by=owner)
    Webhook.objects.filter(pk=broken.pk).update(secret="x")
    lost = webhooks.ping(webhook=broken, by=owner)
    webhooks.ping(webhook=webhook, by=owner)
    tasks.post()
    assert len(receiver.calls) == 1
    lost.refresh_from_db()
    assert (lost.attempts, lost.error) == (1, "no_answer")


@pytest.mark.parametrize("is_removed", [True, False])
def test_the_webhooks_of_a_person_who_is_no_member_any_more_end(
    receiver: Receiver, team: Team, owner: User, teammate: User, is_removed: bool
) -> None:
    kept = webhooks.add(team=team, url=receiver.url, events=["scored"], by=owner)
    webhooks.add(team=team, url=receiver.url, events=["scored"], by=teammate)
    if is_removed:
        captains.remove_member(team=team, username=teammate.username, by=owner)
    else:
        teams.leave(team=team, by=teammate)
    assert list(webhooks.of(team, owner)) == [kept]


def test_a_webhook_of_an_inactive_person_is_not_called(
    receiver: Receiver, webhook: Webhook, team: Team, owner: User, scored: Any
) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    scored(team)
    tasks.post()
    assert not receiver.calls


def test_a_change_of_rank_is_told_by_one_process(
    webhook: Webhook, team: Team, scored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Webhook.objects.get(pk=webhook.pk)
    monkeypatch.setattr(webhooks, "wanting", lambda event, competition: [known])
    scored(team)
    [happening] = Happening.objects.filter(event="place_changed")
    webhooks.place_changed(happening)
    webhooks.place_changed(happening)  # by another process that read the same rank
    assert Delivery.objects.count() == 1


def test_test_calls_are_few(receiver: Receiver, webhook: Webhook, owner: User) -> None:
    for _ in range(webhooks.MOST_WAITING):
        delivery = webhooks.ping(webhook=webhook, by=owner)
    for ask in (
        lambda: webhooks.ping(webhook=webhook, by=owner),
        lambda: webhooks.redeliver(delivery=delivery, by=owner),
    ):
        with pytest.raises(Refused) as refusal:
            ask()
        assert refusal.value.code == "too_many_calls"
    Delivery.objects.update(due_at=None)
    with pytest.raises(Refused):
        webhooks.ping(webhook=webhook, by=owner)  # within the hour
    webhooks.redeliver(delivery=delivery, by=owner)


def test_a_call_that_is_sent_again_while_it_is_on_its_way_stays_due(
    receiver: Receiver, webhook: Webhook, owner: User
) -> None:
    delivery = webhooks.ping(webhook=webhook, by=owner)
    [claimed] = delivering.claim()
    webhooks.redeliver(delivery=delivery, by=owner)
    delivering.note(claimed, outgoing.Answer(204))
    tasks.post()
    delivery.refresh_from_db()
    assert (len(receiver.calls), delivery.attempts) == (1, 1)
    assert delivery.delivered_at


def test_old_calls_are_deleted(receiver: Receiver, webhook: Webhook, owner: User) -> None:
    webhooks.ping(webhook=webhook, by=owner)
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=31))
    tasks.post()
    assert not Delivery.objects.exists()


# Nothing that is not public is reached


def test_a_redirect_is_not_followed(receiver: Receiver, webhook: Webhook, owner: User) -> None:
    receiver.status, receiver.location = 307, "http://127.0.0.2/secret"
    delivery = webhooks.ping(webhook=webhook, by=owner)
    tasks.post()
    delivery.refresh_from_db()
    assert len(receiver.calls) == 1
    assert (delivery.status, delivery.error) == (307, "bad_status")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:0:7f00:1:0:0:80ff:fffe",
        "nonsense",
    ],
)
def test_no_inner_address_is_public(address: str) -> None:
    assert not outgoing.is_allowed(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_a_public_address_is(address: str) -> None:
    assert outgoing.is_allowed(address)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "localhost"]
)
def test_no_spelling_of_this_machine_is_reached(address: str, settings: Any) -> None:
    receiver = Receiver()  # listens, and is never asked
    call = outgoing.Call(f"http://{address}:{receiver.server.server_port}/", b"{}", {})
    assert outgoing.send([call]) == [outgoing.Answer(None, outgoing.NO_ADDRESS)]
    receiver.server.server_close()
    assert not receiver.calls


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What a name server answers, one answer after another."""
    answers: list[list[str]] = []

    monkeypatch.setattr(outgoing, "addresses_of", lambda host, port: answers.pop(0))
    return answers


def test_a_name_with_one_inner_address_is_not_called(
    receiver: Receiver, names: list[list[str]]
) -> None:
    names += [["127.0.0.1", "127.0.0.2"]]
    port = receiver.server.server_port
    [answer] = outgoing.send([outgoing.Call(f"http://rebind.example:{port}/", b"{}", {})])
    assert answer == outgoing.Answer(None, outgoing.NO_ADDRESS)
    assert not receiver.calls


def test_a_name_that_changes_after_the_check_changes_nothing(
    receiver: Receiver, names: list[list[str]]
) -> None:
    names += [["127.0.0.1"], ["127.0.0.2"]]
    port = receiver.server.server_port
    [answer] = outgoing.send([outgoing.Call(f"http://rebind.example:{port}/", b"{}", {})])
    assert answer.is_good
    [(headers, _)] = receiver.calls
    assert headers["host"] == f"rebind.example:{port}"
    assert len(names) == 1  # resolved once


def test_the_next_address_of_a_name_is_tried(
    receiver: Receiver, names: list[list[str]], settings: Any
) -> None:
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    names += [["127.0.0.2", "127.0.0.1"]]
    port = receiver.server.server_port
    assert outgoing.send([outgoing.Call(f"http://two.example:{port}/", b"{}", {})])[0].is_good
    assert len(receiver.calls) == 1


def test_a_public_address_is_not_called_without_encryption(
    receiver: Receiver, names: list[list[str]]
) -> None:
    names += [["93.184.215.14"]]
    [answer] = outgoing.send([outgoing.Call("http://public.example/", b"{}", {})])
    assert answer == outgoing.Answer(None, outgoing.NO_ADDRESS)


def test_a_proxy_of_the_environment_is_not_asked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert outgoing.send([outgoing.Call(receiver.url, b"{}", {})])[0].is_good


def test_a_server_that_never_answers_costs_seconds(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.1/32")]
    monkeypatch.setattr(outgoing, "SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        answers = outgoing.send([outgoing.Call(url, b"{}", {})] * 3)
    assert answers == [outgoing.Answer(None, outgoing.TOO_SLOW)] * 3


def test_a_name_server_that_never_answers_costs_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = threading.Event()
    monkeypatch.setattr(outgoing, "SECONDS", 0.5)
    monkeypatch.setattr(outgoing, "addresses_of", lambda host, port: heard.wait())
    answers = outgoing.send([outgoing.Call("https://silent.example/", b"{}", {})] * 40)
    heard.set()  # only now; a send that waits for the name server never comes here
    assert answers == [outgoing.Answer(None, outgoing.TOO_SLOW)] * 40


# What a member may ask for


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://example.org/", "bad_webhook_address"),
        ("http://example.org/", "bad_webhook_address"),  # no network of one's own is allowed here
        ("https://", "bad_webhook_address"),
        ("https://user:password@example.org/", "bad_webhook_address"),
        ("https://example.org:99999/", "bad_webhook_address"),
        ("https://example.org/\r\nX: y", "bad_webhook_address"),
        ("https://[::1/", "bad_webhook_address"),
        ("https://127.0.0.1/", "address_not_public"),
        ("https://[::1]/", "address_not_public"),
        ("https://2130706433/", "address_not_public"),
    ],
)
def test_an_address_that_can_never_be_called_is_refused(
    team: Team, owner: User, url: str, code: str
) -> None:
    with pytest.raises(Refused) as refusal:
        webhooks.add(team=team, url=url, events=["scored"], by=owner)
    assert refusal.value.code == code


@pytest.mark.parametrize("events", [[], ["nonsense"]])
def test_an_event_is_chosen_from_the_list(team: Team, owner: User, events: list[str]) -> None:
    with pytest.raises(Refused) as refusal:
        webhooks.add(team=team, url="https://example.org/", events=events, by=owner)
    assert refusal.value.code == "bad_webhook_events"


def test_a_team_has_five(team: Team, owner: User) -> None:
    for _ in range(5):
        webhooks.add(team=team, url="https://example.org/", events=["scored"], by=owner)
    with pytest.raises(Refused) as refusal:
        webhooks.add(team=team, url="https://example.org/", events=["scored"], by=owner)
    assert refusal.value.code == "too_many_webhooks"


def test_the_database_is_asked_the_same_for_many_webhooks_as_for_one(
    team: Team, owner: User, scored: Any, django_assert_max_num_queries: Any
) -> None:
    people = Team.objects.bulk_create(
        Team(competition=team.competition, name=f"Team {n}") for n in range(200)
    )
    Webhook.objects.bulk_create(
        Webhook(team=one, url="https://example.org/", events=["rank_changed"]) for one in people
    )
    scored(team)
    signing.prepare()
    with django_assert_max_num_queries(70):
        tasks.post()
