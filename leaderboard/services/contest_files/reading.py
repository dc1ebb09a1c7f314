"""A contest file is read and checked.

Each slip is told with its line, and with what to write instead.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml
from django.utils.translation import gettext
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from leaderboard.errors import Refused
from leaderboard.services.contest_files import schema
from leaderboard.services.contest_files.schema import Section

Path_ = tuple[str | int, ...]
"""Where a value stands in the file: `("formula", "k")`."""
MOST_BYTES = 2_000_000


@dataclass(frozen=True)
class Slip:
    """Something in the file that must be written otherwise."""

    line: int
    path: str
    said: str

    def __str__(self) -> str:
        where = gettext("Line %(line)d") % {"line": self.line}
        return f"{where}, {self.path}: {self.said}" if self.path else f"{where}: {self.said}"


class BadContestFile(Refused):
    """The file cannot be used; `slips` say where and why."""

    code = "bad_contest_file"

    def __init__(self, slips: Sequence[Slip]) -> None:
        super().__init__("\n".join(map(str, slips)))
        self.slips = tuple(slips)


@dataclass(frozen=True)
class ContestFile:
    """A file whose form is right. Whether the site takes it is another question."""

    path: Path
    contest: Any
    """A `schema.Contest`."""
    lines: Mapping[Path_, int]

    def beside(self, name: str) -> Path:
        """A file that the contest file names, by a path from the folder of the contest file."""
        return self.path.parent / name

    def line(self, path: Path_) -> int:
        """The line of a value. If the file does not write the value, the line of its section."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def slip(self, path: Path_, said: str) -> Slip:
        return Slip(self.line(path), dotted(path), said)


def dotted(path: Iterable[str | int]) -> str:
    return ".".join(map(str, path))


class Loader(yaml.SafeLoader):
    """YAML whose dates stay texts: the zone of the competition tells what they mean."""


Loader.yaml_implicit_resolvers = {
    letter: [one for one in rules if one[0] != "tag:yaml.org,2002:timestamp"]
    for letter, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path) -> ContestFile:
    """Read a contest file and the texts that it names. Raises `BadContestFile`."""
    content, lines = parsed(path)
    slips = [*texts_beside(path, content, lines)]
    try:
        contest = schema.Contest.model_validate(content)
    except ValidationError as error:
        known = ContestFile(path, None, lines)
        slips += [slip_of(known, one) for one in error.errors(include_url=False)]
    if slips:
        raise BadContestFile(sorted(slips, key=lambda one: one.line))
    return ContestFile(path, contest, lines)


