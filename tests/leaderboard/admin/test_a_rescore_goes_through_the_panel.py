"""An organizer tries numbers of the formula, previews them on the board, and applies them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from leaderboard import tasks
from leaderboard.models import (
    AuditEntry,
    Competition,
    Entry,
    Evaluation,
    HardwareProfile,
    Rescore,
    Team,
    User,
)
from leaderboard.services import preparing, rankings, recording, rescoring, running
from tests.leaderboard.answers import Answer
from tests.leaderboard.conftest import failure, report

Press = Callable[..., Answer]
NUMBERS = {"time_weight": "0.1", "k": "25", "quality_ref": "", "min_quality": "0.75"}


@pytest.fixture
def board(team: Team, rivals: Team, scored: Any) -> None:
    scored(team, seed=1, quality_public=0.74, time_ratio=0.3)
    scored(rivals, seed=2, quality_public=0.85, time_ratio=1.4)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def ranks(competition: Competition) -> list[tuple[str, int | None]]:
    return [(row.entry.team.name, row.rank) for row in rankings.rows(competition, "public")]


@pytest.mark.usefixtures("board")
def test_numbers_are_tried_previewed_and_applied(
    panel: Client, press: Press, competition: Competition, organizer: User
) -> None:
    address = reverse("admin:leaderboard_competition_formula", args=[competition.pk])
    page = text(panel.get(address))
    assert "Score of a model that does nothing" in page
    assert "1 ms less per image" in page
    tried = text(panel.post(address, {**NUMBERS, "look": "1"}))
    assert "−0.0625" in tried, "0.01 more of quality is worth k / 4 of it"
    assert "0.6000" in tried, "the score of the reference"
    assert not Rescore.objects.exists()

    refused = panel.post(address, {**NUMBERS, "k": "nan", "why": "x"})
    assert "Enter a number" in text(refused)
    today = {"time_weight": 0.5, "k": 20, "quality_ref": "", "min_quality": 0}
    same = panel.post(address, {**today, "why": "x"})
    assert same.status_code == 400
    assert "This is the current formula" in text(same)

    answer = panel.post(address, {**NUMBERS, "why": "Time counted too much."}, follow=True)
    rescore = Rescore.objects.get()
    preview = text(answer)
    assert answer.request["PATH_INFO"].endswith(f"/rescore/{rescore.pk}/change/")
    assert "Only organizers see this page" in preview
    assert "below the gate" in preview
    assert "Sorters leaves the first three." in preview
    assert ranks(competition) == [("Sorters", 1), ("Rivals", 2)]
    assert "Look at the preview" in text(panel.get(address))
    competition_page = reverse("admin:leaderboard_competition_change", args=[competition.pk])
    assert "Stop the preparation" not in text(panel.get(competition_page))

    question = text(panel.get(reverse("admin:leaderboard_rescore_apply", args=[rescore.pk])))
    assert "0.5 → 0.1" in question
    assert "The new scores apply." in text(press(rescore, "apply"))
    competition.refresh_from_db()
    assert (competition.formula_version, competition.k) == (2, 25)
    assert ranks(competition) == [("Rivals", 1), ("Sorters", None)]
    done = text(panel.get(reverse("admin:leaderboard_rescore_change", args=[rescore.pk])))
    assert "Apply to everybody" not in done
    assert "Sorters leaves the first three." in done, "what moved is kept"
    assert press(rescore, "cancel").status_code == 409
    acts = AuditEntry.objects.filter(act__startswith="rescore").order_by("pk")
    assert [(one.act, one.by, one.before["k"], one.after["k"], one.why) for one in acts] == [
        (act, organizer, 20, 25, "Time counted too much.")
        for act in ("rescore_proposed", "rescore_applied")
    ]


@pytest.mark.usefixtures("board")
def test_a_preview_in_the_background_follows_and_may_be_cancelled(
    panel: Client, press: Press, competition: Competition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "AT_ONCE", -1)
    monkeypatch.setattr(preparing, "BATCH", 1)
    address = reverse("admin:leaderboard_competition_formula", args=[competition.pk])
    page = text(panel.post(address, {**NUMBERS, "why": "Time."}, follow=True))
    assert 'hx-trigger="every 2s"' in page
    assert "1 of 2 teams" in page
    preparing.go_on_all(seconds=5)
    rescore = Rescore.objects.get()
    shown = reverse("admin:leaderboard_rescore_change", args=[rescore.pk])
    assert "Every team" in text(panel.get(f"{shown}?sort=moves"))
    assert "The rescore is cancelled." in text(press(rescore, "cancel"))
    assert "the boards never changed" in text(panel.get(shown))
    assert rescoring.waiting(competition) is None
    assert Entry.objects.filter(is_ranked=True).count() == 2


def test_a_draft_keeps_its_calibration_when_its_formula_changes(
    panel: Client, competition: Competition
) -> None:
    Competition.objects.update(state="draft")
    before = competition.calibration
    assert before
    address = reverse("admin:leaderboard_competition_formula", args=[competition.pk])
    assert "Save the formula" in text(panel.get(address))
    assert "The formula is saved." in text(panel.post(address, NUMBERS, follow=True))
    competition.refresh_from_db()
    assert competition.calibration == before
    assert competition.calibration.score_public == pytest.approx(0.6)
    assert (competition.k, competition.min_quality) == (25, 0.75)


@pytest.mark.usefixtures("board")
def test_all_is_measured_again_with_another_reference(
    panel: Client,
    press: Press,
    competition: Competition,
    make_model: Callable[..., bytes],
) -> None:
    profile = competition.profile
    address = reverse("admin:leaderboard_competition_measure_again", args=[competition.pk])
    assert "As today: Waste" in text(panel.get(address))
    upload = SimpleUploadedFile("reference.pt", make_model(seed=77))
    chosen = {"upload": upload, "name": "ResNet34", "scope": "all", "why": "A better reference."}
    answer = panel.post(address, chosen, follow=True)
    rescore = Rescore.objects.get()
    page = reverse("admin:leaderboard_rescore_change", args=[rescore.pk])
    assert answer.request["PATH_INFO"] == page
    assert "ResNet34" in text(answer)
    assert "The reference is calibrated first." in text(answer)
    assert "Look at the preview" in text(
        panel.get(reverse("admin:leaderboard_competition_formula", args=[competition.pk]))
    )
    for act, code in (("pause", 200), ("resume", 200), ("apply", 409)):
        assert press(rescore, act).status_code == code, act
    recording.record(claimed(profile), failure("bad_archive"))
    tasks.sweep()
    assert "bad_archive" in text(panel.get(page))
    assert "The failures are queued once more." in text(press(rescore, "retry"))
    recording.record(claimed(profile), report(quality_public=0.72))
    tasks.sweep()
    assert "0 of 2 submissions are done" in text(panel.get(page))
    recording.record(claimed(profile), report(quality_public=0.74, time_ratio=0.4))
    recording.record(claimed(profile), failure())
    tasks.sweep()
    shown = text(panel.get(page))
    assert "2 of 2 submissions are done; 0 run now, 1 failed." in shown
    assert "wrong_output" in shown
    assert "How the public board changes" in shown
    press(rescore, "fail_failed")
    assert "These submissions fail once the rescore is applied." in text(panel.get(page))
    press(rescore, "keep_failed")
    assert "The new scores apply." in text(press(rescore, "apply"))
    competition.refresh_from_db()
    assert str(competition.reference) == "ResNet34"
    assert ranks(competition) == [("Sorters", 1), ("Rivals", 2)]
    acts = AuditEntry.objects.filter(pk__gt=0, act__regex="^(rescore|reference_added)")
    assert list(acts.order_by("pk").values_list("act", flat=True)) == [
        "reference_added",
        "rescore_proposed",
        "rescore_paused",
        "rescore_resumed",
        "rescore_retried",
        "rescore_failures_judged",
        "rescore_failures_judged",
        "rescore_applied",
    ]


def claimed(profile: HardwareProfile) -> Evaluation:
    found = running.claim(profile)
    assert found
    return found
