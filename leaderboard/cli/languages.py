"""The language of the command: that of the terminal (LANGUAGE, LC_ALL, LC_MESSAGES, LANG).

The catalogue is the site's. The standard library reads it, so the command needs no Django.
"""

from __future__ import annotations

import gettext as standard
from pathlib import Path

from scoring.sentences import Sentence

FOLDER = Path(__file__).parent.parent / "locale"
translation = standard.translation("django", FOLDER, fallback=True)
gettext = translation.gettext
code: str = translation.info().get("language", "en")
"""For the header Accept-Language: the server answers in the language of the command."""


def said(sentence: Sentence) -> str:
    """A sentence of the engine in the language of the terminal."""
    return gettext(sentence.text) % sentence.facts
