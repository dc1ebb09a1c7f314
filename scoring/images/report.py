"""The report of an import: what it would make of a source, before anything is stored."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from scoring.images.names import shown
from scoring.images.records import Catalogue, Image, Problem
from scoring.job import Formula

if TYPE_CHECKING:  # NumPy and SciPy, which only an import needs
    from scoring.images.kinship import Group, Kinship

FEW = 20
"""With fewer images of a class in a hidden split, its F1 depends on chance."""
DISAGREEMENT = 0.1
"""Share of images on which two good models answer differently."""
NAMED = 10
"""Things of one kind that a text names. The others are counted. JSON has all of them."""

Names = tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """Why the import would be refused now."""

    code: str
    message: str


@dataclass(frozen=True)
class Power:
    """The least difference that a hidden split shows at 95 %, in F1 and in score."""

    split: str
    images: int
    quality: float
    score: float


@dataclass(frozen=True)
class Report:
    """All that an organizer should know of a source. Without `refusals` it can be imported.

    Groups are names of files. `classes`: images by class and split; the split is "all" for images
    that are not divided.
    """

    classes: Mapping[str, Mapping[str, int]]
    sizes: Mapping[str, str]
    modes: Mapping[str, int]
    formats: Mapping[str, int]
    one_coloured: Names
    equal: tuple[Names, ...]
    conflicts: tuple[Names, ...]
    near: tuple[Names, ...]
    overlaps: tuple[Names, ...]
    near_overlaps: tuple[Names, ...]
    seen: tuple[str, ...]
    problems: tuple[Problem, ...]
    ignored: Mapping[str, int]
    encoding: str
    other_encodings: Names
    tables: Names
    lost: Names
    few: Mapping[str, Mapping[str, int]]
    power: tuple[Power, ...]
    refusals: tuple[Refusal, ...]

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that `json.dumps` accepts."""
        return asdict(self)

    def lines(self) -> list[tuple[str, str]]:
        """Heading and text of each finding; empty ones are left out."""
        total = sum(sum(counts.values()) for counts in self.classes.values())
        rows = [
            ("Images", f"{total:,} in {len(self.classes)} classes"),
            *((f"Class {shown(name)}", per_split(counts)) for name, counts in self.classes.items()),
            ("Classes without usable images", some([shown(name) for name in self.lost])),
            ("Classes alike but for case", self.case_line()),
            ("Sizes", ", ".join(f"{name} {size}" for name, size in self.sizes.items())),
            ("Kinds", counted({**self.formats}) + "; pixels " + counted(self.modes)),
            ("Labels", f"from {', '.join(map(shown, self.tables))}" if self.tables else ""),
            ("Names", self.names_line()),
            ("Broken", kinds(self.problems)),
            ("Passed over", passed_over(self.ignored)),
            ("Same picture, one class", groups(self.equal, "kept together")),
            ("Same picture, two classes", groups(self.conflicts)),
            ("Nearly the same picture", groups(self.near)),
            ("Same picture, two splits", groups(self.overlaps)),
            ("Nearly the same, two splits", groups(self.near_overlaps)),
            ("Of one colour", some(self.one_coloured)),
            *(("Seen before", text) for text in self.seen),
            *(("Few images", few_line(split, counts)) for split, counts in self.few.items()),
            *((f"The {one.split} split tells apart", power_line(one)) for one in self.power),
        ]
        return [(name, text) for name, text in rows if text]

    def case_line(self) -> str:
        """Classes whose folders are the same folder on Windows and macOS."""
        spelled = Counter(name.casefold() for name in self.classes)
        alike = [shown(name) for name in self.classes if spelled[name.casefold()] > 1]
        what = "Windows and macOS unpack the sample's folders of these into one"
        return f"{some(alike)}. {what}" if alike else ""

    def names_line(self) -> str:
        """The encoding that names were read in, unless it is UTF-8."""
        if self.encoding == "utf-8":
            return ""
        others = f", or {' or '.join(self.other_encodings)}" if self.other_encodings else ""
        return (
            f"read as {self.encoding}{others}; unless you named it, this is a guess. If the "
            "classes look wrong, name the encoding (--encoding, or the field Encoding of names)"
        )


