"""An organizer without a model has one trained on the sample, and sees how far it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leaderboard.models import AuditEntry, Competition, HardwareProfile, Role, Training, User
from leaderboard.services import queueing, running, sweeping, trainings
from tests.leaderboard.answers import Answer

FORM = {"architecture": "tiny_cnn", "form": "torchscript", "seconds": 10, "seed": 3}
Press = Callable[..., Answer]


@pytest.fixture
def training(press: Press, draft: Competition) -> Training:
    assert press(draft, "train_reference", **FORM).status_code == 200
    return Training.objects.get()


def way(panel: Client, competition: Competition) -> str:
    url = reverse("admin:leaderboard_competition_way", args=[competition.pk])
    return panel.get(url).content.decode()


def test_a_trained_model_becomes_the_reference_of_its_draft(
    panel: Client, training: Training, profile: HardwareProfile, draft: Competition
) -> None:
    assert "No worker of this profile was seen lately" in way(panel, draft)
    Training.objects.update(seconds=1)  # the form asks for ten at least
    running.run_next(profile.slug)
    training.refresh_from_db()
    assert training.state == Training.State.TRAINED, training.said
    assert training.model is None  # it went into the storage
    draft.refresh_from_db()
    assert draft.reference
    assert draft.reference.name == "tiny_cnn"
    assert draft.calibration is None
    card = way(panel, draft)
    assert "tiny_cnn" in card
    assert "Calibrate" in card
    acts = [one.act for one in AuditEntry.objects.order_by("pk")]
    assert acts[-2:] == ["training_queued", "reference_set"]


def test_what_cannot_be_trained_says_why_on_the_card(
    panel: Client, press: Press, profile: HardwareProfile, draft: Competition
) -> None:
    refused = press(draft, "train_reference", **FORM | {"architecture": "a b"})
    assert "Enter a valid value" in refused.text
    press(draft, "train_reference", **FORM | {"architecture": "no_such_net"})
    running.run_next(profile.slug)
    assert Training.objects.get().state == Training.State.FAILED
    card = way(panel, draft)
    assert "no_such_net failed" in card
    assert "There is no architecture no_such_net" in card
    assert "Traceback" not in card


def test_a_training_is_cancelled_while_it_runs(
    panel: Client,
    press: Press,
    training: Training,
    profile: HardwareProfile,
    draft: Competition,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trainings, "EACH", 0.05)
    again = press(draft, "train_reference", **FORM)
    assert "A training is running" in again.text

    def cancels() -> bool:
        if Training.objects.get().state == Training.State.RUNNING:
            assert "A worker trains tiny_cnn for 10 seconds" in way(panel, draft)
            press(draft, "cancel_training")
        return False

    running.run_next(profile.slug, should_stop=cancels)
    assert Training.objects.get().state == Training.State.CANCELLED
    draft.refresh_from_db()
    assert draft.reference is None
    assert "No training is running" in press(draft, "cancel_training").text


def test_a_worker_that_stops_or_dies_loses_no_training(
    training: Training, profile: HardwareProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainings, "EACH", 0.05)
    trainings.run_next(profile, should_stop=lambda: True)
    training.refresh_from_db()
    assert (training.state, training.claimed_at) == (Training.State.QUEUED, None)
    long_ago = timezone.now() - timedelta(hours=1)
    Training.objects.update(state=Training.State.RUNNING, claimed_at=long_ago)
    sweeping.sweep()
    training.refresh_from_db()
    assert training.state == Training.State.ERROR


def test_a_model_that_cannot_be_stored_is_kept_and_stops_nothing(
    training: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("The disk is full.")

    Training.objects.update(state=Training.State.TRAINED, model=b"weights")
    monkeypatch.setattr("leaderboard.services.references.set_reference", full)
    sweeping.sweep()
    training.refresh_from_db()
    assert (training.state, bytes(training.model)) == (Training.State.TRAINED, b"weights")


def test_uploads_go_before_a_training_for_ten_minutes(
    training: Training, profile: HardwareProfile, competition: Competition
) -> None:
    queueing.enqueue(competition=competition)
    assert trainings.run_next(profile, should_stop=lambda: True) is None
    Training.objects.update(asked_at=timezone.now() - timedelta(minutes=11))
    assert trainings.run_next(profile, should_stop=lambda: True)


def test_only_those_who_organize_a_draft_train_for_it(
    training: Training, competition: Competition, owner: User
) -> None:
    url = reverse("admin:leaderboard_competition_train_reference", args=[competition.pk])
    client = Client()
    client.force_login(owner)
    Role.objects.create(competition=competition, user=owner, kind=Role.Kind.VIEWER)
    assert client.get(url).status_code == 403
    assert client.post(url, FORM).status_code == 403
    Role.objects.update(kind=Role.Kind.OWNER)
    assert "fixed after the competition opened" in client.post(url, FORM).text
