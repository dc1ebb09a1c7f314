"""The language of the command: that of the terminal (LANGUAGE, LC_ALL, LC_MESSAGES, LANG).

The catalogue is the site's. The standard library reads it, so the command needs no Django.
"""

from __future__ import annotations

import gettext as standard
import os
import re
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path

from scoring.sentences import Sentence

FOLDER = Path(__file__).parent.parent / "locale"
VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""The first one that is not empty counts."""
ENGLISH = re.compile(r"(en|C|POSIX)(?![A-Za-z])")
"""How a locale begins that shows the sentences as they stand in the sources."""


def wanted(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The locales that the terminal prefers to English, the most wanted one first.

    English has no catalogue. So a search for catalogues alone would skip it.
    """
    chosen = next(filter(None, map(environment.get, VARIABLES)), "")
    return list(takewhile(lambda one: not ENGLISH.match(one), chosen.split(":")))


translation = standard.translation("django", FOLDER, wanted(), fallback=True)
gettext = translation.gettext
ngettext = translation.ngettext
code: str = translation.info().get("language", "en")
"""For the header Accept-Language: the server answers in the language of the command."""


def said(sentence: Sentence) -> str:
    """A sentence of the engine in the language of the terminal."""
    return gettext(sentence.text) % sentence.facts


def state(context: str, code: str) -> str:
    """A state in the language of the terminal; `context`: that of `leaderboard.web.words`."""
    return translation.pgettext(context, code)
