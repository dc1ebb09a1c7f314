"""A contest of 50 teams, 300 uploads and 14 days, from an empty site to the signed result.

The organizer sits at the panel in Chromium. Teams use the API. Boards, ranges and the signed file
are those that `tests.leaderboard.contest.recomputed` computes without the service. Without Chromium
Django's client sends the panel's forms instead, and the rest is the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from leaderboard.models import (
    AuditEntry,
    Competition,
    Dataset,
    HardwareProfile,
    Rescore,
    Submission,
    Team,
    User,
)
from tests.browser.conftest import CHROMIUM
from tests.leaderboard.admin.test_an_organizer_runs_a_competition import (
    change,
    filled,
    send_images,
)
from tests.leaderboard.contest import comparing, freezing, members, playing, story

pytestmark = pytest.mark.django_db(transaction=True)


class Desk(Protocol):
    """Where the organizer fills in forms and presses buttons."""

    def press(self, url: str, button: str, **fields: str) -> str:
        """Fill in a form and press its button. Returns the page that follows."""


class InChromium:
    def __init__(self, page_of: Callable[..., Any], organizer: User) -> None:
        self.page_of, self.organizer = page_of, organizer

    def press(self, url: str, button: str, **fields: str) -> str:
        page = self.page_of(self.organizer)  # anew: no sign-in lasts for the whole contest
        page.goto(url)
        for name, value in fields.items():
            kinds = (f"{kind}[name$={name!r}]" for kind in ("input", "select", "textarea"))
            field = page.locator(", ".join(kinds)).first
            if field.evaluate("one => one.tagName") == "SELECT":
                field.select_option(value, force=True)
            else:
                field.fill(value)
        with page.expect_navigation():
            page.get_by_role("button", name=button, exact=True).first.click()
        said = page.inner_text("body")
        page.context.close()
        return str(said)


class ByClient:
    def __init__(self, organizer: User) -> None:
        self.organizer = organizer

    def press(self, url: str, button: str, **fields: str) -> str:
        client = signed_in(self.organizer)
        page = client.get(url)
        assert button in page.content.decode()
        is_form = bool(page.context and "adminform" in page.context)
        data = filled(client, url, **fields) if is_form else fields
        return client.post(url, data, follow=True).content.decode()


class AtTheDesk:
    """The organizer's acts in the story."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def rescore(self, competition: Competition, formula: dict[str, float]) -> None:
        numbers = {name: str(value) for name, value in formula.items()}
        preview = self.desk.press(
            at(competition, "formula"), "Preview on the board", **numbers, why="Less time."
        )
        assert "Only organizers see this page" in preview
        done = self.desk.press(at(Rescore.objects.get(), "apply"), "Apply to everybody")
        assert "The new scores apply." in done

    def merge(self, into: Team, other: Team) -> None:
        said = self.desk.press(
            at(into, "merge"), "Merge", other=other.name, reason="One laboratory."
        )
        assert "The other team has joined" in said

    def disqualify(self, submission: Submission) -> None:
        self.desk.press(at(submission, "disqualify"), "Disqualify", reason="A copy.")

    def ban(self, team: Team) -> None:
        said = self.desk.press(at(team, "ban"), "Ban", reason="Two teams.")
        assert "The ban is in force." in said

    def publish(self, competition: Competition) -> None:
        self.desk.press(at(competition, "publish"), "Publish permanently")


def at(row: Model, step: str) -> str:
    return reverse(f"admin:leaderboard_{row._meta.model_name}_{step}", args=[row.pk])


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def desk(request: pytest.FixtureRequest, organizer: User) -> Desk:
    if CHROMIUM:
        return InChromium(request.getfixturevalue("page_of"), organizer)
    warnings.warn("Chromium is not installed: a client sends the panel's forms.", stacklevel=1)
    return ByClient(organizer)


def drafted(desk: Desk, organizer: User, folder: Path, clock: playing.Clock) -> Competition:
    """A draft of a preset profile and of imported images."""
    desk.press(
        reverse("admin:leaderboard_hardwareprofile_add") + "?preset=lab",
        "Save",
        name="Lab server",
        slug="lab",
        published="plain",
        max_half_width="0",
        canary_every_minutes="0",
    )
    assert HardwareProfile.objects.get().target_half_width == 0.015
    playing.zipped_images(folder / "images.zip")
    send_images(signed_in(organizer), (folder / "images.zip").read_bytes())
    desk.press(
        reverse("admin:leaderboard_competition_add"),
        "Save",
        title="A whole contest",
        slug="whole",
        dataset=str(Dataset.objects.get().pk),
        profile=str(HardwareProfile.objects.get().pk),
    )
    draft = Competition.objects.get()
    dates = {"freezes_at": story.FROZEN, "ends_at": story.END, "late_until": story.LATE_UNTIL}
    parts = {"0": "%Y-%m-%d", "1": "%H:%M:%S"}
    change(
        signed_in(organizer),
        draft,
        **story.FIRST,
        input_height=24,
        input_width=24,
        remeasured_ranks=0,
        **{
            f"{name}_{part}": (clock.opening + at).strftime(how)
            for name, at in dates.items()
            for part, how in parts.items()
        },
        release_answers="on",
        final_selections=story.FINALS,
    )
    assert draft.release_answers
    assert draft.min_quality == story.FIRST["min_quality"]
    return draft


def test_boards_ranges_and_the_signed_file_are_as_computed_elsewhere(
    desk: Desk, organizer: User, make_model: Callable[..., bytes], tmp_path: Path
) -> None:
    clock = playing.Clock(playing.opening())
    with clock.told():
        competition = drafted(desk, organizer, tmp_path, clock)
        reference = SimpleUploadedFile("reference.pt", make_model(seed=1000))
        upload = {"upload": reference, "name": "ResNet18-D"}
        signed_in(organizer).post(at(competition, "upload_reference"), upload)
        desk.press(at(competition, "calibrate"), "Queue a calibration")
        playing.calibrated(competition)
        desk.press(at(competition, "open_"), "Open for uploads")
    competition.refresh_from_db()
    assert competition.state == Competition.State.OPEN
    play = playing.Play(
        competition,
        clock,
        members=members.ByApi(),
        organizer=AtTheDesk(desk),
        model=make_model(),
    )
    play.all()
    assert set(play.refused) == {"banned"}
    freezing.nothing_new_is_told(play)
    play.publish()
    comparing.boards_hold(play)
    freezing.all_is_told(play)
    file = tmp_path / "whole.json"
    answer: Any = Client().get(f"/competitions/{competition.slug}/snapshot.json")
    file.write_bytes(b"".join(answer.streaming_content))
    comparing.snapshot_holds(play, file)
    acts = set(AuditEntry.objects.filter(by=organizer).values_list("act", flat=True))
    assert acts > {"rescore_applied", "submission_disqualified", "banned", "publication_begun"}
