"""Which service a file is of, by what it holds, and its contest file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from django.utils.translation import gettext

from leaderboard.services.contest_files import reading, writing
from leaderboard.services.contest_files.foreign import bundle, codabench, evalai
from leaderboard.services.contest_files.foreign.bundle import Bundle
from leaderboard.services.contest_files.foreign.taking import Taken
from leaderboard.services.contest_files.reading import Slip

SERVICES: dict[str, ModuleType] = {"Codabench": codabench, "EvalAI": evalai}
NAMES = tuple(name for one in SERVICES.values() for name in one.NAMES)


@dataclass(frozen=True)
class Foreign:
    """A competition of another service, as a contest file would say it."""

    service: str
    content: dict[str, Any]
    left: tuple[Slip, ...]
    """What was not taken over, each with its line there and the reason."""

    def text(self, *, profile: str) -> str:
        """The contest file, for an organizer to finish."""
        content = {name: self.content[name] for name in ("slug", "title", "tagline")}
        content |= {"profile": {"slug": profile}}
        content |= {name: self.content[name] for name in self.content if name not in content}
        head = [
            gettext("Imported from %(service)s. Add the dataset and the reference.")
            % {"service": self.service},
            *([gettext("Not imported:")] if self.left else []),
            *(f"  {one}" for one in self.left),
        ]
        comment = "".join(f"# {line}\n" for one in head for line in one.splitlines())
        body = yaml.dump(
            content, Dumper=writing.Dumper, sort_keys=False, allow_unicode=True, width=10_000
        )
        return writing.HEAD + comment + body


def read(path: Path) -> Foreign | None:
    """The competition of another service in a folder, a zip or a YAML file; None if it is none.

    Raises `BadContestFile` for what looks like one and cannot be read.
    """
    if path.is_file() and path.suffix.lower() in (".yaml", ".yml"):
        try:
            return of(Bundle(path.parent, None), path.name)
        except (KeyError, ValueError):
            return None  # `reading` tells what is wrong with it
    with bundle.opened(path, NAMES) as found:
        if found is None:
            if path.is_dir() or path.suffix.lower() == ".zip":
                names = ", ".join(NAMES)
                said = gettext("The bundle holds none of these files: %(names)s.")
                raise reading.one_slip(1, said % {"names": names})
            return None
        source, name = found
        try:
            known = of(source, name)
        except (KeyError, ValueError) as error:
            said = gettext("%(file)s is not a UTF-8 text of at most 2 MB.") % {"file": name}
            raise reading.one_slip(1, said) from error
        if known is None:
            said = gettext(
                "%(file)s is neither from Codabench nor from EvalAI: it names no phases."
            )
            raise reading.one_slip(1, said % {"file": name})
        return known


def of(source: Bundle, name: str) -> Foreign | None:
    """The competition in one text of a bundle; None if no known service wrote it.

    Raises `KeyError` and `ValueError` if there is no such text, and `BadContestFile`.
    """
    content, lines = reading.parsed_text(source.text(name))
    for service, module in SERVICES.items():
        if module.is_one(content):
            taken = Taken(service, source, lines)
            module.take(content, taken)
            taken.content.setdefault("dates", {})["time_zone"] = "UTC"
            left = sorted(taken.left, key=lambda one: one.line)
            return Foreign(service, taken.content, tuple(left))
    return None
