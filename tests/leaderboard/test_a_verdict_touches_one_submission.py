"""A team's long history costs nothing when a verdict is recorded or a decision is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from leaderboard.models import Evaluation, Submission, Team, User
from leaderboard.services import (
    counting,
    queueing,
    rankings,
    recording,
    running,
    selections,
    submissions,
)
from tests.leaderboard.conftest import answers_of, finish, report

pytestmark = pytest.mark.django_db
Scored = Callable[..., Submission]
ANSWERED = answers_of(public=[0] * 24, private=[0] * 36)
MOST_QUERIES = 22
"""Queries of a verdict. They include its savepoint, the lock of the formula, two rows for notices,
the answers of the team's entry, and prepared entries."""


@contextmanager
def watched() -> Iterator[dict[str, int]]:
    """Counts queries and the rows that come back; those of SQLite's are not told."""
    seen = {"queries": 0, "rows": 0}

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        seen["queries"] += 1
        seen["rows"] += max(0, context["cursor"].rowcount)
        assert not ("leaderboard_storedreport" in sql and sql.startswith("SELECT")), sql
        return found

    with connection.execute_wrapper(watch):
        yield seen


def copies(of: Submission, count: int) -> None:
    """More of a team's history: worse submissions, each scored."""
    evaluation = of.evaluation
    made = Submission.objects.bulk_create(
        Submission(
            **{
                field.attname: getattr(of, field.attname)
                for field in Submission._meta.concrete_fields
                if not field.primary_key
            }
            | {
                "content_sha256": f"{number:064}",
                "uploaded_at": of.uploaded_at - timedelta(days=30),
            }
        )
        for number in range(count)
    )
    fields = [one for one in Evaluation._meta.concrete_fields if not one.primary_key]
    Evaluation.objects.bulk_create(
        Evaluation(
            **{field.attname: getattr(evaluation, field.attname) for field in fields}
            | {"submission_id": one.pk, "score_public": evaluation.score_public + 1 + number / 1000}
        )
        for number, one in enumerate(made)
    )


def test_whatever_the_team_has_sent_before(
    team: Team, scored: Scored, submit: Scored, owner: User, organizer: User
) -> None:
    seen = []
    first = scored(team, seed=1, time_ratio=0.9)
    second = submit(team, seed=2)
    finish(second.latest_evaluation, report(time_ratio=0.8), ANSWERED)
    for number, before in enumerate((0, 300)):
        copies(first, before)
        submission = submit(team, seed=10 + number)
        claimed = running.claim(submission.competition.profile)
        assert claimed
        assert claimed.submission.team.competition == claimed.competition  # read for the job
        assert claimed.dataset  # likewise
        assert claimed.competition.calibration  # likewise
        with watched() as queries:
            recording.record(claimed, report(time_ratio=0.5), ANSWERED)
        seen.append(queries)
        assert rankings.entry_of(team, "public").submission == submission
        with watched() as queries:
            selections.choose(team=team, submission_ids=[submission.pk], by=owner)
        seen.append(queries)
        with watched() as queries:
            submissions.disqualify(submission=submission, reason="copied", by=organizer)
        seen.append(queries)
        assert rankings.entry_of(team, "public").time_ratio == 0.8
        team.submissions.update(selected_at=None)
    assert seen[:3] == seen[3:]
    assert seen[0]["queries"] <= MOST_QUERIES


def test_a_repeat_that_comes_out_worse_lets_the_next_best_lead(
    team: Team, scored: Scored, organizer: User
) -> None:
    best, second = scored(team, seed=1, time_ratio=0.5), scored(team, seed=2, time_ratio=0.6)
    copies(second, 3)
    repeat = queueing.evaluate_again(submission=best, by=organizer)
    claimed = running.claim(repeat.profile)
    assert claimed
    recording.record(claimed, report(time_ratio=0.7))
    assert rankings.entry_of(team, "public").submission == second
    assert list(best.evaluations.filter(counts=True)) == [repeat]
    finals = counting.finals(team.competition, [team.pk])[team.pk]
    assert {one.submission_id for one in finals} == {best.pk, second.pk}
