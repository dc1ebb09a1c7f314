"""Names in a source: how bytes become text, what is passed over, what may name a class.

One rule for folders and zips, and whatever is imported can be read again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
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
EAST_ASIAN = ENCODINGS[:4]
MIXED = "utf-8+"
"""Before another encoding: UTF-8 for each part of a path that is valid UTF-8, else that other."""
DOUBLED = frozenset("꽃꿀끈까깨껍껌꼬꼭꽁끼따딸땅때떡똥뚜뚱띠빛빨빵뼈뿌뿔쌀쌍써쏘쓰씨짜쪽찌껑")
"""Syllables of everyday Korean nouns that are built of rarer letters."""
LATIN_BESIDE_CYRILLIC = re.compile("[A-Za-z][\u0400-\u04ff]|[\u0400-\u04ff][A-Za-z]")
MAX_LABEL_BYTES = 255
"""The longest name of a folder on most systems, in UTF-8."""
MAX_DEPTH = 100
SHOWN = 80
"""So many characters of a name that is too long."""
NEVER_IN_A_CLASS = ("Cc", "Cs", "Zl", "Zp")
"""Control characters, surrogates and separators of lines."""
BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Decoded:
    """Names as text, what they were read as, and what else they may have been."""

    names: tuple[str, ...]
    encoding: str
    others: tuple[str, ...] = ()


def decoded(raw: Sequence[bytes], encoding: str | None) -> Decoded:
    """Names that do not say their encoding: UTF-8 where all are, else the likeliest.

    Raises `BadDataset` where they are not in the `encoding` that was asked for.
    """
    if encoding:
        return Decoded(as_asked(raw, encoding), encoding)
    best, *others = guessed({part for name in raw for part in name.split(b"/")})
    return Decoded(tuple(text_of(name, best) for name in raw), best, tuple(others))


def guessed(parts: Iterable[bytes]) -> list[str]:
    """What folders' and files' names were written in, the likeliest first; `utf-8+` and another
    encoding where some are UTF-8 and others are not.

    Two bytes of an East Asian code page may also be one letter in UTF-8, three hardly: names
    are in both only if there are such, or more names are valid UTF-8 than not.
    """
    foreign = sorted({part for part in parts if not part.isascii()})
    valid = [part for part in foreign if decodes(part, "utf-8")]
    broken = [part for part in foreign if not decodes(part, "utf-8")]
    if not broken:
        return ["utf-8"]
    is_mixed = len(valid) > len(broken) or any(max(part.decode()) >= "\u0800" for part in valid)
    found = likely(b"\n".join(broken if is_mixed else foreign))
    if valid and not is_mixed and found[0] not in EAST_ASIAN:
        is_mixed, found = True, likely(b"\n".join(broken))
    return [MIXED + one for one in found] if is_mixed else found


def text_of(name: bytes, encoding: str) -> str:
    """Raises `UnicodeDecodeError`, and `LookupError` for an encoding that is not known."""
    if not encoding.startswith(MIXED):
        return name.decode(encoding)
    other = encoding.removeprefix(MIXED)
    parts = name.split(b"/")
    return "/".join(one.decode("utf-8" if decodes(one, "utf-8") else other) for one in parts)


def as_asked(raw: Sequence[bytes], encoding: str) -> tuple[str, ...]:
    try:
        return tuple(text_of(name, encoding) for name in raw)
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
    return sorted(possible, key=lambda one: commonness(data.decode(one), one), reverse=True)


def decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def commonness(text: str, encoding: str = "") -> float:
    """How common the letters of a text beyond ASCII are, from 0 to 4 on average; less where the
    text is of a kind that hardly anybody writes, though wrong decodings often are."""
    letters = [letter for letter in text if not letter.isascii()]
    scripts = {"hangul" if is_hangul(one) else "han" if is_han(one) else "" for one in letters}
    is_odd = (
        {"hangul", "han"} <= scripts
        or bool(LATIN_BESIDE_CYRILLIC.search(text))
        or (encoding == "cp949" and scripts == {"han"})  # Koreans write Hangul
    )
    bonus = 0.25 * (scripts == {"hangul"}) - 1.5 * is_odd
    return sum(map(common, letters)) / max(len(letters), 1) + bonus


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
        ) or letter in DOUBLED
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
    if "\u0410" <= letter <= "\u044f":  # Russian, which has more letters beyond ASCII than Latin
        return 2.5
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
    return "\u4e00" <= letter <= "\u9fff" or "\uf900" <= letter <= "\ufaff"


def left_by_a_tool(name: bytes) -> str | None:
    """The part of a path that an operating system, a NAS or a program left behind, if any; all
    files that macOS adds to others (AppleDouble) are one. Before names are decoded: what tools
    leave must not change what the others are read as."""
    parts = (part.decode(errors="backslashreplace") for part in name.split(b"/"))
    found = next((part for part in parts if is_left(part)), None)
    return "._*" if found and found.startswith("._") else found


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
    parts = name.split("/")
    if len(parts) > MAX_DEPTH:
        raise BadDataset(
            "unsafe_names",
            f"A file lies {len(parts) - 1} folders deep, at {shown(name[:SHOWN])} …; "
            f"{MAX_DEPTH - 1} are the most.",
        )
    if "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise BadDataset(
            "unsafe_names",
            f"The zip holds an unsafe name: {shown(name)}. Pack the folder again, with names "
            "below it only.",
        )


def label(text: str) -> str:
    """The class that a folder or a table names: its NFC. Raises `BadDataset` (bad_class_name)."""
    name = unicodedata.normalize("NFC", text)
    if not skeleton(name):
        what = "has no visible character"
    elif any(unicodedata.category(one) in NEVER_IN_A_CLASS for one in name):
        what = "holds a line break or a control character"
    elif BIDIRECTIONAL & set(name):
        what = "holds characters that turn the direction of writing"
    elif "/" in name or "\\" in name:
        what = "holds a slash"
    elif is_left(name) or name in (".", ".."):
        what = "is one that tools give to files of their own"
    elif len(name.encode()) > MAX_LABEL_BYTES:
        what = f"has more than {MAX_LABEL_BYTES} bytes in UTF-8"
    else:
        return name
    name = f"{name[:SHOWN]}…" if len(name) > SHOWN else name
    raise BadDataset("bad_class_name", f"The class name {shown(name)!r} {what}. Rename the class.")


def refuse_look_alikes(labels: Iterable[str]) -> None:
    """Raises `BadDataset` for two class names that differ only in invisible characters
    or in the width of spaces."""
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
    """A name in NFC without invisible characters, with one plain space for spaces of any width."""
    visible = (one for one in name if unicodedata.category(one) != "Cf" and not is_filler(one))
    return unicodedata.normalize("NFC", " ".join("".join(visible).split()))


def is_filler(letter: str) -> bool:
    """Selectors of variants, and letters that are drawn as nothing."""
    return (
        "\ufe00" <= letter <= "\ufe0f"
        or "\U000e0000" <= letter <= "\U000e0fff"
        or letter in "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
    )


def shown(name: str) -> str:
    """A name for a message: what would not be seen, or would break the line, is escaped."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in name
    )
