"""Names in a source: how bytes become text, which files are passed over, what may name a class.

The rules are the same for folders and zips. Whatever is imported by them can be read again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from scoring.errors import BadDataset
from scoring.sentences import Sentence, say

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
"""Folders and files that operating systems and NAS devices leave, in lower case.

All names that begin with a dot are left by tools too.
"""
TEXT_BESIDE = re.compile(
    r"(readme|licen[cs]e|copying|notice|citation|authors|credits|attribution|changelog)"
    r"(([ _-][^.]{,40})?\.(txt|md|rst|html?|rtf|cff|bib))?",
    re.IGNORECASE,
)
"""Names of texts about a set of images, which are neither its images nor its labels."""
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
"""Encodings that the zip programs of Windows write without a flag."""
EAST_ASIAN = ENCODINGS[:4]
MIXED = "utf-8+"
"""Before another encoding: parts of a path that are valid UTF-8 are UTF-8, others that one."""
DOUBLED = frozenset("꽃꿀끈까깨껍껌꼬꼭꽁끼따딸땅때떡똥뚜뚱띠빛빨빵뼈뿌뿔쌀쌍써쏘쓰씨짜쪽찌껑")
"""Syllables of everyday Korean nouns with rare letters."""
LATIN_BESIDE_CYRILLIC = re.compile("[A-Za-z][\u0400-\u04ff]|[\u0400-\u04ff][A-Za-z]")
MAX_LABEL_BYTES = 255
"""The longest name of a folder on most systems, in UTF-8."""
MAX_DEPTH = 100
"""Parts of a path."""
SHOWN = 80
"""Characters of a too long name that a message shows."""
NEVER_IN_A_CLASS = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories: control characters, surrogates, separators of lines and paragraphs."""
BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of writing."""


@dataclass(frozen=True)
class Decoded:
    """Names as text, the encoding that was taken, and other possible ones."""

    names: tuple[str, ...]
    encoding: str
    others: tuple[str, ...] = ()


def decoded(raw: Sequence[bytes], encoding: str | None) -> Decoded:
    """Names as text in `encoding`. None: UTF-8 if all names are valid in it, else the likeliest.

    Raises `BadDataset` if names are not valid in the given encoding.
    """
    if encoding:
        return Decoded(as_asked(raw, encoding), encoding)
    best, *others = guessed({part for name in raw for part in name.split(b"/")})
    return Decoded(tuple(text_of(name, best) for name in raw), best, tuple(others))


def guessed(parts: Iterable[bytes]) -> list[str]:
    """Possible encodings of the names of folders and files, the likeliest first.

    `utf-8+` and another encoding: some names are UTF-8 and others are not. Two bytes of an East
    Asian code page may be a valid letter in UTF-8 by chance, three bytes hardly ever. So names are
    taken for both only if a letter of three bytes is valid, or if most names are valid UTF-8.
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
    """A name as text. Raises `UnicodeDecodeError`, and `LookupError` for an unknown encoding."""
    if not encoding.startswith(MIXED):
        return name.decode(encoding)
    other = encoding.removeprefix(MIXED)
    parts = name.split(b"/")
    return "/".join(one.decode("utf-8" if decodes(one, "utf-8") else other) for one in parts)


def as_asked(raw: Sequence[bytes], encoding: str) -> tuple[str, ...]:
    """Names in the given encoding. Raises `BadDataset`."""
    try:
        return tuple(text_of(name, encoding) for name in raw)
    except LookupError as error:
        raise BadDataset(
            "unknown_encoding",
            say(
                "There is no encoding %(encoding)s. Try one of %(encodings)s.",
                encoding=encoding,
                encodings=", ".join(ENCODINGS),
            ),
        ) from error
    except UnicodeDecodeError as error:
        raise BadDataset(
            "wrong_encoding",
            say(
                "The name %(name)s cannot be read as %(encoding)s. Leave the encoding out, "
                "or try one of %(encodings)s.",
                name=repr(error.object),
                encoding=encoding,
                encodings=", ".join(ENCODINGS),
            ),
        ) from error


def likely(data: bytes) -> list[str]:
    """Encodings in which the bytes make sense, the likeliest first.

    charset-normalizer tells which decodings look like writing. It cannot order them for short
    names, so they are ordered by `commonness`.
    """
    from charset_normalizer import from_bytes  # only such names need it

    found = [match.encoding for match in from_bytes(data, cp_isolation=list(ENCODINGS))]
    possible = found or [one for one in ENCODINGS if decodes(data, one)] or ["latin-1"]
    return sorted(possible, key=lambda one: commonness(data.decode(one), one), reverse=True)


def decodes(data: bytes, encoding: str) -> bool:
    """Whether bytes are valid in an encoding."""
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def commonness(text: str, encoding: str = "") -> float:
    """How common the letters beyond ASCII are: the mean of `common`, 0 to 4, with a correction.

    Text of Hangul alone gets 0.25 more. A mixture that hardly anybody writes, but that wrong
    decodings often make, gets 1.5 less.
    """
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
    """How common a letter is, 0 to 4.

    A Chinese character: in how many of four countries' lists of common characters it stands. A
    Hangul syllable: 4 if its letters are frequent, 1 if not, 0 if no Korean charset has it.
    """
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
    """The first byte of a letter in a charset; 0 if the charset lacks the letter."""
    try:
        return letter.encode(charset)[0]
    except UnicodeEncodeError:
        return 0


