"""What all readers of other services share: texts, dates, and the list of what is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import nh3
from django.utils.text import slugify
from django.utils.translation import gettext
from markdownify import markdownify

from leaderboard.services.contest_files.foreign.bundle import Bundle
from leaderboard.services.contest_files.reading import Path_, Slip, dotted

DATE = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?\s*"
    r"(Z|UTC|[+-]\d{2}:?\d{2})?"
)
IS_HTML = re.compile(
    r"\s*<(!doctype|html|head|body|div|section|p|h\d|ul|ol|table|style|span)\b", re.I
)
TITLE, TAGLINE = 120, 200
"""Most characters of these settings."""
PAGES = {
    "overview": ("overview", "description", "home", "introduction"),
    "rules": ("rules", "terms", "conditions"),
    "data_description": ("data", "dataset"),
    "prizes": ("prize", "prizes", "reward", "awards"),
}
"""The pages of a competition here, and words of titles there that mean them."""


@dataclass
class Taken:
    """A contest file in the making, and what could not be taken over."""

    service: str
    bundle: Bundle
    lines: Mapping[Path_, int]
    content: dict[str, Any] = field(default_factory=dict)
    left: list[Slip] = field(default_factory=list)

    def leave(self, path: Path_, why: str) -> None:
        """Note a setting that is not taken over, with its line in the other file, and why."""
        line = next(
            (self.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.lines),
            1,
        )
        self.left.append(Slip(line, dotted(path), why))

    def leave_all(
        self, told: Mapping[str, Any], known: Iterable[str], whys: Mapping[str, str]
    ) -> None:
        """Note each setting that a contest file cannot hold."""
        for name in told:
            if name not in known:
                why = whys.get(str(name)) or gettext("There is no such setting here.")
                self.leave((str(name),), why)

    # Names and dates

    def name(self, title: object, tagline: object) -> None:
        """Title, slug and tagline."""
        said = " ".join(str(title or "").split())
        if not said:
            said = gettext("Competition")
            self.leave(("title",), gettext("It is missing. Write a title."))
        if len(said) > TITLE:
            self.leave(("title",), gettext("It is too long and was cut. Make it shorter."))
        self.content["title"] = said[:TITLE]
        self.content["slug"] = slugify(said)[:50].strip("-") or "competition"
        line = " ".join(plain(str(tagline or "")).split())
        if len(line) <= TAGLINE:
            self.content["tagline"] = line
        else:
            self.page("overview", line)

    def date(self, name: str, value: object, path: Path_) -> None:
        """A moment in UTC, as the other services mean it."""
        if value in (None, ""):
            return
        found = DATE.fullmatch(str(value).strip())
        if found is None:
            self.leave(path, gettext("This date cannot be read. Write it like 2027-01-31 18:00."))
            return
        year, month, day, hour, minute, second, zone = found.groups()
        said = f"{year}-{int(month):02}-{int(day):02} {int(hour or 0):02}:{minute or '00'}"
        said += f":{second}" if second and second != "00" else ""
        if zone and zone[0] in "+-":
            said += zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
        self.content.setdefault("dates", {})[name] = said

    def quota(self, name: str, value: object, path: Path_) -> None:
        """A number of uploads. The other services count them for a person or a team."""
        if value in (None, ""):
            return
        if isinstance(value, bool) or not str(value).isdecimal():
            self.leave(path, gettext("This is not a whole number."))
        elif 0 < int(str(value)) <= 32_767:
            self.content.setdefault("teams", {})[name] = int(str(value))

    # Texts

    def page(self, name: str, text: str, heading: str = "") -> None:
        """Add a text to a page, under a heading if the page has a text already."""
        pages = self.content.setdefault("pages", {})
        told = text.strip()
        if heading:
            told = f"## {heading}\n\n{told}"
        if told and told not in pages.get(name, ""):
            pages[name] = f"{pages[name]}\n\n{told}" if pages.get(name) else told

    def named_page(self, title: str, file: object, path: Path_) -> None:
        """The text of a file on the page that its title means, else as a part of the overview."""
        text = self.text_of(file, path)
        if text is None:
            return
        words = set(re.findall(r"[a-z]+", title.lower()))
        for name, some in PAGES.items():
            if words.intersection(some):
                self.page(name, text)
                return
        self.page("overview", text, heading=" ".join(title.split()) or gettext("More"))

    def text_of(self, file: object, path: Path_) -> str | None:
        """A named text of the bundle as Markdown; None, with a reason, if there is none."""
        name = str(file or "")
        try:
            return self.markdown(self.bundle.text(name), name, path)
        except KeyError:
            self.leave(path, gettext("The file %(file)s is not in the bundle.") % {"file": name})
        except ValueError:
            self.leave(
                path,
                gettext("%(file)s is not a UTF-8 text of at most 2 MB.") % {"file": name},
            )
        return None

    def markdown(self, text: str, name: str, path: Path_) -> str:
        """A text as Markdown, without what no page shows."""
        is_html = PurePosixPath(name).suffix.lower() in (".html", ".htm") or IS_HTML.match(text)
        if "<img" in text or "![" in text:
            self.leave(
                path, gettext("The pictures are not imported. Put them on a public address.")
            )
        if not is_html:
            return re.sub(r"!\[([^\]]*)\]\([^)]*\)", r"\1", text).strip()
        return from_html(text)


def from_html(text: str) -> str:
    """HTML as Markdown. Scripts, styles, frames and pictures are taken out first."""
    cleaned = nh3.clean(text, tags=nh3.ALLOWED_TAGS - {"img"})
    told = markdownify(cleaned, heading_style="ATX", bullets="-")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in told.splitlines())).strip()


def plain(text: str) -> str:
    """A short text without tags."""
    return from_html(text) if "<" in text else text
