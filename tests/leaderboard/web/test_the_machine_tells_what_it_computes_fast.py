"""The worker's processor on the pages: which instructions it has, and whether int8 pays there."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from leaderboard.models import Competition, HardwareProfile, Team, User, Worker
from tests.leaderboard.web.conftest import text

OVERVIEW = "/competitions/waste/"


def worker(profile: HardwareProfile, *features: str, **more: Any) -> None:
    Worker.objects.update_or_create(
        name="w",
        defaults={
            "profile": profile,
            "fingerprint": {"cpu": "EPYC", "cpu_features": list(features), **more},
            "versions": {"torch": "2.13.0"},
            "started_at": timezone.now(),
            "seen_at": timezone.now(),
        },
    )


def test_the_overview_and_the_api_name_the_instructions(
    see: Any, competition: Competition, client: Any
) -> None:
    assert "VNNI" not in text(see(None, OVERVIEW))
    worker(competition.profile, "AVX2", "VNNI")
    page = text(see(None, OVERVIEW))
    assert "VNNI" in page
    assert "int8 is fast on this processor." in page
    assert "reduce_range" not in page
    told = client.get("/api/v2/competitions/waste").json()["machine"]
    assert told["features"] == ["AVX2", "VNNI"]
    assert told["versions"] == {"torch": "2.13.0"}
    assert "kernel" not in told


def test_without_vnni_the_overview_says_how_to_quantize(see: Any, competition: Competition) -> None:
    worker(competition.profile, "AVX2")
    page = text(see(None, OVERVIEW))
    assert "This processor has no VNNI." in page
    assert "reduce_range=True" in page


def test_an_arm_machine_needs_no_reduce_range(see: Any, competition: Competition) -> None:
    worker(competition.profile, cpu="Neoverse-N2", cpu_features=None)
    page = text(see(None, OVERVIEW))
    assert "VNNI" not in page
    assert "reduce_range" not in page
    kit = text(see(None, f"{OVERVIEW}kit/"))
    assert "This processor has no VNNI" not in kit


def test_of_a_gpu_nothing_is_said_about_int8(see: Any, competition: Competition) -> None:
    worker(competition.profile, "AVX2", gpu="H100, 570")
    page = text(see(None, OVERVIEW))
    assert "VNNI" not in page


@pytest.mark.parametrize(
    ("features", "told"), [(["VNNI"], "int8 is fast"), (["AVX2"], "no fast instructions for int8")]
)
def test_the_page_of_an_int8_model_says_whether_int8_is_fast(
    see: Any, scored: Any, team: Team, owner: User, features: list[str], told: str
) -> None:
    worker(team.competition.profile, *features)
    sent = scored(team)
    assert told not in text(see(owner, sent.get_absolute_url()))
    sent.number_type = "int8"
    sent.static |= {"layers": 10, "quantized_layers": 9}
    sent.save()
    page = text(see(owner, sent.get_absolute_url()))
    assert told in page
    assert "9 of 10 layers compute in int8" in page
