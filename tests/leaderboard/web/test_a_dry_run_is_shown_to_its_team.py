"""The team reads what its model prints on the sample, word for word.

Its output on other images is shown nowhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leaderboard.models import Competition, Evaluation, Team, User
from leaderboard.services import queueing, running
from scoring.job import DryRun, InputSpec
from tests.leaderboard.conftest import SAID, WEAK, failure, finish, report
from tests.leaderboard.web.conftest import text

HINT = "because your team has the sample images"


def raw(page: Any) -> str:
    return str(page.content.decode())


def test_a_failed_model_shows_what_it_said_escaped_and_that_it_was_cut(
    see: Any, submit: Any, team: Team, owner: User
) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, failure("crashed", "It raised an error."))
    for url in (submission.get_absolute_url(), f"/submissions/{submission.pk}/status/"):
        page = raw(see(owner, url))
        assert "layer 1 &lt;b&gt;weighs&lt;/b&gt; 0.25" in page
        assert "<b>weighs" not in page
        assert "on 8 images of the sample" in page
        assert "The output was longer" in page
        assert HINT in page


def test_a_scored_model_shows_it_too(see: Any, scored: Any, team: Team, owner: User) -> None:
    page = text(see(owner, scored(team).get_absolute_url()))
    assert SAID.strip() in page
    assert "The output was longer" not in page


def test_a_silent_model_said_nothing(see: Any, submit: Any, team: Team, owner: User) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, replace(report(), dry_run=DryRun(images=1)))
    page = text(see(owner, submission.get_absolute_url()))
    assert "on 1 image of the sample" in page
    assert "The model printed nothing." in page


def test_it_is_there_while_a_noisy_measurement_is_tried_again(
    see: Any, submit: Any, team: Team, owner: User
) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, replace(report(), status="invalid", splits={}))
    assert submission.evaluations.get().state == Evaluation.State.QUEUED
    assert SAID.strip() in text(see(owner, submission.get_absolute_url()))


def test_before_the_end_and_without_a_sample_there_is_none(
    see: Any, submit: Any, team: Team, owner: User
) -> None:
    submission = submit(team)
    assert HINT not in text(see(owner, submission.get_absolute_url()))
    finish(submission.latest_evaluation, replace(report(), dry_run=None))
    assert HINT not in text(see(owner, submission.get_absolute_url()))


def test_a_failed_repeat_shows_what_the_repeat_said(
    see: Any, scored: Any, team: Team, owner: User, organizer: User
) -> None:
    submission = scored(team)
    again = queueing.evaluate_again(submission=submission, by=organizer)
    assert SAID.strip() in text(see(owner, submission.get_absolute_url()))
    finish(again, replace(failure(), dry_run=DryRun(8, "this time it broke")))
    page = text(see(owner, submission.get_absolute_url()))
    assert "this time it broke" in page
    assert SAID.strip() not in page


@pytest.mark.parametrize("is_same_file", [True, False])
def test_who_shares_a_measurement_hears_only_the_very_same_file(
    see: Any, scored: Any, submit: Any, team: Team, rivals: Team, rival: User, is_same_file: bool
) -> None:
    first = scored(team, seed=1)
    twin = submit(rivals, seed=1)
    if not is_same_file:  # as where only debug records differ
        type(twin).objects.filter(pk=twin.pk).update(sha256="f" * 64)
    assert twin.content_sha256 == first.content_sha256
    running.run_next("cpu")
    twin.evaluations.get(state="scored", measured_by=first.evaluation)
    page = text(see(rival, twin.get_absolute_url()))
    assert (SAID.strip() in page) is is_same_file


def test_the_static_report_is_there_at_once_and_whole(
    see: Any, submit: Any, team: Team, owner: User
) -> None:
    submission = submit(team)
    del submission.static["input"]["crop_mode"]  # as uploads before there was one have it
    submission.save()
    page = text(see(owner, submission.get_absolute_url()))
    for fact in (
        "12",
        "float32",
        "aten::",
        "1×3×24×24",
        "0.485, 0.456, 0.406",
        "crop 1 center",
        "the input of the competition",
    ):
        assert fact in page, fact


def test_slips_in_the_code_are_shown_at_once(
    see: Any, submit: Any, team: Team, owner: User
) -> None:
    submission = submit(team)
    assert "In training mode" not in text(see(owner, submission.get_absolute_url()))
    submission.static |= {"devices": ["cuda:0"], "in_training": ["batch norm", "dropout"]}
    submission.save()
    page = text(see(owner, submission.get_absolute_url()))
    assert "Names a device</dt><dd>cuda:0" in page
    assert "In training mode</dt><dd>batch norm, dropout" in page


def test_a_declared_input_is_called_one(see: Any, submit: Any, team: Team, owner: User) -> None:
    submission = submit(team)
    declared = InputSpec(
        height=32, width=32, mean=(0.5, 0.5, 0.5), crop_pct=0.8751234, crop_mode="squash"
    )
    submission.static["input"] = declared.to_json()
    submission.save()
    page = text(see(owner, submission.get_absolute_url()))
    assert "declared in the model's <code>featherweight.json</code>" in page
    assert "mean 0.5, 0.5, 0.5" in page
    assert "crop 0.8751234 squash" in page


def test_weak_isolation_is_marked_on_both_pages(
    see: Any, submit: Any, team: Team, owner: User, competition: Competition
) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, replace(report(), isolation=WEAK))
    pages = [
        submission.get_absolute_url(),
        f"/evaluations/{submission.latest_evaluation.pk}/measurement/",
    ]
    for url in pages:
        page = text(see(owner, url))
        assert "Weak isolation" in page
        assert "Missing: filter of system calls (only for computing)" in page
    assert "weak isolation" in text(see(owner, pages[1]))


def test_whole_isolation_is_told_on_the_measurement_page(
    see: Any, scored: Any, team: Team, owner: User
) -> None:
    submission = scored(team)
    page = text(see(owner, f"/evaluations/{submission.evaluation.pk}/measurement/"))
    assert "filter of system calls (only for computing)" in page
    assert "eak isolation" not in page
    assert "eak isolation" not in text(see(owner, submission.get_absolute_url()))


def test_the_rules_tell_every_limit(see: Any, competition: Competition) -> None:
    Competition.objects.update(first_call_seconds=21, call_seconds=4, output_bytes=8192)
    page = text(see(None, "/competitions/waste/rules/"))
    for fact in ("at most 21 s", "at most 4 s and", "8.19 kB"):
        assert fact in page, fact
