"""What is done, what is missing, and the next step as the main button."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leaderboard.models import Competition, Dataset, Evaluation, HardwareProfile, User, Worker
from leaderboard.services import profiles, running
from tests.leaderboard.answers import Answer
from tests.leaderboard.conftest import finish, report

Press = Callable[..., Answer]


def change_url(competition: Competition) -> str:
    return reverse("admin:leaderboard_competition_change", args=[competition.pk])


def card(panel: Client, competition: Competition) -> str:
    page = panel.get(change_url(competition)).content.decode()
    [found] = re.findall(r'<section id="way".*?</section>', page, re.DOTALL)
    return found


def main_button(shown: str) -> str:
    """The text of the one filled button of the card; empty if there is none."""
    found = re.findall(r"bg-primary-600.*?>\s*([^<]+?)\s*</(?:a|button)>", shown, re.DOTALL)
    assert len(found) <= 1
    return found[0] if found else ""


def test_few_buttons_stand_beside_the_heading_and_the_rest_in_a_menu(
    panel: Client, draft: Competition
) -> None:
    for state, language, buttons in (
        ("draft", "en", ["Open", "More"]),
        ("open", "en", ["Pause", "Close", "More"]),
        ("open", "ko", ["일시 중지", "마감", "더 보기"]),
    ):
        Competition.objects.update(state=state)
        page = panel.get(change_url(draft), headers={"accept-language": language})
        shown = page.context["actions_detail"]
        assert [one["title"] for one in shown] == buttons
        inside = {one["path"].rstrip("/").rsplit("/")[-1] for one in shown[-1]["items"]}
        assert inside >= {"dashboard", "formula", "clone"}


def test_the_next_step_is_the_main_button_from_draft_to_publication(
    panel: Client, press: Press, profile: HardwareProfile, draft: Competition, model: bytes
) -> None:
    def next_step() -> str:
        return main_button(card(panel, draft))

    def shown_now() -> str:
        return card(panel, draft)

    dataset = draft.dataset
    Competition.objects.update(dataset=None)
    assert next_step() == "Choose a dataset"
    assert 'data-tab="data-and-reference"' in card(panel, draft)
    Competition.objects.update(dataset=dataset)

    assert next_step() == "Upload the reference"
    press(draft, "upload_reference", upload=SimpleUploadedFile("reference.pt", model), name="Net")
    shown = card(panel, draft)
    assert "3 classes; 12 images in the sample, 24 public, 36 private." in shown
    assert "Not written yet: rules, data." in shown
    assert "Calibrate the reference model first." in shown
    assert main_button(shown) == "Calibrate"
    assert "hx-get" not in shown

    press(draft, "calibrate")
    calibration = draft.evaluations.get()
    way = reverse("admin:leaderboard_competition_way", args=[draft.pk])
    shown = card(panel, draft)
    assert f'hx-get="{way}" hx-trigger="every 2s"' in shown
    assert "No worker of this profile was seen lately: start one." in shown
    assert main_button(shown) == ""
    Worker.objects.create(
        name="lab:1", profile=profile, started_at=timezone.now(), seen_at=timezone.now()
    )
    assert "Queued, at place 1." in panel.get(way).content.decode()
    running.claim(profile)
    Evaluation.objects.update(stage="measure", percent=42)
    followed = panel.get(way).content.decode()
    assert 'value="42"' in followed
    assert "<span>42 %</span>" in followed
    assert "hx-get" in followed
    Evaluation.objects.update(state="error", error_code="out_of_disk", finished_at=timezone.now())
    assert main_button(panel.get(way).content.decode()) == "Calibrate again"

    press(draft, "calibrate")
    finish(draft.evaluations.first(), report(quality_public=0.7))
    followed = panel.get(way).content.decode()
    assert "Quality 0.7000, 10.0 ms per image; against itself 1.000 ± 0.010." in followed
    assert 'id="calibration" hx-swap-oob="true"' in followed, "the form's own line follows"
    assert calibration.competition == draft
    assert "cannot tell the reference" not in followed
    Evaluation.objects.update(quality_public=0.2)  # one answer to all has 0.167
    assert "cannot tell the reference" in panel.get(way).content.decode()

    for step, button in (
        ("open_", "Open the competition"),
        ("pause", "Dashboard"),
        ("resume", "Resume"),
        ("close", "Dashboard"),
        ("publish", "Publish the private board"),
    ):
        assert next_step() == button
        if step == "pause":  # while it runs, a look at the uploads is one click away
            assert (
                reverse("admin:leaderboard_competition_dashboard", args=[draft.pk]) in shown_now()
            )
        if step == "publish":
            for page in ("result", "verify_winners"):
                address = reverse(f"admin:leaderboard_competition_{page}", args=[draft.pk])
                assert address in shown_now()
        press(draft, step)
    assert next_step() == ""
    assert "Both boards are public and final." in card(panel, draft)
    assert card(panel, draft).count('aria-label="Done"') == 9


def test_the_main_button_ends_no_competition_before_its_end(
    panel: Client, competition: Competition
) -> None:
    shown = card(panel, competition)
    assert main_button(shown) == "Dashboard"
    assert reverse("admin:leaderboard_competition_close", args=[competition.pk]) not in shown
    Competition.objects.update(ends_at=timezone.now() - timedelta(hours=1))
    assert main_button(card(panel, competition)) == "Close"


def test_a_site_without_images_leads_to_their_import(
    panel: Client, draft: Competition, organizer: User
) -> None:
    Competition.objects.update(dataset=None)
    Dataset.objects.all().delete()
    shown = card(panel, draft)
    assert main_button(shown) == "Add a dataset"
    assert reverse("admin:leaderboard_dataset_add") in shown


def test_the_card_is_for_organizers_and_asks_little(
    competition: Competition,
    owner: User,
    client: Client,
    panel: Client,
    django_assert_max_num_queries: Any,
) -> None:
    way = reverse("admin:leaderboard_competition_way", args=[competition.pk])
    with django_assert_max_num_queries(20):
        panel.get(way)
    client.force_login(owner)
    assert client.get(way).status_code in (302, 403)


def test_a_profile_begins_with_the_values_of_a_kind_of_machine(panel: Client) -> None:
    add = reverse("admin:leaderboard_hardwareprofile_add")
    page = panel.get(add).content.decode()
    for title in ("Laptop", "Lab server", "GPU"):
        assert f"Fill in “{title}”" in page
    assert "Two models whose times differ by less than 2.1% stay tied." in page
    for name, field, value in (
        ("laptop", "target_half_width", 0.03),
        ("lab", "target_half_width", 0.015),
        ("gpu", "device", "cuda"),
        ("unknown", "device", "cpu"),
    ):
        form = panel.get(f"{add}?preset={name}").context["adminform"].form
        assert form[field].value() == value
    for preset in profiles.PRESETS:
        profile = preset.profile()
        profile.slug = profile.name = "a"
        profile.full_clean()
