"""Pages and the command show the terms that the formula has, without naming them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leaderboard.cli import submissions
from leaderboard.models import Competition, Team, User
from scoring import formula
from scoring.sentences import say
from tests.leaderboard.conftest import finish, report
from tests.leaderboard.web.conftest import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def third(monkeypatch: pytest.MonkeyPatch) -> None:
    """A formula with a term for memory."""
    plain = formula.score
    memory = formula.Term(
        say("Memory"), say("Memory term"), say("0.1 × memory"), say("Memory in gigabytes.")
    )

    def score(*figures: float, **weights: float) -> formula.Score:
        found = plain(*figures, **weights)
        return replace(found, terms={**found.terms, "memory": 0.0625})

    monkeypatch.setattr(formula, "score", score)
    monkeypatch.setitem(formula.TERMS, "memory", memory)


def test_every_term_of_a_score_has_words() -> None:
    assert list(formula.score(0.7, 1.0, quality_ref=0.7).terms) == list(formula.TERMS)


@pytest.mark.usefixtures("third")
def test_a_third_term_stands_on_the_pages(
    see: Any, submit: Any, team: Team, owner: User, competition: Competition
) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, report(time_ratio=0.5))
    scoring = text(see(None, "/competitions/waste/scoring/"))
    for said in ("0.1 × memory", "Memory in gigabytes.", "Memory term", "0.063"):
        assert said in scoring
    board = text(see(None, "/competitions/waste/boards/public/"))
    assert "Memory 0.0625" in board
    assert "key-memory" in board
    page = text(see(owner, f"/submissions/{submission.pk}/"))
    assert "Memory 0.0625" in page
    assert 'Memory <strong class="num">0.0625</strong> = 0.1 × memory' in page
    assert "= 0.5 × 0.5000<" in page


def test_the_command_says_a_term_that_it_does_not_know() -> None:
    said = submissions.scored(
        {
            "score": {
                "score": 0.7,
                "half_width": 0.01,
                "terms": {"time": 0.25, "quality": 0.4, "energy": 0.05},
            },
            "time_ratio": 0.5,
            "half_width": 0.02,
            "quality": 0.72,
        }
    )
    assert "= 0.2500 for time + 0.4000 for quality + 0.0500 for energy." in said
