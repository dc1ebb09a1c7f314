"""Cut the icon font of the panel down to what its pages can name. Needs `pip install brotli`."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

ROOT = Path(__file__).parents[1]
ICONS = ROOT / "leaderboard/static/unfold/fonts/material-symbols/panel-icons.woff"
WHOLE = "static/unfold/fonts/material-symbols/Material-Symbols-Outlined.woff2"


def main() -> int:
    font = TTFont(unfold() / WHOLE)
    glyphs = dict(ligatures(font))
    # A word that is the name of an icon by chance costs 80 bytes; one that is missed shows as text.
    names = sorted(words() & glyphs.keys())
    options = subset.Options(layout_closure=False, layout_features=["*"], hinting=False)
    options.drop_tables += ["FFTM"]
    cut = subset.Subsetter(options)
    cut.populate(glyphs=[glyphs[name] for name in names], text="".join(names))
    cut.subset(font)
    font.flavor = "woff"
    font.save(ICONS)
    print(f"{len(names)} icons, {ICONS.stat().st_size / 1000:.0f} kB")
    return 0


def unfold() -> Path:
    found = importlib.util.find_spec("unfold")
    assert found
    assert found.origin
    return Path(found.origin).parent


def words() -> set[str]:
    """Whatever may name an icon in the theme, in the panel's templates and in the site's code."""
    files = [
        *unfold().rglob("templates/**/*.html"),
        *unfold().glob("*.py"),
        *unfold().glob("templatetags/*.py"),
        *unfold().glob("static/unfold/js/*.js"),
        *ROOT.glob("templates/admin/*.html"),
        *ROOT.glob("templates/unfold/**/*.html"),
        *ROOT.glob("leaderboard/admin/**/*.py"),
        ROOT / "leaderboard/panel.py",
    ]
    found = {word for file in files for word in re.findall(r"[a-z0-9_]+", file.read_text())}
    return found | drawn_by_the_style()


def drawn_by_the_style() -> set[str]:
    """Icons that the theme's style sheet draws beside fields, such as that of a date."""
    style = (unfold() / "static/unfold/css/styles.css").read_text()
    return set(re.findall(r'content:"([a-z0-9_]+)"', style))


def ligatures(font: TTFont) -> Iterator[tuple[str, str]]:
    """The name of each icon and its glyph: a name is drawn as one glyph for its letters."""
    letters = {glyph: chr(code).lower() for code, glyph in font.getBestCmap().items()}
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            found = getattr(getattr(table, "ExtSubTable", table), "ligatures", {})
            for first, rest in found.items():
                for one in rest:
                    yield "".join(letters[glyph] for glyph in [first, *one.Component]), one.LigGlyph


if __name__ == "__main__":
    sys.exit(main())
