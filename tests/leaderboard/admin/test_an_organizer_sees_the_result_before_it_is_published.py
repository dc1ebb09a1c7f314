"""The page of the result: the private board of this moment, computed once for each version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from leaderboard.models import Competition, Rescore, Submission, Team, User
from leaderboard.models.rescore import FORMULA_FIELDS
from leaderboard.services import (
    competitions,
    preparing,
    previews,
    rescoring,
    selections,
    submissions,
    teams,
)

pytestmark = pytest.mark.django_db


def test_the_preview_follows_each_change_and_is_computed_once(
    panel: Client,
    competition: Competition,
    team: Team,
    rivals: Team,
    owner: User,
    organizer: User,
    scored: Callable[..., Submission],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preparing, "BATCH", 1)
    url = f"/admin/leaderboard/competition/{competition.pk}/result/?prizes=1"

    def ranks() -> list[str]:
        found = Competition.objects.get(pk=competition.pk)
        kept = previews.of(found, by=organizer).rows
        assert kept == previews.rows(found), "what is kept is the board of this moment"
        return [one.team for one in kept if one.rank]

    def page() -> str:
        return " ".join(panel.get(url).content.decode().split())

    assert ranks() == []
    low = scored(team, seed=1, quality_public=0.9, quality_private=0.5)
    assert ranks() == ["Sorters"]
    scored(team, seed=2, quality_public=0.8, quality_private=0.8)
    scored(rivals, seed=3, quality_public=0.85, quality_private=0.6)
    assert ranks() == ["Sorters", "Rivals"]
    assert "The same teams are first on both boards." in page()

    selections.choose(team=team, submission_ids=[low.pk], by=owner)
    assert ranks() == ["Rivals", "Sorters"], "no row of the public board changed"
    shown = page()
    assert "but of the private one: <strong>Rivals</strong>." in shown
    assert "No longer among them: <strong>Sorters</strong>." in shown
    with CaptureQueriesContext(
        connection,
    ) as again:
        page()
    assert not [one for one in again.captured_queries if "ROW_NUMBER" in one["sql"]]

    teams.rename(team=rivals, name="Fine rivals", reason="Rude", by=organizer)
    assert ranks() == ["Fine rivals", "Sorters"]
    competition.refresh_from_db()
    competition.min_quality = 0.55
    competitions.edit(competition=competition, by=organizer)
    assert ranks() == ["Fine rivals"], "the private quality of the other is below the gate"
    submissions.withdraw(submission=low, by=owner)
    assert ranks() == ["Sorters", "Fine rivals"]

    competition.refresh_from_db()
    today: dict[str, Any] = {name: getattr(competition, name) for name in FORMULA_FIELDS}
    changed = today | {"k": competition.k / 2}
    proposed = Rescore(competition=competition, why="Quality counted too much.", **changed)
    rescore = rescoring.propose(rescore=proposed, by=organizer)
    assert ranks() == ["Sorters", "Fine rivals"]
    rescoring.switch(rescore, organizer)
    while preparing.step(competition):
        ranks()
    assert ranks() == ["Sorters", "Fine rivals"]
