"""Names that people choose and others read: one spelling, nothing invisible, no two that look
alike.

Two names with equal skeletons look alike (Unicode Technical Standard 39, confusables).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from confusable_homoglyphs.confusables import confusables_data
from django.utils.translation import gettext

from leaderboard.errors import BadName

NEVER = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
"""Unicode categories that no name may hold: control, format, private use, surrogates, unassigned,
ends of lines and paragraphs."""
BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u2d7f\u3164\uffa0\ufffc"
    "\U0001107f\U00013441\U00013442\U00016fe4\U0001bc9d\U0001d159"
)
"""Characters without ink: fillers, blanks, joiners, a selector, places of objects."""
VARIANTS = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Selectors of the style of the sign before them. They are left out."""
MOST_MARKS = 3
"""Most accents on one letter. More of them reach into the lines above and below."""
LONGEST_SKELETON = 300
LONGEST_PART = 60
"""Most letters of a part of a name that is looked for."""


def clean(name: str, *, longest: int, what: str, code: str) -> str:
    """The one spelling of a name. Raises `BadName` with this code."""
    name = " ".join(VARIANTS.sub("", unicodedata.normalize("NFKC", name)).split())
    for letter in name:
        if letter in BLANK or unicodedata.category(letter) in NEVER:
            raise BadName(
                gettext(
                    "%(what)s cannot contain the invisible character %(character)s. Type the "
                    "name again without this character."
                )
                % {"what": what, "character": f"U+{ord(letter):04X}"},
                code=code,
            )
    if not 1 <= len(name) <= longest:
        raise BadName(
            gettext("%(what)s must have 1 to %(longest)d characters.")
            % {"what": what, "longest": longest},
            code=code,
        )
    letters = unicodedata.normalize("NFD", name)
    marks = [unicodedata.category(letter)[0] == "M" for letter in letters]
    if all(marks):
        raise BadName(
            gettext("%(what)s needs a letter, a digit or a sign.") % {"what": what}, code=code
        )
    if any(all(marks[start : start + MOST_MARKS + 1]) for start in range(len(marks) - MOST_MARKS)):
        raise BadName(
            gettext("%(what)s has too many accents on one letter.") % {"what": what}, code=code
        )
    return name


def parts(name: str) -> set[str]:
    """A name from the beginning of each word on, in small letters.

    Scripts outside ASCII may write words without spaces, so each of their letters begins a part.
    """
    text = folded(name)
    starts = (
        place
        for place, letter in enumerate(text)
        if letter != " " and (not letter.isascii() or not text[place - 1 : place].isalnum())
    )
    return {text[start:][:LONGEST_PART] for start in starts}


def folded(name: str) -> str:
    """A name as it is looked for: the case and the width of its letters do not matter."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def skeleton(name: str) -> str:
    """A text that is the same for all names that look alike, in any case."""
    seen = prototypes_of(prototypes_of(name).casefold())
    return seen[:LONGEST_SKELETON]


def prototypes_of(text: str) -> str:
    known = prototypes()
    letters = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFD", "".join(known.get(one, one) for one in letters))


@cache
def prototypes() -> dict[str, str]:
    """Each letter's prototype, which stands for all letters that look like it.

    The library's table has each pair in both directions, and marks of direction around letters that
    are written from right to left. A sequence of letters may have a prototype, too: "rn" looks like
    "m".
    """
    groups: dict[str, set[str]] = {}
    for letter, others in confusables_data.items():
        for other in (bare(one["c"]) for one in others):
            together = groups.get(bare(letter), {bare(letter)}) | groups.get(other, {other})
            for one in together:
                groups[one] = together
    return {
        letter: min(group, key=preference) for letter, group in groups.items() if len(letter) == 1
    }


def preference(name: str) -> tuple[object, ...]:
    """The sort key by which a group of look-alikes gets its prototype: the least one.

    Letters come before digits, so that "0" also stands for "o".
    """
    return -len(name), not name.isascii(), not name.isalpha(), not name.islower(), name


def bare(text: str) -> str:
    return text.replace("\N{LEFT-TO-RIGHT MARK}", "")
