"""Each number of the dashboard is the length of the list that it leads to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leaderboard.models import (
    Competition,
    Evaluation,
    HardwareProfile,
    Submission,
    Team,
    Worker,
)
from leaderboard.services import dashboards
from tests.leaderboard.conftest import failure, finish


@pytest.fixture
def busy(
    team: Team, rivals: Team, scored: Callable[..., Submission], submit: Callable[..., Submission]
) -> None:
    now = timezone.now()
    for seed, (who, days) in enumerate(((team, 0), (team, 3), (rivals, 3), (rivals, 40))):
        one = scored(who, seed=seed, quality_public=0.7 + seed / 100, time_ratio=0.9)
        at = now - timedelta(days=days)
        Submission.objects.filter(pk=one.pk).update(uploaded_at=at)
        one.team.entries.filter(submission=one).update(uploaded_at=at)
        one.evaluations.update(
            finished_at=at, queued_at=at - timedelta(minutes=5 + seed), claimed_at=at
        )
    finish(submit(team, seed=10).latest_evaluation, failure("wrong_output"))
    one.evaluations.update(  # evaluations of a rescore are no verdicts on uploads
        why="rescore", queued_at=now - timedelta(days=2), claimed_at=now, finished_at=now
    )
    broken = submit(rivals, seed=11).latest_evaluation
    Evaluation.objects.filter(pk=broken.pk).update(
        state="error", error_code="worker_lost", finished_at=now
    )
    waits = submit(rivals, seed=12).latest_evaluation
    Evaluation.objects.filter(pk=waits.pk).update(queued_at=now - timedelta(hours=3))


@pytest.mark.usefixtures("busy")
def test_numbers_and_lists_agree(
    panel: Client, team: Team, django_assert_max_num_queries: Any
) -> None:
    competition = team.competition
    found = dashboards.of(competition)
    assert [day.uploads for day in found.days if day.uploads] == [2, 4]
    assert sum(day.scored for day in found.days) == 3
    assert (found.queue.queued, found.queue.running) == (1, 0)
    assert found.queue.oldest
    assert timedelta(hours=3) <= found.queue.oldest < timedelta(hours=4)
    assert found.waits.number == 2
    assert found.waits.median < found.waits.late == timedelta(minutes=5)
    assert {(one.code, one.number, one.is_ours) for one in found.codes} == {
        ("wrong_output", 1, False),
        ("worker_lost", 1, True),
    }
    with django_assert_max_num_queries(12):
        dashboards.of(competition)
    site = dashboards.of()
    assert [(one.uploads, one.scored) for one in site.days] == [
        (one.uploads, one.scored) for one in found.days
    ]
    address = reverse("admin:leaderboard_competition_dashboard", args=[competition.pk])
    for page in (address, reverse("admin:index")):
        context = panel.get(page).context
        assert sum("free on the disk of" in tile.name for tile in context["tiles"]) >= 2
        for tile in context["tiles"]:
            is_of_site = page != address and tile.name.startswith("rows of the public board")
            assert tile.url or is_of_site, tile.name
            if "median wait" in tile.name:
                assert panel.get(tile.url).context["cl"].result_count == found.waits.number
            if tile.name == "teams with steps below noise":
                assert tile.url.endswith("/change/#probing-and-copies")
            if "changelist" in tile.url or "/admin/leaderboard/evaluation/?" in tile.url:
                listed = panel.get(tile.url)
                assert listed.status_code == 200, tile.url
                if tile.bars:
                    assert str(listed.context["cl"].result_count) == tile.number, tile.name
        reasons = {one.code: one for one in context["reasons"]}
        for code in ("wrong_output", "worker_lost"):
            assert panel.get(reasons[code].url).context["cl"].result_count == 1


def test_one_worker_is_not_many(
    panel: Client, competition: Competition, profile: HardwareProfile
) -> None:
    address = reverse("admin:leaderboard_competition_dashboard", args=[competition.pk])
    now = timezone.now()
    live: Any = {"profile": profile, "started_at": now, "seen_at": now}
    for number, said in ((1, "worker accepts work (1"), (2, "workers accept work (2")):
        Worker.objects.create(name=f"lab:{number}", **live)
        tiles = panel.get(address).context["tiles"]
        [tile] = [one for one in tiles if "accept" in one.name and "work" in one.name]
        assert (tile.number, tile.name) == (str(number), f"{said} running in total)")
    korean = panel.get(address, headers={"accept-language": "ko"})
    assert "동작 중 2개" in korean.content.decode()