def of(
    catalogue: Catalogue,
    images: Sequence[Image],
    splits: Mapping[str, Sequence[Image]],
    kinship: Kinship,
    *,
    seen: Sequence[str] = (),
    refusals: Sequence[Refusal] = (),
) -> Report:
    """The report of a source divided into `splits`; without splits, of `images`."""
    parts = splits or {"all": images}
    counts = {name: Counter(image.label for image in part) for name, part in parts.items()}
    facts = [image.facts for image in images if image.facts]
    hidden = {name: part for name, part in splits.items() if name != "sample"}
    return Report(
        classes={
            label: {name: count[label] for name, count in counts.items()}
            for label in sorted({image.label for image in images})
        },
        sizes=sizes([(one.width, one.height) for one in facts]),
        modes=dict(Counter(one.mode for one in facts).most_common()),
        formats=dict(Counter(one.format or "?" for one in facts).most_common()),
        one_coloured=tuple(one.name for one in images if one.facts and not one.facts.likeness),
        equal=named(kinship.equal),
        conflicts=named(kinship.conflicts),
        near=named(kinship.near),
        overlaps=named(across((*kinship.equal, *kinship.conflicts), splits)),
        near_overlaps=named(across(kinship.near, splits)),
        seen=tuple(seen),
        problems=catalogue.problems,
        ignored=catalogue.ignored,
        encoding=catalogue.encoding,
        other_encodings=catalogue.other_encodings,
        tables=catalogue.tables,
        lost=tuple(sorted(catalogue.classes_named().difference(image.label for image in images))),
        few={name: few for name, part in hidden.items() if (few := few_of(part))},
        power=tuple(power(name, len(part)) for name, part in hidden.items()),
        refusals=tuple(refusals),
    )


def power(split: str, images: int) -> Power:
    """quality = 1.96 sqrt(DISAGREEMENT / images), McNemar's bound; score = quality x k / 4.

    k / 4 is the slope of the default formula's score at the reference.
    """
    quality = 1.96 * math.sqrt(DISAGREEMENT / max(1, images))
    return Power(split, images, round(quality, 4), round(quality * Formula().k / 4, 4))


def power_line(one: Power) -> str:
    """A split's power in words."""
    return (
        f"two models that disagree on {DISAGREEMENT:.0%} of {one.images:,} images, if they differ "
        f"by {one.quality:.3f} F1 (about {one.score:.2f} of the score)"
    )


def few_of(images: Iterable[Image]) -> dict[str, int]:
    """Classes with fewer than `FEW` images, and how many they have."""
    counts = Counter(image.label for image in images)
    return {label: count for label, count in sorted(counts.items()) if count < FEW}


def few_line(split: str, counts: Mapping[str, int]) -> str:
    """A split's small classes in words."""
    return f"{split}: {counted(counts)}. The F1 of a class with fewer than {FEW} is a lottery"


def across(groups: Iterable[Group], splits: Mapping[str, Sequence[Image]]) -> tuple[Group, ...]:
    """Groups with images in more than one split."""
    where = {image.name: name for name, part in splits.items() for image in part}
    return tuple(
        group
        for group in groups
        if len({where[one.name] for one in group if one.name in where}) > 1
    )


def sizes(pairs: list[tuple[int, int]]) -> dict[str, str]:
    """The smallest, the median and the largest of sizes (width, height), in words."""
    if not pairs:
        return {}
    ordered = sorted(pairs, key=lambda pair: pair[0] * pair[1])
    middle = [int(median(side)) for side in zip(*pairs, strict=True)]
    named_sizes = {"smallest": ordered[0], "median": middle, "largest": ordered[-1]}
    return {name: f"{width} x {height}" for name, (width, height) in named_sizes.items()}


def named(groups: Iterable[Group]) -> tuple[Names, ...]:
    """Groups by the names of their images."""
    return tuple(tuple(image.name for image in group) for group in groups)


def groups(found: Sequence[Names], what: str = "") -> str:
    """Groups in words; empty without any."""
    if not found:
        return ""
    images = sum(map(len, found))
    text = "; ".join(" = ".join(map(shown, group[:NAMED])) for group in found[:NAMED])
    more = f"; and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return f"{images} images in {len(found)} groups{f', {what}' * bool(what)}: {text}{more}"


def kinds(problems: Sequence[Problem]) -> str:
    """Problems in words; empty without any."""
    if not problems:
        return ""
    texts = [f"{shown(one.name)} ({one.message.rstrip('.')})" for one in problems]
    return f"{len(problems)} files: {some(texts, '; ')}"


def some(texts: Sequence[str], between: str = ", ") -> str:
    """The first `NAMED` texts, and how many more there are."""
    more = [f"and {len(texts) - NAMED:,} more"] if len(texts) > NAMED else []
    return between.join([*texts[:NAMED], *more])


def passed_over(ignored: Mapping[str, int]) -> str:
    """Files of tools in words; empty without any."""
    return f"{sum(ignored.values()):,} files: {counted(ignored)}" if ignored else ""


def counted(counts: Mapping[str, int]) -> str:
    """Names with their counts."""
    return some([f"{shown(name)} {count:,}" for name, count in counts.items()])


def per_split(counts: Mapping[str, int]) -> str:
    """Counts by split in words."""
    return ", ".join(
        f"{count:,}" if name == "all" else f"{name} {count:,}" for name, count in counts.items()
    )
