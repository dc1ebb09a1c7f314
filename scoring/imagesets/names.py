"""Names in a source: how bytes become text, what is passed over, what may name a class.

One rule for folders and zips, and whatever is imported can be read again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from scoring.errors import BadDataset

LEFT_BY_TOOLS = frozenset(
    (
        "__macosx",
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "icon\r",
        "@eadir",
        "@tmp",
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "system volume information",
        "lost+found",
    )
)
"""Folders and files that operating systems and NAS devices leave, beside all that begin with a
dot."""
ENCODINGS = (
    "cp949",  # Korean
    "cp932",  # Japanese, Shift-JIS
    "gb18030",  # simplified Chinese, GBK
    "big5",  # traditional Chinese
    "cp437",  # the zip format's own
    "cp850",
    "cp1252",
    "cp1251",
    "cp866",
)
"""What the zip programs of Windows write without saying so."""
NEVER_IN_A_CLASS = ("Cc", "Cs", "Cn", "Zl", "Zp")
"""Control characters, surrogates, unassigned code points and separators of lines."""
BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Decoded:
    """Names as text, what they were read as, and what else they may have been."""

    names: tuple[str, ...]
    encoding: str
    others: tuple[str, ...] = ()


def decoded(raw: list[bytes], encoding: str | None) -> Decoded:
    """Names that do not say their encoding: UTF-8 where all are, else the likeliest.

    Raises `BadDataset` where they are not in the `encoding` that was asked for.
    """
    if encoding:
        return Decoded(as_asked(raw, encoding), encoding)
    try:
        return Decoded(tuple(name.decode() for name in raw), "utf-8")
    except UnicodeDecodeError:
        best, *others = likely(b"\n".join(name for name in raw if not name.isascii()))
        return Decoded(tuple(name.decode(best) for name in raw), best, tuple(others))


def as_asked(raw: list[bytes], encoding: str) -> tuple[str, ...]:
    try:
        return tuple(name.decode(encoding) for name in raw)
    except LookupError as error:
        raise BadDataset(
            "unknown_encoding",
            f"There is no encoding {encoding}. Try one of {', '.join(ENCODINGS)}.",
        ) from error
    except UnicodeDecodeError as error:
        raise BadDataset(
            "wrong_encoding",
            f"The name {error.object!r} is not in {encoding}. Leave the encoding out, or try one "
            f"of {', '.join(ENCODINGS)}.",
        ) from error


def likely(data: bytes) -> list[str]:
    """Encodings in which the bytes make sense, the likeliest first.

    charset-normalizer says which decodings look like writing. It cannot tell them apart in short
    names, so they are ordered by how common their characters are.
    """
    from charset_normalizer import from_bytes  # only such names need it

    found = [match.encoding for match in from_bytes(data, cp_isolation=list(ENCODINGS))]
    possible = found or [one for one in ENCODINGS if decodes(data, one)] or ["latin-1"]
    return sorted(possible, key=lambda one: commonness(data.decode(one)), reverse=True)


def decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def commonness(text: str) -> float:
    """How common the letters of a text beyond ASCII are, from 0 to 4 on average."""
    letters = [letter for letter in text if not letter.isascii()]
    scripts = {"hangul" if is_hangul(one) else "han" if is_han(one) else "" for one in letters}
    mixed = {"hangul", "han"} <= scripts  # hardly in one name, though often in wrong decodings
    return sum(map(common, letters)) / max(len(letters), 1) - mixed


@lru_cache(maxsize=4096)
def common(letter: str) -> float:
    """Chinese characters: in how many of four countries' first lists. Hangul: 4 where the
    syllable is built of frequent letters."""
    if is_hangul(letter):
        initial, rest = divmod(ord(letter) - 0xAC00, 588)
        vowel, final = divmod(rest, 28)
        is_plain = (
            initial not in (1, 4, 8, 10, 13)
            and vowel in (0, 1, 2, 4, 5, 6, 8, 12, 13, 17, 18, 20)
            and final in (0, 1, 4, 8, 16, 17, 19, 21)
        )
        return 0 if not lead(letter, "euc_kr") else 4 if is_plain else 1
    if is_han(letter):
        return (
            (0xB0 <= lead(letter, "gb2312") <= 0xD7)
            + (0xA4 <= lead(letter, "big5") <= 0xC6)
            + (0x88 <= lead(letter, "shift_jis") <= 0x97)
            + (lead(letter, "euc_kr") > 0)
        )
    if "\u3041" <= letter <= "\u30fe":  # kana
        return 4
    if "\uff61" <= letter <= "\uff9f":  # kana of half width, which nobody types
        return 0
    return 2 if letter.isalpha() else 0


def lead(letter: str, charset: str) -> int:
    """The first byte of a letter in a charset; 0 where it is not in it."""
    try:
        return letter.encode(charset)[0]
    except UnicodeEncodeError:
        return 0


def is_hangul(letter: str) -> bool:
    return "\uac00" <= letter <= "\ud7a3"


def is_han(letter: str) -> bool:
    return "\u4e00" <= letter <= "\u9fff"


def left_by_a_tool(name: str) -> str | None:
    """The part of a path that an operating system, a NAS or a program left behind, if any."""
    return next((part for part in name.split("/") if is_left(part)), None)


def is_left(part: str) -> bool:
    return (part.startswith(".") and part not in (".", "..")) or part.lower() in LEFT_BY_TOOLS


def refuse_unsafe(name: str) -> None:
    """Raises `BadDataset` unless a path can only mean a place below its source."""
    if "\\" in name:
        raise BadDataset(
            "backslash_names",
            f"The name {shown(name)} has a backslash. If a program of Windows wrote it between "
            "folder and file, pack again with another one, for instance 7-Zip; else rename it.",
        )
    if "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
        raise BadDataset(
            "unsafe_names",
            f"The zip holds an unsafe name: {shown(name)}. Pack the folder again, with names "
            "below it only.",
        )


def label(text: str) -> str:
    """The class that a folder or a table names: its NFC. Raises `BadDataset` (bad_class_name)."""
    name = unicodedata.normalize("NFC", text)
    if not skeleton(name):
        what = "is empty to the eye"
    elif any(unicodedata.category(one) in NEVER_IN_A_CLASS for one in name):
        what = "holds a line break or a control character"
    elif BIDIRECTIONAL & set(name):
        what = "holds characters that turn the direction of writing"
    elif "/" in name or "\\" in name:
        what = "holds a slash"
    elif is_left(name) or name in (".", ".."):
        what = "is one that tools give to files of their own"
    else:
        return name
    raise BadDataset("bad_class_name", f"The class name {shown(name)!r} {what}. Rename the class.")


def refuse_look_alikes(labels: Iterable[str]) -> None:
    """Raises `BadDataset` for two class names that differ only in what nobody sees."""
    seen: dict[str, str] = {}
    for name in labels:
        other = seen.setdefault(skeleton(name), name)
        if other != name:
            raise BadDataset(
                "look_alike_classes",
                f"The class names {other!a} and {name!a} look the same. Rename one, or "
                "put the images of both into one folder.",
            )


def skeleton(name: str) -> str:
    """A name without what nobody sees: spaces of any width as one, no invisible characters."""
    visible = (
        one
        for one in unicodedata.normalize("NFKC", name)
        if unicodedata.category(one) != "Cf" and not is_filler(one)
    )
    return " ".join("".join(visible).split())


def is_filler(letter: str) -> bool:
    """Selectors of variants, and letters that are drawn as nothing."""
    return (
        "\ufe00" <= letter <= "\ufe0f"
        or "\U000e0100" <= letter <= "\U000e01ef"
        or letter in "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
    )


def shown(name: str) -> str:
    """A name for a message: what would not be seen, or would break the line, is escaped."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in name
    )
