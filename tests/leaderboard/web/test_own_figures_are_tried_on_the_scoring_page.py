"""The page on scoring: a reader types figures and sees what they would be worth."""

from __future__ import annotations

import re
from typing import Any

from leaderboard.models import Competition, Team, User
from tests.leaderboard.web.conftest import text

PAGE = "/competitions/waste/scoring/"


def place(page: str) -> str:
    """What the page says of the rank."""
    found = re.search(r'class="tried-place" role="status">(.*?)<a ', page)
    assert found
    return re.sub("<[^>]+>", "", found[1]).strip()


def test_figures_give_a_score_a_place_and_what_a_little_more_is_worth(
    see: Any, scored: Any, team: Team, rivals: Team, owner: User
) -> None:
    scored(team, 1, time_ratio=0.5)  # 0.75
    scored(rivals, 2, time_ratio=0.9)  # 0.95
    page = text(see(None, f"{PAGE}?quality=0.7&ratio=0.6"))
    assert '<p class="figure num">0.8000</p>' in page
    assert place(page) == "2 This model would be between Sorters (0.7500) and Rivals (0.9500)."
    assert '0.01 more F1: <b class="num">−0.0498</b>' in page
    assert '1 ms less per image: <b class="num">−0.0500</b>' in page  # of 10 ms for the reference
    assert '<b class="num">1.00 ms</b>' in page
    assert 'class="own-line"' in page
    between = "2 This model would be between Sorters (0.7500) and Rivals (0.9500)."
    for query, expected in {
        "quality=0.7&ratio=0.1": "1 This model would be first, before Sorters (0.7500).",
        "quality=0.7&ratio=2": "3 This model would be last, after Rivals (0.9500).",
        "quality=0.7&ratio=0.5": between,
        "quality=0,7&ratio=0,6": between,
    }.items():
        assert place(text(see(None, f"{PAGE}?{query}"))) == expected, query
    # A team is compared with the others only.
    own = text(see(owner, PAGE))
    assert place(own) == "1 This model would be first, before Rivals (0.9500)."
    assert "your team's best" in own


def test_what_cannot_be_a_figure_is_left_out(
    see: Any, scored: Any, team: Team, competition: Competition
) -> None:
    empty = text(see(None, PAGE))
    assert "No other team has a rank yet" in empty
    assert 'class="own-spot"' in empty
    scored(team)
    usual = text(see(None, PAGE))
    for query in ("quality=nan&ratio=inf", "quality=&ratio=", "quality=%00&ratio=x", "ratio=1e999"):
        page = see(None, f"{PAGE}?{query}")
        assert page.status_code == 200
        assert place(text(page)) == place(usual), query
    assert 'value="1.0000"' in text(see(None, f"{PAGE}?quality=7&ratio=-3"))
    Competition.objects.update(min_quality=0.6)
    assert "No rank: F1 is below the gate of 0.600" in text(
        see(None, f"{PAGE}?quality=0.5&ratio=1")
    )
    Competition.objects.update(calibration=None)
    assert "try-fields" not in text(see(None, PAGE))
