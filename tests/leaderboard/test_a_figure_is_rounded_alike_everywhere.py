"""The command, the panel, files and pages write one figure with the same digits."""

from __future__ import annotations

from decimal import Decimal

from django.template.defaultfilters import floatformat

from leaderboard import sizes
from leaderboard.admin import pages
from leaderboard.cli import screen
from leaderboard.rounding import rounded
from leaderboard.services import rankings
from leaderboard.templatetags import show

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
        assert (score, quality) == (f"{written} ± {written if value else 0}", written)
        assert ratio == floatformat(value, 3), "nothing is known of its interval"
        assert rankings.told(float(value)) == float(written)


INTERVALS = {
    (0.15962, 0.0005): "0.1596 ± 0.0005",
    (0.15962, 0.00005): "0.1596 ± 0.0001",
    (0.15962, 0.00004): "0.15962 ± 0.00004",
    (0.15962, 0.0000031): "0.159620 ± 0.000003",
    (0.15962, 0.0): "0.1596 ± 0",
    (1.5, 2.25): "1.5000 ± 2.2500",
}


def test_no_interval_is_written_as_zero_by_any_door() -> None:
    for (value, half_width), written in INTERVALS.items():
        row = {"quality": value, "time_ratio": value, "half_width": half_width}
        score, _, ratio = screen.figures(row, score=value, half_width=half_width)
        assert score == written
        assert "0.000" not in ratio.split("±")[1] or half_width < 0.0005
        assert pages.interval(value, half_width, 4) == written
        assert show.interval_of(value, half_width) == written
        shown = str(show.interval(value, half_width, 4))
        assert shown.replace('<span class="half-width">', "").replace("</span>", "") == written
    assert sizes.milliseconds_figures(0.00016, 0.0000004) == ["0.1600", "0.0004"]
    assert sizes.milliseconds_figures(0.123, 0.002) == ["123", "2"]
