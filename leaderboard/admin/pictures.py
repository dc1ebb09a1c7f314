"""Pictures of canaries: how well the reference agrees with itself on a profile's workers."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from leaderboard.admin import pages
from leaderboard.models import Canary
from leaderboard.services.fleet import Noise

PLOTTED = 60


def plot(canaries: QuerySet[Canary], band: float) -> SafeString:
    """The latest canaries as a picture: ratios with intervals and the band, newest at the right."""
    shown = list(canaries.exclude(time_ratio=None).order_by("-pk")[:PLOTTED])[::-1]
    reach = max(
        [2 * band, *(abs((one.time_ratio or 1) - 1) + (one.half_width or 0) for one in shown)]
    )
    marks = [
        {
            "x": 10 + 10 * index,
            "y": height(one.time_ratio or 1, reach),
            "top": height((one.time_ratio or 1) + (one.half_width or 0), reach),
            "bottom": height((one.time_ratio or 1) - (one.half_width or 0), reach),
            "passed": one.passed,
            "ratio": pages.ratio(one.time_ratio, one.half_width),
            "at": one.measured_at,
        }
        for index, one in enumerate(shown)
    ]
    top, bottom = height(1 + band, reach), height(1 - band, reach)
    said = {"marks": marks, "band": band, "top": top, "height": round(bottom - top, 2)}
    return render_to_string("admin/canaries.html", said | {"width": 10 * len(marks) + 10})


def height(ratio: float, reach: float) -> float:
    """The y coordinate of a ratio in a picture of height 100. A ratio of 1 is at y = 50."""
    return round(50 - 46 * (ratio - 1) / (reach or 1), 2)


def noise(days: Sequence[Noise], band: float) -> SafeString:
    """The noise between runs of each day as bars, with what the intervals let one expect."""
    top = max([band, *(max(one.spread, one.expected) for one in days)]) * 1.1
    bars = [
        {
            "x": 12 * index + 4,
            "end": 12 * index + 12,
            "y": round(100 - 100 * one.spread / top, 1),
            "height": round(100 * one.spread / top, 1),
            "expected": round(100 - 100 * one.expected / top, 1),
            "is_wide": one.spread > max(2 * one.expected, band),
            "said": one,
            "percent": 100 * one.spread,
            "percent_expected": 100 * one.expected,
        }
        for index, one in enumerate(days)
    ]
    limit = round(100 - 100 * band / top, 1)
    said = {"bars": bars, "limit": limit, "band": 100 * band, "width": 12 * len(bars) + 8}
    return render_to_string("admin/noise.html", said)
