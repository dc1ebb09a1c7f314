"""The catalogue of one language is a file of sentences (.po) and its compiled form (.mo).

The English sentences in the sources are the keys. Babel, which developers install, collects them.
Those of the API's description stand in docstrings and help texts, so its schema tells them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from leaderboard.api import schema

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent
SOURCES = [
    ("scoring/**.py", "python"),
    ("leaderboard/**.py", "python"),
    ("templates/**.html", "leaderboard.locale.catalogues:extract_template"),
    ("templates/**.txt", "leaderboard.locale.catalogues:extract_template"),
]
LAZY: dict[str, Any] = {
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
KEYWORDS: dict[str, Any] = {**DEFAULT_KEYWORDS, **LAZY, "say": None}
"""Functions whose arguments are messages."""
NOISE = (b'"POT-', b'"PO-Rev', b'"Report-', b'"Last-', b'"Generated-', b'"Project-')
"""Lines of a header that would differ after each run, or that say nothing."""
ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)
"""In each compiled file, so that the same sentences give the same bytes."""


def extract_template(
    file: IO[bytes], keywords: Any, comment_tags: Any, options: Any
) -> Iterable[Any]:
    """Babel's extractor for Django templates: `templatize` turns one into calls of gettext."""
    calls = templatize(file.read().decode())
    # Babel reads the calls as Python, which would take the template's indentation for its own.
    flat = "\n".join(line.lstrip() for line in calls.splitlines())
    return extract_python(BytesIO(flat.encode()), keywords, comment_tags, {"encoding": "utf-8"})


def extracted() -> Catalog:
    """Every message of the sources, with the files that hold it and comments for translators."""
    found = Catalog(project="Featherweight", charset="utf-8")
    for folder in ("leaderboard", "scoring", "templates"):
        for file, _, message, comments, context in extract_from_dir(
            ROOT / folder,
            method_map=[(at.removeprefix(f"{folder}/"), how) for at, how in SOURCES],
            keywords=KEYWORDS,
            comment_tags=("Translators:",),
            strip_comment_tags=True,
        ):
            places = [(f"{folder}/{file}", 1)]
            found.add(message, locations=places, auto_comments=comments, context=context)
    for sentence in schema.sentences():
        found.add(sentence, locations=[("leaderboard/api/schema.py", 1)])
    return found


def languages() -> list[str]:
    return [at.parent.parent.name for at in sorted(FOLDER.glob("*/LC_MESSAGES/django.po"))]


def path(code: str, ending: str = "po") -> Path:
    return FOLDER / code / "LC_MESSAGES" / f"django.{ending}"


def read(code: str) -> Catalog:
    """The catalogue as it is kept; an empty one of a language that has none yet."""
    if not path(code).exists():
        return Catalog(locale=code, project="Featherweight", charset="utf-8")
    with path(code).open("rb") as file:
        return read_po(file, locale=code)


def updated(code: str) -> Catalog:
    """With every message of the sources, new ones still empty, and no other."""
    catalogue = read(code)
    catalogue.update(extracted(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    return catalogue


def written(catalogue: Catalog) -> bytes:
    """The text of a .po file, in an order that does not depend on lines of the sources."""
    file = BytesIO()
    write_po(file, catalogue, width=100, sort_by_file=True, include_lineno=False)
    lines = file.getvalue().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(NOISE))


def compiled(catalogue: Catalog) -> bytes:
    catalogue.creation_date = ALWAYS
    file = BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def refresh(code: str) -> str:
    """Update and compile one language; returns a line about what is left to translate."""
    catalogue = updated(code)
    path(code).parent.mkdir(parents=True, exist_ok=True)
    path(code).write_bytes(written(catalogue))
    path(code, "mo").write_bytes(compiled(catalogue))
    empty = sum(not is_translated(message.string) for message in catalogue if message.id)
    return f"{code}: {len(catalogue)} messages, {empty} not translated"


def is_translated(string: str | tuple[str, ...] | list[str] | None) -> bool:
    forms = string if isinstance(string, (tuple, list)) else [string]
    return all(forms)
