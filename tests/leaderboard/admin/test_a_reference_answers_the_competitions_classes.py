"""A reference for another number of classes is refused at the upload; what fails is its fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

import scoring
from leaderboard.models import Competition, Evaluation
from leaderboard.services import running
from scoring.sentences import say
from tests.leaderboard.web.conftest import text

pytestmark = pytest.mark.django_db


def sent(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("reference.pt", data)


def test_another_number_of_classes_is_refused_with_both_told(
    press: Any, draft: Competition, make_model: Callable[..., bytes]
) -> None:
    for classes in (2, 4, 7):
        answer = text(press(draft, "upload_reference", upload=sent(make_model(classes=classes))))
        assert "has 3 rows, but Waste has 3 classes" in answer
        draft.refresh_from_db()
        assert draft.reference is None


def test_an_organizer_who_knows_better_may_insist(
    press: Any, draft: Competition, make_model: Callable[..., bytes]
) -> None:
    press(draft, "upload_reference", upload=sent(make_model(classes=4)), anyway="on")
    draft.refresh_from_db()
    assert draft.reference is not None


def test_a_reference_that_fails_its_calibration_has_failed_itself(
    press: Any,
    panel: Any,
    draft: Competition,
    make_model: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    press(draft, "upload_reference", upload=sent(make_model()))
    press(draft, "calibrate")

    def wrong(job: Any, progress: Any, **_: Any) -> None:
        raise scoring.EngineError(
            "reference_wrong_output", say("It answers 4 numbers for 3 classes.")
        )

    monkeypatch.setattr(scoring, "evaluate", wrong)
    ended = running.run_next("cpu")
    ended.refresh_from_db()
    assert (ended.state, ended.failure_code, ended.faults) == ("failed", "wrong_output", 0)
    page = text(panel.get(f"/admin/leaderboard/competition/{draft.pk}/change/"))
    assert "It answers 4 numbers for 3 classes." in page


def test_what_breaks_otherwise_in_a_calibration_is_still_ours(
    press: Any, draft: Competition, make_model: Callable[..., bytes], monkeypatch: Any
) -> None:
    press(draft, "upload_reference", upload=sent(make_model()))
    press(draft, "calibrate")

    def broken(job: Any, progress: Any, **_: Any) -> None:
        raise scoring.EngineError("sandbox_failed", say("It did not start."))

    monkeypatch.setattr(scoring, "evaluate", broken)
    running.run_next("cpu")
    waiting = Evaluation.objects.get()
    assert (waiting.state, waiting.faults) == ("queued", 1)
