"""The command, the panel, files and pages write one figure with the same digits."""

from __future__ import annotations

from decimal import Decimal

from django.template.defaultfilters import floatformat

from leaderboard import sizes
from leaderboard.admin import pages
from leaderboard.cli import screen
from leaderboard.rounding import rounded
from leaderboard.services import rankings

HALVES: dict[float | Decimal, str] = {
    0.00325: "0.0033",
    Decimal("0.003250"): "0.0033",
    0.79625: "0.7963",
    1.00005: "1.0001",
    0.12344999: "0.1234",
    0.0: "0.0000",
    12.5: "12.5000",
    3: "3.0000",
}


def test_a_half_is_rounded_up_by_every_door() -> None:
    for value, written in HALVES.items():
        row = {"quality": value, "time_ratio": value, "half_width": None}
        score, quality, ratio = screen.figures(row, score=float(value), half_width=float(value))
        assert str(floatformat(value, 4)) == written, "as pages write it"
        assert str(rounded(value, 4)) == written
        assert pages.number(float(value)) == written
        assert sizes.rounded(float(value), 4) == written
        assert (score, quality) == (f"{written} ± {written}", written)
        assert ratio == f"{floatformat(value, 3)} ± 0.000"
        assert rankings.told(float(value)) == float(written)
