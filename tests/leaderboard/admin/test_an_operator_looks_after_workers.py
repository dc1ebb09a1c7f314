"""The panel's page of workers: what each does, drain and resume, shares, the noise over time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leaderboard.models import (
    AuditEntry,
    Canary,
    Competition,
    Evaluation,
    HardwareProfile,
    QueueShare,
    Role,
    Submission,
    Team,
    User,
    Worker,
)
from leaderboard.services import fleet, queueing, recording, running, turns, workers
from leaderboard.services.fleet import Doing
from scoring.sentences import say
from tests.leaderboard.conftest import report

pytestmark = pytest.mark.django_db
LIST = "/admin/leaderboard/worker/"


def worker(profile: HardwareProfile, name: str = "lab:1", **fields: Any) -> Worker:
    now = timezone.now()
    started = now - timedelta(hours=2)
    return Worker.objects.create(
        **{"name": name, "profile": profile, "started_at": started, "seen_at": now} | fields
    )


def told(worker: Worker) -> fleet.Facts:
    return fleet.facts([Worker.objects.get(pk=worker.pk)])[worker.pk]


def test_a_worker_is_drained_ends_what_it_has_and_is_resumed(
    panel: Client,
    press: Callable[..., Any],
    team: Team,
    submit: Callable[..., Submission],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profile = team.competition.profile
    lab = workers.this_worker(profile)
    submission = submit(team, seed=1)
    assert told(lab).doing == Doing.READY
    claimed = running.claim(profile, worker=lab)
    assert (told(lab).doing, told(lab).running) == (Doing.BUSY, claimed)
    assert "Sorters" in panel.get(LIST).content.decode()
    press(lab, "drain")
    assert told(lab).doing == Doing.DRAINING
    recording.record(claimed, report(time_ratio=0.5))
    assert told(lab).doing == Doing.DRAINED
    waits = submit(team, seed=2).latest_evaluation
    assert running.run_next("cpu") is None
    waits.refresh_from_db()
    assert waits.state == "queued"
    assert queueing.place(waits).is_held, "the participant reads that nobody measures just now"
    assert press(lab, "drain").status_code == 409
    press(lab, "resume")
    assert workers.ready(profile).get() == lab
    assert press(lab, "resume").status_code == 409
    press(lab, "drain")
    monkeypatch.setattr(workers, "begun", set())
    assert workers.this_worker(profile).drained_at is None, "it has started again"
    assert submission.evaluations.get().state == "scored"
    acts = AuditEntry.objects.filter(subject_type="worker").order_by("pk")
    assert list(acts.values_list("act", "by_name")) == [
        ("worker_drained", "organizer"),
        ("worker_resumed", "organizer"),
        ("worker_drained", "organizer"),
    ]


def test_the_page_says_what_each_worker_does_and_did(
    panel: Client, team: Team, scored: Callable[..., Submission]
) -> None:
    profile = team.competition.profile
    first = worker(profile, versions={"torch": "2.13.0", "protocol": "9"})
    worker(profile, "lab:2", versions={"torch": "2.13.0", "protocol": "9"})
    odd = worker(profile, "lab:3", versions={"torch": "2.12.0", "protocol": "9"})
    gone = worker(profile, "lab:4", seen_at=timezone.now() - timedelta(hours=3))
    evaluation = scored(team, seed=1).latest_evaluation
    Evaluation.objects.filter(pk=evaluation.pk).update(
        worker=first, claimed_at=timezone.now() - timedelta(minutes=30), finished_at=timezone.now()
    )
    workers.doubt(odd, said=[say("It ran out of memory.").to_json()])
    workers.sideline(odd, [say("Too loud.").to_json()])
    assert told(first).measured_share == pytest.approx(0.25, abs=0.01)
    assert [told(one).doing for one in (first, odd, gone)] == [
        Doing.READY,
        Doing.SIDELINED,
        Doing.AWAY,
    ]
    assert told(odd).is_other
    assert not told(first).is_other
    page = panel.get(LIST).content.decode()
    for words in ("25 %", "waits for work", "Too loud.", "not seen for 3", "differs"):
        assert words in page, words
    assert "It ran out of memory." in page
    assert "torch 2.12.0, protocol 9" in page
    detail = panel.get(f"{LIST}{odd.pk}/change/").content.decode()
    assert "Too loud." in detail


def test_the_page_asks_no_more_for_more_workers(
    panel: Client, team: Team, profile: HardwareProfile
) -> None:
    worker(profile)
    panel.get(LIST)
    with CaptureQueriesContext(connection) as few:
        panel.get(LIST)
    for number in range(5):
        worker(profile, f"other:{number}")
    with CaptureQueriesContext(connection) as more:
        panel.get(LIST)
    assert len(more) == len(few)


def test_shares_of_competitions_steer_whose_turn_it_is(
    panel: Client,
    press: Callable[..., Any],
    team: Team,
    rivals: Team,
    submit: Callable[..., Submission],
) -> None:
    profile = team.competition.profile
    other = Competition.objects.get()
    other.pk, other.slug, other.title = None, "other", "Other"
    other.save()
    rivals.competition = other
    rivals.save()
    fields = {f"of_{team.competition_id}": "1", f"of_{other.pk}": "2"}
    press(profile, "shares", **fields)
    assert QueueShare.objects.get(competition=other).weight == 2
    entry = AuditEntry.objects.get(act="shares_set")
    assert (entry.competition, entry.before, entry.after) == (other, {"weight": 1}, {"weight": 2})
    for one in (team, rivals):
        Evaluation.objects.filter(pk=submit(one, seed=one.pk).latest_evaluation.pk).update(
            state="running", claimed_at=timezone.now() - timedelta(minutes=10)
        )
        turns.charge(Evaluation.objects.get(team=one))
        one.refresh_from_db()
    # Equal times: half the use, and so one half-life of advantage.
    assert team.turn - rivals.turn == pytest.approx(1.0, abs=0.01)
    page = panel.get(reverse("admin:leaderboard_hardwareprofile_shares", args=[profile.pk]))
    assert 'value="2.0"' in page.content.decode()
    for wrong in ("0", "11", "x"):
        refused = press(profile, "shares", **fields | {f"of_{other.pk}": wrong})
        assert refused.status_code == 200
        assert QueueShare.objects.get(competition=other).weight == 2


def test_the_noise_of_a_profile_is_told_by_day(panel: Client, profile: HardwareProfile) -> None:
    lab = worker(profile)
    now = timezone.now().replace(hour=12)
    for days, ratio in ((1, 1.01), (1, 0.99), (0, 1.0), (70, 2.0)):
        Canary.objects.create(
            worker=lab,
            measured_at=now - timedelta(days=days),
            time_ratio=ratio,
            half_width=0.02,
            passed=True,
        )
    yesterday, today = fleet.noise(profile)
    assert (yesterday.canaries, today.canaries) == (2, 1)
    assert yesterday.spread == pytest.approx(0.01)
    assert yesterday.expected == pytest.approx(0.01, rel=0.01)
    assert today.spread == 0
    change = reverse("admin:leaderboard_hardwareprofile_change", args=[profile.pk])
    page = panel.get(change).content.decode()
    assert "1.00 %; expected 1.00 %, canaries: 2" in " ".join(page.split())


def test_only_operators_drain_and_share(
    owner: User, client: Client, profile: HardwareProfile, competition: Competition
) -> None:
    lab = worker(profile)
    Role.objects.create(competition=competition, user=owner, kind="owner")
    client.force_login(owner)
    for model, row, step in (("worker", lab, "drain"), ("hardwareprofile", profile, "shares")):
        address = reverse(f"admin:leaderboard_{model}_{step}", args=[row.pk])
        assert client.post(address, {}).status_code in (403, 404)
    lab.refresh_from_db()
    assert lab.drained_at is None
