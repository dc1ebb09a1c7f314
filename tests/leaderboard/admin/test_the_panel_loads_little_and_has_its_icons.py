"""The panel's own fonts and scripts stand in place of the theme's, and hold what its pages name."""

from __future__ import annotations

import gzip
import re
import runpy
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.staticfiles import finders
from django.test import Client
from fontTools.ttLib import TTFont

from leaderboard.panel import MENU
from tests.leaderboard.admin.test_every_page_of_the_panel_renders import addresses, full

__all__ = ["full"]
AS_THE_FRONT = 5
"""The level of gzip in docs/front/nginx.conf."""
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
    named |= CUT["drawn_by_the_style"]()
    named |= {icon for group in MENU for _, icon, _ in group}
    assert len(named) > 50
    assert named - there.keys() == set()


def test_what_is_heavy_in_the_theme_is_replaced() -> None:
    for path in (
        "fonts/inter/styles.css",
        "fonts/material-symbols/styles.css",
        "js/chart/chart.js",
        "js/alpine/alpine.sort.js",
    ):
        found = Path(str(finders.find(f"unfold/{path}")))
        assert found.is_relative_to(ROOT / "leaderboard" / "static"), path
    drawn = (file.read_text() for file in ROOT.glob("templates/admin/*.html"))
    assert not any("<canvas" in text or "data-value" in text for text in drawn)
    nouns = admin.site._registry.values()
    assert not any(getattr(noun, "ordering_field", None) for noun in nouns)


@pytest.mark.usefixtures("full")
def test_each_list_and_each_form_loads_at_most_200_kb(panel: Client) -> None:
    files: dict[str, int] = {}
    heavy = {one: load for one in addresses() if (load := first_load(panel, one, files)) > 200_000}
    assert not heavy
    assert len(files) > 10


def first_load(panel: Client, address: str, files: dict[str, int]) -> int:
    """Bytes of a page and of what it names, compressed as the front and WhiteNoise do."""
    page = panel.get(address, follow=True).content
    # A script that needs jQuery does not come without it.
    assert ("prepopulate_init" not in page.decode()) or "jquery.min" in page.decode(), address
    named = set(re.findall(r"""(?:src|href)="(/static/[^"?]+|/admin/jsi18n/)""", page.decode()))
    for one in named - files.keys():
        if one.startswith("/static/"):
            content = Path(str(finders.find(one.removeprefix("/static/")))).read_bytes()
        else:
            content = panel.get(one).content
        files[one] = len(gzip.compress(content))
    return len(gzip.compress(page, AS_THE_FRONT)) + sum(files[one] for one in named)
