"""Organizers say how long model files, reports and answers are kept; `manage.py tidy` obeys."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.test import Client, TestCase
from django.urls import reverse
from django.utils import timezone

from leaderboard.errors import NotFound
from leaderboard.models import AuditEntry, Competition, Snapshot, StoredReport, Submission, User
from leaderboard.models.answers import Answers
from leaderboard.services import (
    competitions,
    files,
    keeping,
    ranges,
    selections,
    snapshots,
    trials,
)
from tests.leaderboard import results
from tests.leaderboard.admin.conftest import panel
from tests.leaderboard.conftest import answers_of, finish
from tests.leaderboard.web.conftest import browser, text

__all__ = ["browser", "panel"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "PAUSE", 0)


def tidy(capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    """The terms that were over, in the JSON of the command."""
    call_command("tidy", "--json", *options)
    terms: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["terms"]
    return terms


def stored(submission: Submission) -> tuple[bool, int, bool]:
    """Whether there are a file and answers, and how many reports."""
    submission = Submission.objects.get(pk=submission.pk)
    evaluation = submission.evaluation
    return bool(submission.file), evaluation.reports.count(), evaluation.answers_id is not None


def test_what_no_board_needs_goes_first_and_scores_stay(
    draft: Competition,
    make_model: Callable[..., bytes],
    submit: Callable[..., Submission],
    organizer: User,
    browser: Any,
    panel: Client,
    capsys: pytest.CaptureFixture[str],
) -> None:
    competition = results.opened(draft, make_model, organizer)
    best = {name: one.submission for name, one in results.played(competition, submit).items()}
    team = best["Ash"].team
    others = []
    for seed in (8, 9):  # worse ones of the same team; the second is selected
        given = [results.answered(size, wrong=size // 2, seed=seed) for size in (24, 36)]
        found = results.measured(*given, ratio=0.9, seed=seed, pace=None)
        others.append(submit(team, seed=seed))
        answers = answers_of(public=given[0], private=given[1])
        finish(others[-1].latest_evaluation, found, answers)
    plain, selected = others
    chosen = [best["Ash"].pk, selected.pk]
    selections.choose(team=team, submission_ids=chosen, by=team.members.get())
    page = reverse("admin:leaderboard_competition_result", args=[competition.pk])
    assert "Nothing is deleted: no term is set." in text(panel.get(page))
    Competition.objects.update(keep_unranked_days=30, keep_all_days=90)
    assert "deleted 30 days after the publication" in text(panel.get(page))
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    ranges.renew_all()
    assert tidy(capsys) == []  # the term begins with the publication

    def later(days: int) -> None:
        Competition.objects.update(published_at=timezone.now() - timedelta(days=days))
        Submission.objects.update(uploaded_at=timezone.now() - timedelta(days=days + 1))

    later(31)
    [waiting] = tidy(capsys)  # the result is not signed yet
    assert (waiting["scope"], waiting["submissions"], waiting["is_waiting"]) == (
        "unranked",
        1,
        True,
    )
    snapshots.go_on(seconds=60)
    assert Snapshot.objects.get().made_at
    before = client_board(competition)
    [told] = tidy(capsys, "--dry-run")
    assert (told["submissions"], told["reports"], told["is_waiting"]) == (1, 1, False)
    assert stored(plain) == (True, 1, True)
    assert "1 submission" in text(panel.get(page))
    name = str(plain.file)
    with_commit(lambda: tidy(capsys))
    assert stored(plain) == (False, 0, False)
    assert not Path(plain.file.path).exists()
    assert name not in {str(one.file) for one in Submission.objects.all()}
    for one in (*best.values(), selected):
        assert stored(one) == (True, 1, True), one
    entry = AuditEntry.objects.get(act="data_deleted")
    assert (entry.by_name, entry.after["submissions"]) == ("service", 1)
    assert tidy(capsys) == []
    # Its team still reads the figures, and is told why there is no file.
    member = browser(team.members.get())
    assert "The time to keep the file is over." in text(member.get(plain.get_absolute_url()))
    assert member.get(f"{plain.get_absolute_url()}file/").status_code == 404
    with pytest.raises(NotFound) as gone:
        keeping.model_file(Submission.objects.get(pk=plain.pk))
    assert gone.value.code == "model_deleted"

    later(91)
    assert [one["scope"] for one in tidy(capsys)] == ["all"]
    for one in (*best.values(), selected):
        assert stored(one) == (False, 0, False), one
    assert client_board(competition) == before
    calibration = competition.calibration
    assert calibration
    assert StoredReport.objects.get().evaluation == calibration
    assert Answers.objects.get() == calibration.answers
    assert Path(calibration.reference.file.path).exists()
    assert Snapshot.objects.get().file.open("rb").read(1) == b"{"


def with_commit(act: Callable[[], object]) -> None:
    """Do an act, and run what waits for its commit. The test's own transaction is never
    committed."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        act()


def client_board(competition: Competition) -> Any:
    return Client().get(f"/api/v2/competitions/{competition.slug}/leaderboards/private").json()


def test_a_file_stays_while_any_row_names_it(
    competition: Competition, team: Any, owner: User, submit: Any, model: bytes
) -> None:
    """The columns of files in models, trials, references and signed results all count."""
    assert {column for _, column in files.columns()} == {"file", "archive"}
    trial = trials.begin(
        competition=competition, team=team, upload=ContentFile(model, name="m.pt"), by=owner
    )
    names = [str(trial.file), str(submit(team, 3).file), str(competition.reference.file)]
    files.drop_unused(names)
    assert all(Path(one.path).exists() for one in (trial.file, competition.reference.file))
    trial.delete()
    files.drop_unused(names)
    assert not Path(trial.file.path).exists()
