"""A mail and a call when a check finds an error that lasts; once for each matter."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.utils import timezone

from leaderboard.models import Evaluation, Matter, Submission, Team, User, Worker
from leaderboard.services import attention, outgoing, posting

pytestmark = pytest.mark.django_db


@pytest.fixture
def calls(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was sent to ATTENTION_WEBHOOK."""
    settings.ATTENTION_WEBHOOK = "https://chat.example.org/hook"
    sent: list[Any] = []

    def send(calls: Any) -> list[outgoing.Answer]:
        sent.extend(json.loads(one.body) for one in calls)
        return [outgoing.Answer(200) for _ in calls]

    monkeypatch.setattr(outgoing, "send", send)
    return sent


@pytest.fixture
def stuck(team: Team, submit: Callable[..., Submission], settings: Any, organizer: User) -> None:
    """An upload waits, and nobody takes it. Two superusers have confirmed addresses."""
    settings.EMAIL_URL = "smtp://mail.example.org"
    submit(team)
    Evaluation.objects.filter(state="queued").update(
        queued_at=timezone.now() - timedelta(minutes=9)
    )
    other = User.objects.create_superuser("second", language="ko")
    for person in (organizer, other):
        EmailAddress.objects.create(
            user=person, email=f"{person.username}@example.org", verified=True, primary=True
        )


def later(**passed: float) -> None:
    """Make all known matters older."""
    moved = timedelta(**passed)
    for matter in Matter.objects.all():
        Matter.objects.filter(pk=matter.pk).update(
            since=matter.since - moved, seen_at=matter.seen_at - moved
        )


def test_once_in_each_language_and_by_a_call(stuck: None, calls: list[Any]) -> None:
    posting.sweep()
    assert not mail.outbox, "it may pass by itself"
    later(minutes=3)
    posting.sweep()
    posting.sweep()
    english, korean = sorted(mail.outbox, key=lambda one: one.to)
    assert english.subject == "127.0.0.1 needs attention"
    assert "No worker of One core can accept work: 1 wait, the first one for 9 min." in english.body
    assert "Start a worker with -Q cpu" in english.body
    assert "http://127.0.0.1:8000/admin/" in english.body
    assert "워커" in korean.body
    [call] = calls
    assert call["matters"][0]["check"] == "queue"
    assert "No worker of One core can accept work" in call["text"]


def test_again_only_if_it_was_over(stuck: None, calls: list[Any], team: Team) -> None:
    posting.sweep()
    later(minutes=3)
    posting.sweep()
    worker = Worker.objects.create(
        name="lab:1",
        profile=team.competition.profile,
        started_at=timezone.now(),
        seen_at=timezone.now(),
    )
    posting.sweep()
    worker.delete()
    posting.sweep()
    assert len(calls) == 1, "a matter that comes and goes is one"
    Worker.objects.create(
        name="lab:1",
        profile=team.competition.profile,
        started_at=timezone.now(),
        seen_at=timezone.now(),
    )
    later(minutes=70)
    posting.sweep()
    assert not Matter.objects.exists()
    Worker.objects.all().delete()
    posting.sweep()
    later(minutes=3)
    posting.sweep()
    assert len(calls) == 2


def test_what_could_not_be_sent_is_sent_later(
    stuck: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("no route")

    posting.sweep()
    later(minutes=3)
    with monkeypatch.context() as patched:
        patched.setattr(mail, "send_mail", refuse)
        posting.sweep()
    assert Matter.objects.get().told_at is None
    posting.sweep()
    assert len(mail.outbox) == 2


def test_it_can_be_switched(stuck: None, settings: Any, calls: list[Any]) -> None:
    settings.ATTENTION = "none"
    posting.sweep()
    assert not Matter.objects.exists()
    settings.ATTENTION = "error"
    Evaluation.objects.update(state="error", finished_at=timezone.now())
    posting.sweep()
    assert not Matter.objects.exists(), "a warning"
    settings.ATTENTION = "warning"
    posting.sweep()
    assert {one.check_name for one in Matter.objects.all()} == {"faults"}
    assert attention.LEVELS.keys() == {"error", "warning"}
