"""The class that a model answered to each hidden image is kept, one row for each content."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from leaderboard.models import Competition, Evaluation, Split, StoredReport, Submission, Team, User
from leaderboard.models.answers import Answers
from leaderboard.services import answers, queueing, running
from tests.leaderboard.conftest import answers_of, failure, finish, report

pytestmark = pytest.mark.django_db
Make = Callable[..., Submission]
PUBLIC = [0, 1, 2] * 8
PRIVATE = [2, 1, 0] * 12
LABELS = [0] * 8 + [1] * 8 + [2] * 8


def split(of: Competition, name: str) -> Split:
    assert of.dataset
    return of.dataset.split(name)


def of_one(evaluation: Evaluation, name: str) -> list[int]:
    found = answers.kept([evaluation.pk], split(evaluation.competition, name))
    return list(found.answers[found.rows[evaluation.pk]])


def test_with_the_verdict_for_each_hidden_split_beside_its_labels(team: Team, submit: Make) -> None:
    evaluation = submit(team).latest_evaluation
    finish(evaluation, report(), answers_of(public=PUBLIC, private=PRIVATE))
    assert of_one(evaluation, "public") == PUBLIC
    assert of_one(evaluation, "private") == PRIVATE
    found = answers.kept([evaluation.pk], split(team.competition, "public"))
    assert list(found.labels) == LABELS
    assert bytes(Answers.objects.get().public) == bytes(PUBLIC), "one byte for each image"


def test_a_content_that_is_measured_again_keeps_its_row_with_the_last_answers(
    team: Team, rivals: Team, submit: Make, organizer: User
) -> None:
    first, same = submit(team, seed=1), submit(rivals, seed=1)
    finish(first.latest_evaluation, report(), answers_of(public=PUBLIC, private=PRIVATE))
    running.run_next("cpu")
    repeat = queueing.evaluate_again(submission=first, by=organizer)
    changed = [1, *PUBLIC[1:]]
    finish(repeat, report(), answers_of(public=changed, private=PRIVATE))
    assert Answers.objects.count() == 1
    evaluations = [one.evaluation for one in Submission.objects.all()]
    assert {one.submission for one in evaluations} == {first, same}
    found = answers.kept([one.pk for one in evaluations], split(team.competition, "public"))
    assert found.answers.tolist() == [changed]
    assert set(found.rows.values()) == {0}, "equal contents have one row"


def test_those_of_the_reference_come_with_its_calibration(
    competition: Competition, organizer: User
) -> None:
    calibration = queueing.enqueue(competition=competition)
    finish(calibration, report(), answers_of(public=PUBLIC, private=PRIVATE))
    again = queueing.enqueue(competition=competition)
    finish(again, report(), answers_of(public=PUBLIC, private=PRIVATE))
    assert of_one(again, "private") == PRIVATE
    assert Answers.objects.count() == 1


def test_a_model_that_fails_and_a_measuring_that_is_too_noisy_keep_none(
    team: Team, submit: Make
) -> None:
    finish(submit(team, 1).latest_evaluation, failure())
    evaluation = submit(team, 2).latest_evaluation
    finish(evaluation, report())
    found = answers.kept([evaluation.pk], split(team.competition, "public"))
    assert (found.rows, found.answers.shape) == ({}, (0, 24))


def test_above_256_classes_an_answer_has_two_bytes() -> None:
    labels = np.array([0, 255, 256, 999])
    for classes, size in ((1000, 8), (256, 2)):
        some = labels[labels < classes]
        content = answers.packed(some, classes=classes)
        assert len(content) == size
        assert answers.unpacked(content, classes=classes).tolist() == some.tolist()
    for wrong in ([-1], [3]):
        with pytest.raises(ValueError, match="no class"):
            answers.packed(np.array(wrong), classes=3)


def test_no_more_are_read_than_memory_holds(
    competition: Competition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "AT_ONCE", 2)
    with pytest.raises(ValueError, match="At most 2"):
        answers.kept([1, 2, 3], split(competition, "public"))


def test_all_are_read_by_two_queries(
    team: Team, submit: Make, django_assert_num_queries: Any
) -> None:
    keys = []
    for seed in range(4):
        evaluation = submit(team, seed).latest_evaluation
        finish(evaluation, report(), answers_of(public=PUBLIC, private=PRIVATE))
        keys.append(evaluation.pk)
    public = split(team.competition, "public")
    with django_assert_num_queries(2):
        assert len(answers.kept(keys, public).rows) == 4


def test_the_report_has_nothing_of_one_image(team: Team, submit: Make) -> None:
    evaluation = submit(team).latest_evaluation
    finish(evaluation, report(), answers_of(public=PUBLIC, private=PRIVATE))
    stored = json.dumps(StoredReport.objects.get(evaluation=evaluation).found)
    for name in ("answered", "answers", json.dumps(PUBLIC)):
        assert f'"{name}"' not in stored
