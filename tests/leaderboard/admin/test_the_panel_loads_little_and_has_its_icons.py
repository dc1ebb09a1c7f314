"""The panel's own fonts and scripts stand in place of the theme's, and hold what its pages name."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from django.contrib.staticfiles import finders
from fontTools.ttLib import TTFont

from leaderboard import panel

ROOT = Path(__file__).parents[3]
CUT = runpy.run_path(str(ROOT / ".ci" / "panel_icons.py"))
NAMED = re.compile(
    r"""material-symbols-outlined[^>]*>\s*([a-z0-9_]+)\s*<|icon["']?\s*[=:]\s*["']([a-z0-9_]+)["']"""
)


def test_each_icon_that_is_named_is_in_the_font() -> None:
    there = dict(CUT["ligatures"](TTFont(CUT["ICONS"])))
    files = [*ROOT.glob("templates/admin/*.html"), *ROOT.glob("leaderboard/admin/**/*.py")]
    files += CUT["unfold"]().rglob("templates/**/*.html")
    named = {"".join(found) for file in files for found in NAMED.findall(file.read_text())}
    named |= {icon for group in panel.MENU for _, icon, _ in group}
    assert len(named) > 50
    assert named - there.keys() == set()


def test_what_is_heavy_in_the_theme_is_replaced() -> None:
    for path in (
        "fonts/inter/styles.css",
        "fonts/material-symbols/styles.css",
        "js/chart/chart.js",
    ):
        found = Path(str(finders.find(f"unfold/{path}")))
        assert found.is_relative_to(ROOT / "leaderboard" / "static"), path
    drawn = (file.read_text() for file in ROOT.glob("templates/admin/*.html"))
    assert not any("<canvas" in text or "data-value" in text for text in drawn)
