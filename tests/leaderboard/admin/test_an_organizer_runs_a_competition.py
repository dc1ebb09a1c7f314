"""The whole way through the panel's forms, from an empty site to both boards."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.forms.models import model_to_dict
from django.test import Client
from django.urls import reverse

from leaderboard.errors import Conflict
from leaderboard.models import (
    Competition,
    Dataset,
    Entry,
    Evaluation,
    HardwareProfile,
    NextEntry,
    Team,
    User,
)
from leaderboard.services import competitions, preparing, profiles, teams
from tests.leaderboard.answers import Answer
from tests.leaderboard.conftest import finish, images, report, rewrite, told

Press = Callable[..., Answer]


def text(answer: Answer) -> str:
    return answer.content.decode()


def said(answer: Answer) -> str:
    """The messages on the page at the end of the redirects."""
    return " ".join(str(one) for one in answer.context["messages"])


def filled(panel: Client, url: str, **fields: Any) -> dict[str, Any]:
    """The form data that a browser would send, with some fields filled in."""
    page = panel.get(url).context
    main = page["adminform"].form
    forms = [main, *(one.formset for one in page["inline_admin_formsets"])]
    data: dict[str, Any] = {}
    for form in forms:
        for one in getattr(form, "forms", [form]):
            for bound in one:
                value = bound.value()
                if hasattr(bound.field.widget, "widgets"):  # a date and its time
                    parts = bound.field.widget.decompress(value)
                    data |= {f"{bound.html_name}_{n}": part or "" for n, part in enumerate(parts)}
                elif value is not None and value is not False:
                    data[bound.html_name] = value
        if hasattr(form, "management_form"):
            data |= {bound.html_name: bound.value() for bound in form.management_form}
    return data | {main.add_prefix(name): value for name, value in fields.items()}


def change(panel: Client, obj: Any, **fields: Any) -> Answer:
    url = reverse(f"admin:leaderboard_{obj._meta.model_name}_change", args=[obj.pk])
    answer = panel.post(url, filled(panel, url, **fields), follow=True)
    obj.refresh_from_db()
    return answer


def add(panel: Client, noun: str, **fields: Any) -> Answer:
    url = reverse(f"admin:leaderboard_{noun}_add")
    return panel.post(url, filled(panel, url, **fields), follow=True)


def send_images(panel: Client, content: bytes, **fields: Any) -> Answer:
    """Upload images, and import them from the page that reports what they are."""
    upload = SimpleUploadedFile("waste.zip", content, "application/zip")
    url = reverse("admin:leaderboard_dataset_add")
    answer = panel.post(url, {"source": upload, "name": "Waste"})
    if answer.status_code != 302:
        return answer
    looked = text(panel.get(answer["Location"]))
    assert "What prevents the import" in looked or not fields.get("skip_broken")
    return panel.post(answer["Location"], {"name": "Waste", **fields}, follow=True)


def zipped(content: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return target.getvalue()


@pytest.fixture
def uploaded(model: bytes) -> Callable[[], SimpleUploadedFile]:
    return lambda: SimpleUploadedFile("reference.pt", model)


def test_from_an_empty_site_to_both_boards(
    panel: Client,
    press: Press,
    owner: User,
    submit: Callable[..., Any],
    uploaded: Callable[[], SimpleUploadedFile],
) -> None:
    add(panel, "hardwareprofile", name="One core", slug="cpu")
    profile = HardwareProfile.objects.get()

    send_images(panel, images(per_class=10), licence="CC0")
    dataset = Dataset.objects.get()
    assert dataset.split("private").images == 6

    answer = add(
        panel,
        "competition",
        title="Waste",
        slug="waste",
        dataset=dataset.pk,
        profile=profile.pk,
    )
    competition = Competition.objects.get()
    assert (
        "input_height"
        not in panel.get(reverse("admin:leaderboard_competition_add")).content.decode()
    )
    change(panel, competition, input_height=24, input_width=24)
    assert "has macro-F1 0.167 on the public split. Its score is known once" in text(answer)

    refused = press(competition, "open_")
    assert refused.status_code == 409
    assert "Upload the reference model first." in text(refused)

    answer = press(competition, "upload_reference", upload=uploaded(), name="Small net")
    assert "Small net" in text(answer)
    press(competition, "calibrate")
    assert press(competition, "calibrate").status_code == 409
    calibration = competition.evaluations.get()
    finish(calibration, report(quality_public=0.7, quality_private=0.69, time_ratio=1.002))
    answer = panel.get(reverse("admin:leaderboard_competition_change", args=[competition.pk]))
    assert "public 0.7000, private 0.6900" in text(answer)
    assert "1.002 ± 0.010" in text(answer)
    assert "would score 1.000. The reference scores 1.000" in text(answer)
    assert "With the gate of 0 this model would get a rank" in text(answer)
    assert "0.01 of macro-F1 is worth 0.050 of the score, or 0.100 of the time" in text(answer)
    assert "154 images to see a difference of 0.05, and 3,842 images to see" in text(answer)
    assert "public images can show a difference of 0." in text(answer)

    answer = change(panel, competition, min_quality=0.4)
    assert competition.calibration == calibration
    assert "With the gate of 0.4 this model gets no rank" in text(answer)

    press(competition, "open_")
    competition.refresh_from_db()
    assert competition.is_public

    team = teams.create(competition=competition, name="Sorters", by=owner)
    submission = submit(team, seed=5)
    press(competition, "pause", message="The worker moves.")
    competition.refresh_from_db()
    assert competition.state == "paused"
    assert competition.pause_message == "The worker moves."
    press(competition, "resume")
    press(competition, "close")
    refused = press(competition, "publish")
    assert refused.status_code == 409
    assert "1 queued and 0 running evaluations must end first." in text(refused)

    finish(
        submission.latest_evaluation,
        report(quality_public=0.8, quality_private=0.75, time_ratio=0.5),
    )
    press(submission, "disqualify", reason="Two accounts.")
    submission.refresh_from_db()
    assert submission.disqualified_reason == "Two accounts."
    assert not Entry.objects.exists()
    press(submission, "reinstate", reason="One account.")
    assert Entry.objects.get().board == "public"

    press(submission, "evaluate_again")
    assert "is already being evaluated" in text(press(submission, "evaluate_again"))
    finish(
        submission.latest_evaluation,
        report(quality_public=0.8, quality_private=0.75, time_ratio=0.4),
    )

    press(competition, "publish")
    competition.refresh_from_db()
    assert competition.is_published
    private = Entry.objects.get(board="private")
    assert private.quality == 0.75
    assert private.time_ratio == 0.4


def test_what_scores_depend_on_is_fixed_once_open(panel: Client, competition: Competition) -> None:
    before = model_to_dict(competition)
    other = HardwareProfile.objects.create(slug="gpu", name="GPU")
    frozen = {"k": 5, "profile": other.pk, "batch_size": 8, "slug": "else", "crop_mode": "squash"}
    change(panel, competition, **frozen, title="New title")
    assert competition.title == "New title"
    assert model_to_dict(competition) | {"title": before["title"]} == before


def test_a_change_of_the_metric_asks_for_a_new_calibration(
    panel: Client, press: Press, draft: Competition, uploaded: Callable[[], SimpleUploadedFile]
) -> None:
    press(draft, "upload_reference", upload=uploaded(), name="")
    press(draft, "calibrate")
    refused = change(panel, draft, k=10)
    assert "A calibration is running" in text(refused)
    assert draft.k == 20
    finish(draft.evaluations.get(), report())
    change(panel, draft, k=10)
    assert draft.calibration, "its figures give the score by another number, too"
    answer = change(panel, draft, metric="accuracy")
    assert draft.calibration is None
    assert "Calibrate again." in text(answer)


def test_another_gate_rewrites_the_boards(
    panel: Client, competition: Competition, team: Any, scored: Callable[..., Any]
) -> None:
    scored(team, quality_public=0.5)
    assert Entry.objects.get().is_ranked
    change(panel, competition, min_quality=0.6)
    assert not Entry.objects.get().is_ranked


def test_limits_of_an_answer_are_set_and_leave_room_for_an_honest_one(
    panel: Client, draft: Competition
) -> None:
    change(panel, draft, first_call_seconds=12.5, output_bytes=64)
    limits = draft.limits()
    assert (limits.first_call_seconds, limits.output_bytes) == (12.5, 64)
    answer = change(panel, draft, batch_size=8, output_bytes=100)
    assert "8 x 3 numbers can need 192 bytes. Allow that many." in text(answer)
    assert "greater than or equal to 64" in text(change(panel, draft, output_bytes=8))
    assert "greater than or equal to 0.1" in text(change(panel, draft, first_call_seconds=0))
    assert draft.limits() == limits


def test_sizes_lie_within_their_bounds(panel: Client, draft: Competition) -> None:
    answer = change(panel, draft, max_input_size=20)
    assert "must be between the smallest (16) and the largest (20) size" in text(answer)
    assert draft.max_input_size == 512


def test_images_are_fitted_as_the_organizer_says(panel: Client, draft: Competition) -> None:
    change(panel, draft, crop_pct=0.8751234, crop_mode="border", interpolation="hamming")
    spec = draft.input_spec()
    assert (spec.crop_pct, spec.crop_mode, spec.interpolation) == (0.8751234, "border", "hamming")
    Competition.objects.update(state="open")
    data = text(panel.get(f"{draft.get_absolute_url()}data/"))
    assert "<code>crop_pct</code> 0.8751234 and <code>crop_mode</code> border" in data
    shown = panel.get(f"/api/v2/competitions/{draft.slug}").json()["input"]
    assert (shown["crop_pct"], shown["crop_mode"]) == (0.8751234, "border")


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("mean", "[NaN, 0.5, 0.5]"),
        ("mean", "[0.5, Infinity, 0.5]"),
        ("mean", f"[0.5, 0.5, 1{'0' * 400}]"),
        ("std", "[NaN, 0.5, 0.5]"),
        ("std", "[0.5, 0.5, 0]"),
        ("std", "[0.5, 0.5, -0.5]"),
        ("std", '["a", 0.5, 0.5]'),
        ("std", "5"),
    ],
)
def test_means_and_deviations_are_numbers_to_calculate_with(
    panel: Client, draft: Competition, field: str, text: str
) -> None:
    before = getattr(draft, field)
    answer = change(panel, draft, **{field: text})
    assert "Write three numbers" in answer.content.decode()
    assert getattr(draft, field) == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("threads", 0),
        ("min_segments", 0),
        ("min_quads", 1),
        ("target_half_width", -1),
        ("max_half_width", -5),
        ("max_seconds", 0),
    ],
)
def test_a_profile_that_could_measure_nothing_is_refused(
    panel: Client, profile: HardwareProfile, field: str, value: float
) -> None:
    before = getattr(profile, field)
    answer = change(panel, profile, **{field: value})
    assert "Ensure this value is greater than or equal to" in text(answer)
    assert getattr(profile, field) == before


def test_a_queued_evaluation_is_cancelled(
    press: Press, team: Any, submit: Callable[..., Any]
) -> None:
    evaluation = submit(team).latest_evaluation
    press(evaluation, "cancel")
    evaluation.refresh_from_db()
    assert evaluation.state == Evaluation.State.CANCELLED
    assert press(evaluation, "cancel").status_code == 409


def test_several_are_evaluated_again(
    panel: Client, team: Any, scored: Callable[..., Any], submit: Callable[..., Any]
) -> None:
    rows = [scored(team, seed=1), scored(team, seed=2), submit(team, seed=3)]
    chosen = {"action": "evaluate_all_again", "_selected_action": [row.pk for row in rows]}
    answer = panel.post(reverse("admin:leaderboard_submission_changelist"), chosen, follow=True)
    assert "Evaluations queued: 2." in said(answer)
    assert "already being evaluated" in said(answer)


def test_a_measured_profile_keeps_its_machine(
    panel: Client, competition: Competition, profile: HardwareProfile
) -> None:
    change(panel, profile, threads=4, slug="else", max_seconds=90)
    assert (profile.threads, profile.slug, profile.max_seconds) == (1, "cpu", 90)


def test_while_a_competition_runs_its_times_go_on_to_mean_the_same(
    panel: Client, competition: Competition, profile: HardwareProfile, organizer: User
) -> None:
    change(panel, profile, published="plain")
    assert profile.published == "corrected"
    profile.published = "plain"
    with pytest.raises(Conflict, match="published ratio"):
        profiles.save(profile=profile, by=organizer)
    Competition.objects.update(state="published")
    change(panel, profile, published="plain")
    assert profile.published == "plain"


def test_a_profile_that_measured_meanwhile_keeps_its_machine(
    panel: Client, profile: HardwareProfile, competition: Competition, organizer: User
) -> None:
    profile.threads = 4  # as in a form that was opened before
    with pytest.raises(Conflict, match="something was measured there"):
        profiles.save(profile=profile, by=organizer)
    profile.refresh_from_db()
    profile.name = "Another name"
    profiles.save(profile=profile, by=organizer)
    assert HardwareProfile.objects.get().name == "Another name"


def test_a_name_of_a_team_is_mended(panel: Client, team: Team, rivals: Team) -> None:
    def rename(name: str) -> Answer:
        url = reverse("admin:leaderboard_team_rename", args=[team.pk])
        answer = panel.post(url, {"name": name, "reason": "It was misspelt."}, follow=True)
        team.refresh_from_db()
        return answer

    rename("  Fine   sorters ")
    assert team.name == "Fine sorters"
    answer = rename("rivals")
    assert "already" in text(answer) or "is violated" in text(answer)
    assert team.name == "Fine sorters"


BAD_ZIPS = {
    "none": (b"no zip at all", "waste.zip is neither a folder nor a readable zip"),
    "unreadable": (
        zipped({"cat/1.png": b"x", "notes.txt": b"x"}),
        "There are no readable images in class",
    ),
    "empty": (zipped({}), "There are no readable images in class folders"),
    "cut": (images(per_class=10)[:-100], "waste.zip is neither a folder nor a readable zip"),
}


@pytest.mark.parametrize(("content", "sentence"), BAD_ZIPS.values(), ids=BAD_ZIPS)
def test_bad_datasets_are_refused_on_the_page(panel: Client, content: bytes, sentence: str) -> None:
    answer = send_images(panel, content)
    assert answer.status_code == 400
    assert sentence in text(answer)
    assert not Dataset.objects.exists()


def test_shares_are_given_all_or_none(panel: Client) -> None:
    answer = send_images(panel, images(per_class=10), sample="0.5")
    assert "Give all three shares, or none." in text(answer)
    answer = send_images(panel, images(per_class=10), sample="0.5", public="0.4", private="0.4")
    assert "together at most 1" in text(answer)
    assert not Dataset.objects.exists()
    send_images(panel, images(per_class=10), sample="0.2", public="0.4", private="0.4", seed="1")
    assert Dataset.objects.get().split("private").images == 12


def test_bad_files_are_left_out_and_listed(panel: Client) -> None:
    target = io.BytesIO(images(per_class=10))
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("Metal/broken.png", b"no picture")
    answer = send_images(panel, target.getvalue())
    assert "Metal/broken.png (This image cannot be decoded)" in text(answer)
    answer = send_images(panel, target.getvalue(), skip_broken="on")
    assert "Metal/broken.png" in text(answer)
    assert len(Dataset.objects.get().skipped) == 1


def test_an_update_that_measures_in_another_way_is_told(
    panel: Client, press: Press, competition: Competition
) -> None:
    url = reverse("admin:leaderboard_competition_change", args=[competition.pk])
    assert "Older protocol" not in text(panel.get(url))
    calibration = competition.calibration
    assert calibration
    found = told(calibration)
    found["versions"]["protocol"] = "1"
    rewrite(calibration, found)
    assert "Older protocol" in text(panel.get(url))
    Competition.objects.update(state="draft")
    competition.refresh_from_db()
    reason = competitions.outdated(competition)
    assert "Calibrate again" in reason
    assert reason in text(panel.get(url))
    assert reason in text(panel.get(reverse("admin:index")))
    assert reason in text(press(competition, "open_"))


def test_what_is_prepared_is_shown_and_can_be_stopped(
    panel: Client,
    press: Press,
    competition: Competition,
    team: Team,
    rivals: Team,
    scored: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preparing, "AT_ONCE", -1)
    monkeypatch.setattr(preparing, "BATCH", 1)
    submission = scored(team)
    scored(rivals, seed=2)
    assert "Stop the preparation" not in text(change(panel, competition, tagline="Sort it."))

    assert "The gate of 0.9 applies as soon as" in said(change(panel, competition, min_quality=0.9))
    answer = change(panel, competition, tagline="Sort it well.", min_quality=0.0)
    assert competition.tagline == "Sort it well."
    assert "The gate of 0.9 applies as soon as" in said(answer), "0 is what there was: no change"
    assert "In preparation, gate of 0.9: 1 of 2 teams are prepared." in text(answer)
    refused = change(panel, competition, min_quality=0.5)
    assert "The boards are being prepared." in text(refused)
    assert "The preparation is stopped." in said(press(competition, "stop_preparing"))
    answer = press(competition, "stop_preparing")
    assert (answer.status_code, "Nothing is being prepared" in text(answer)) == (409, True)
    preparing.go_on_all(seconds=10)
    competition.refresh_from_db()
    assert competition.min_quality == 0
    assert Entry.objects.filter(is_ranked=True).count() == 2
    assert not NextEntry.objects.exists()

    press(competition, "close")
    assert "being prepared in the background" in said(press(competition, "publish"))
    press(submission, "evaluate_again")
    page = reverse("admin:leaderboard_competition_change", args=[competition.pk])
    assert "It waits for 1 queued and 0 running evaluations." in text(panel.get(page))
    press(competition, "stop_preparing")
    finish(submission.latest_evaluation, report())
    preparing.go_on_all(seconds=10)
    competition.refresh_from_db()
    assert competition.state == "closed"
    press(competition, "publish")
    preparing.go_on_all(seconds=10)
    competition.refresh_from_db()
    assert competition.is_published