def is_hangul(letter: str) -> bool:
    """Whether a letter is a Hangul syllable."""
    return "\uac00" <= letter <= "\ud7a3"


def is_han(letter: str) -> bool:
    """Whether a letter is a Chinese character of the basic or the compatibility block."""
    return "\u4e00" <= letter <= "\u9fff" or "\uf900" <= letter <= "\ufaff"


def passed_over(name: bytes) -> str | None:
    """The part of a path by which a tool left the file, or the name of a text such as a readme.

    None for every other file. All files that macOS adds to others (AppleDouble) count as `._*`.
    Names are bytes here, because files of tools must not have an influence on the encoding of the
    others.
    """
    parts = [part.decode(errors="backslashreplace") for part in name.split(b"/")]
    found = next((part for part in parts if is_left(part)), None)
    if found:
        return "._*" if found.startswith("._") else found
    return parts[-1] if TEXT_BESIDE.fullmatch(parts[-1]) else None


def is_left(part: str) -> bool:
    """Whether a part of a path is a name that tools give."""
    return (part.startswith(".") and part not in (".", "..")) or part.lower() in LEFT_BY_TOOLS


def refuse_unsafe(name: str) -> None:
    """Raises `BadDataset` unless a path can only mean a place below its source."""
    if "\\" in name:
        raise BadDataset(
            "backslash_names",
            say(
                "The name %(name)s has a backslash. If a Windows program wrote it between "
                "folder and file, pack again with another program, for example 7-Zip. "
                "Otherwise rename the file.",
                name=shown(name),
            ),
        )
    parts = name.split("/")
    if len(parts) > MAX_DEPTH:
        raise BadDataset(
            "unsafe_names",
            say(
                "A file is %(depth)s folders deep, at %(name)s …. The limit is %(limit)s.",
                depth=len(parts) - 1,
                name=shown(name[:SHOWN]),
                limit=MAX_DEPTH - 1,
            ),
        )
    if "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise BadDataset(
            "unsafe_names",
            say(
                "The zip contains an unsafe name: %(name)s. Pack the folder again, only with "
                "names inside the folder.",
                name=shown(name),
            ),
        )


def label(text: str) -> str:
    """The class of a name in a folder or table: its NFC. Raises `BadDataset` (bad_class_name)."""
    name = unicodedata.normalize("NFC", text)
    if flaw := flaw_of(name):
        short = f"{name[:SHOWN]}…" if len(name) > SHOWN else name
        raise BadDataset(
            "bad_class_name", flaw.about(name=repr(shown(short))), say("Rename the class.")
        )
    return name


def flaw_of(name: str) -> Sentence | None:
    """Why a name may not be a class's; the sentence lacks the fact `name`."""
    if not skeleton(name):
        return say("The class name %(name)s has no visible character.")
    if any(unicodedata.category(one) in NEVER_IN_A_CLASS for one in name):
        return say("The class name %(name)s has a line break or a control character.")
    if BIDIRECTIONAL & set(name):
        return say("The class name %(name)s has characters that change the direction of writing.")
    if "/" in name or "\\" in name:
        return say("The class name %(name)s has a slash.")
    if is_left(name) or name in (".", ".."):
        return say("The class name %(name)s is a name that programs use for their own files.")
    if len(name.encode()) > MAX_LABEL_BYTES:
        return say(
            "The class name %(name)s has more than %(limit)s bytes in UTF-8.",
            limit=MAX_LABEL_BYTES,
        )
    return None


def refuse_look_alikes(labels: Iterable[str]) -> None:
    """Raises `BadDataset` for two class names of the same `skeleton`."""
    seen: dict[str, str] = {}
    for name in labels:
        other = seen.setdefault(skeleton(name), name)
        if other != name:
            raise BadDataset(
                "look_alike_classes",
                say(
                    "The class names %(other)s and %(name)s look the same. Rename one, "
                    "or put the images of both into one folder.",
                    other=ascii(other),
                    name=ascii(name),
                ),
            )


def skeleton(name: str) -> str:
    """A name in NFC without invisible characters, and with one plain space for each space."""
    visible = (one for one in name if unicodedata.category(one) != "Cf" and not is_filler(one))
    return unicodedata.normalize("NFC", " ".join("".join(visible).split()))


def is_filler(letter: str) -> bool:
    """Whether a letter is a variation selector or is drawn as nothing."""
    return (
        "\ufe00" <= letter <= "\ufe0f"
        or "\U000e0000" <= letter <= "\U000e0fff"
        or letter in "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
    )


def shown(name: str) -> str:
    """A name for a message, with escapes for characters that cannot be printed."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in name
    )