def parsed(path: Path) -> tuple[dict[str, Any], dict[Path_, int]]:
    """The content of a YAML file, and the line of each value."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise one_slip(1, gettext("The file is larger than 2 MB. It cannot be a contest file."))
        return parsed_text(path.read_text(encoding="utf-8"))
    except OSError as error:
        said = gettext("%(path)s cannot be read: %(reason)s.")
        raise one_slip(1, said % {"path": path, "reason": error.strerror}) from error
    except UnicodeDecodeError as error:
        raise one_slip(1, gettext("The file is not in UTF-8. Save it in UTF-8.")) from error


def parsed_text(text: str) -> tuple[dict[str, Any], dict[Path_, int]]:
    """The content of a YAML text, and the line of each value. Raises `BadContestFile`."""
    try:
        node = yaml.compose(text, Loader=Loader)
        lines = dict(lines_of(node, (), set()))
        content = yaml.load(text, Loader=Loader)  # noqa: S506  it is a SafeLoader
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        said = gettext("This is not YAML: %(reason)s. Check the indents and the quotes here.")
        reason = getattr(error, "problem", None) or str(error)
        raise one_slip(mark.line + 1 if mark else 1, said % {"reason": reason}) from error
    if not isinstance(content, dict):
        raise one_slip(1, gettext("Write settings, one on each line, for example “slug: waste”."))
    return content, lines


def one_slip(line: int, said: str) -> BadContestFile:
    return BadContestFile([Slip(line, "", said)])


def lines_of(node: yaml.Node | None, path: Path_, walked: set[int]) -> Iterable[tuple[Path_, int]]:
    """The line of each value. Raises `BadContestFile` for a name that stands twice.

    What an alias repeats is walked once: a short text can repeat itself without end.
    """
    if id(node) in walked:
        return
    walked.add(id(node))
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                said = gettext("This setting is also on line %(line)d. Remove one of them.")
                raise BadContestFile(
                    [Slip(line, dotted((*path, name)), said % {"line": seen[name]})]
                )
            seen[name] = line
            yield (*path, name), line
            yield from lines_of(value, (*path, name), walked)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield (*path, number), value.start_mark.line + 1
            yield from lines_of(value, (*path, number), walked)


def texts_beside(
    path: Path, content: Mapping[str, Any], lines: Mapping[Path_, int]
) -> Iterable[Slip]:
    """Put the texts of named files in place of `{file: overview.md}`; yields what is missing."""
    for section in schema.SECTIONS_OF_TEXTS:
        texts = content.get(section)
        if not isinstance(texts, dict):
            continue
        for name, value in list(texts.items()):
            if not isinstance(value, dict) or set(value) != {"file"}:
                continue
            try:
                texts[name] = text_beside(path, str(value["file"]))
            except (OSError, ValueError):
                said = gettext(
                    "%(file)s cannot be read as UTF-8 text. Name a file that is next to the "
                    "contest file."
                )
                where: Path_ = (section, name)
                texts[name] = ""
                yield Slip(lines.get(where, 1), dotted(where), said % {"file": value["file"]})


def text_beside(path: Path, name: str) -> str:
    """The text of a file in the folder of a contest file. Everybody will read it, so a contest file
    of somebody else cannot name other files of this machine. Raises `OSError`, `ValueError`."""
    found = (path.parent / name).resolve()
    found.relative_to(path.parent.resolve())
    return found.read_text(encoding="utf-8")


def slip_of(file: ContestFile, error: ErrorDetails) -> Slip:
    """An error of the form, in words."""
    path = tuple(error["loc"])
    return file.slip(path, said_of(error, path))


def said_of(error: ErrorDetails, path: Path_) -> str:
    kind, facts = error["type"], dict(error.get("ctx", {}))
    if kind == "extra_forbidden":
        return unknown(path)
    if kind == "value_error" and str(facts.get("error")) == schema.NO_MOMENT:
        kind = schema.NO_MOMENT
    sentence = sentences().get(kind)
    return sentence % facts if sentence else error["msg"]


def sentences() -> dict[str, str]:
    """What to write instead, by the kind of an error."""
    whole, number = gettext("Write a whole number."), gettext("Write a number, for example 0.5.")
    text = gettext("Write a text. Put it in quotes if it looks like a number or a date.")
    section = gettext("Write its settings below it, each on its own line and indented.")
    return {
        "missing": gettext("This setting is missing. Add it."),
        "literal_error": gettext("Write one of these: %(expected)s."),
        "string_type": text,
        "int_type": whole,
        "int_from_float": whole,
        "float_type": number,
        "finite_number": number,
        "bool_type": gettext("Write true or false."),
        "list_type": gettext("Write a list, for example [a, b]."),
        "model_type": section,
        "model_attributes_type": section,
        "dict_type": section,
        "greater_than_equal": gettext("Write a number that is at least %(ge)s."),
        "less_than_equal": gettext("Write a number that is at most %(le)s."),
        "greater_than": gettext("Write a number above %(gt)s."),
        "less_than": gettext("Write a number below %(lt)s."),
        "string_too_short": gettext("Write a text. It must not be empty."),
        "string_too_long": gettext("The text may have at most %(max_length)d characters."),
        "string_pattern_mismatch": gettext("The text must match %(pattern)s."),
        schema.NO_MOMENT: gettext("Write a date and a time, for example 2027-01-31 18:00."),
    }


def unknown(path: Path_) -> str:
    """That there is no such setting, with the one that may be meant and its place."""
    path = tuple(step for step in path if isinstance(step, str))  # lists have no names
    places = {name: dotted(one) for one in known() for name in (str(one[-1]),)}
    siblings = [str(one[-1]) for one in known() if one[:-1] == path[:-1]]
    name = str(path[-1])
    if name in places and dotted(path) != places[name]:
        return gettext("This setting does not belong here. Write it as %(place)s.") % {
            "place": places[name]
        }
    if like := difflib.get_close_matches(name, siblings, n=1):
        return gettext("There is no such setting. Did you mean %(like)s?") % {"like": like[0]}
    return gettext("There is no such setting. These are possible here: %(names)s.") % {
        "names": ", ".join(sorted(siblings))
    }


def known(model: type[Section] = schema.Contest, path: Path_ = ()) -> list[Path_]:
    """The paths of all settings."""
    found: list[Path_] = []
    for name, field in model.model_fields.items():
        found.append((*path, name))
        kinds = [field.annotation, *get_args(field.annotation)]
        kinds += [inner for kind in kinds[1:] for inner in get_args(kind)]  # list[...] | None
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, Section):
                found += known(kind, (*path, name))
    return found
