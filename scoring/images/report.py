"""The report of an import: what it would make of a source, before anything is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from scoring.images.changes import PER_SPLIT, Changes
from scoring.images.names import shown
from scoring.images.records import Catalogue, Image, Problem
from scoring.job import Formula
from scoring.quality import power as power_of
from scoring.sentences import Fact, Sentence, say, spoken

if TYPE_CHECKING:  # NumPy and SciPy, which only an import needs
    from scoring.images.kinship import Group, Kinship

FEW = 20
"""With fewer images of a class in a hidden split, its F1 depends on chance."""
NAMED = 10
"""Things of one kind that a text names. The others are counted. JSON has all of them."""

TELLS_APART = {
    "public": say("What the public split can tell apart"),
    "private": say("What the private split can tell apart"),
}

Names = tuple[str, ...]
Said = tuple[Sentence, ...]
Paragraph = tuple[Sentence, Said]
"""A heading, and what stands below it."""


@dataclass(frozen=True)
class Refusal:
    """Why the import would be refused now."""

    code: str
    message: str
    """In the language of whoever asked: nothing of a report is stored."""


@dataclass(frozen=True)
class Power:
    """The least difference that a hidden split shows at 95 %, in F1 and in score."""

    split: str
    images: int
    quality: float
    score: float


@dataclass(frozen=True)
class ImageReport:
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
    seen: tuple[Sentence, ...]
    problems: tuple[Problem, ...]
    ignored: Mapping[str, int]
    encoding: str
    other_encodings: Names
    tables: Names
    lost: Names
    few: Mapping[str, Mapping[str, int]]
    power: tuple[Power, ...]
    refusals: tuple[Refusal, ...]
    changes: Changes | None = None
    """Against the version before; None for a dataset of a new name."""

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that `json.dumps` accepts, in English."""
        found: dict[str, Any] = spoken(asdict(self))
        return found

    def paragraphs(self) -> list[Paragraph]:
        """Heading and sentences of each finding; empty ones are left out."""
        total = sum(sum(counts.values()) for counts in self.classes.values())
        facts: dict[str, Fact] = {"images": f"{total:,}", "classes": len(self.classes)}
        rows: list[Paragraph] = [
            (say("Images"), (say("%(images)s. Classes: %(classes)s.").about(**facts),)),
            *(
                (say("Class %(name)s", name=shown(name)), per_split(counts))
                for name, counts in self.classes.items()
            ),
            *([(self.changes.heading(), self.changes.sentences())] if self.changes else []),
            (say("Classes without usable images"), plain(some(list(map(shown, self.lost))))),
            (say("Classes that differ only in upper and lower case"), self.case_line()),
            (say("Sizes"), self.sizes_line()),
            (say("Kinds"), self.kinds_line()),
            (say("Labels"), self.labels_line()),
            (say("Names"), self.names_line()),
            (say("Broken files"), kinds(self.problems)),
            (say("Skipped files"), passed_over(self.ignored)),
            (say("Same picture, one class"), kept_together(self.equal)),
            (say("Same picture, two classes"), groups(self.conflicts)),
            (say("Nearly the same picture"), groups(self.near)),
            (say("Same picture, two splits"), groups(self.overlaps)),
            (say("Nearly the same, two splits"), groups(self.near_overlaps)),
            (say("Of one colour"), plain(some(self.one_coloured))),
            *((say("Seen before"), (one,)) for one in self.allowed()),
            (say("Few images"), few_line(self.few)),
            *((TELLS_APART[one.split], power_line(one)) for one in self.power),
        ]
        return [(heading, said) for heading, said in rows if said]

    def allowed(self) -> Said:
        """What was seen before and is no refusal, which says it itself."""
        is_refused = any(one.code == "seen_before" for one in self.refusals)
        return () if is_refused else self.seen

    def case_line(self) -> Said:
        """Classes whose folders are the same folder on Windows and macOS."""
        spelled = Counter(name.casefold() for name in self.classes)
        alike = [shown(name) for name in self.classes if spelled[name.casefold()] > 1]
        unpacked = say(
            "Windows and macOS unpack the sample's folders of these classes into one folder."
        )
        return (*plain(some(alike)), unpacked) if alike else ()

    def sizes_line(self) -> Said:
        """The smallest, the median and the largest size; empty without images."""
        if not self.sizes:
            return ()
        sizes = say("smallest %(smallest)s, median %(median)s, largest %(largest)s")
        return (sizes.about(**self.sizes),)

    def kinds_line(self) -> Said:
        """Formats and modes of pixels with their counts."""
        formats, modes = counted(self.formats), counted(self.modes)
        return (say("%(formats)s; pixels %(modes)s", formats=formats, modes=modes),)

    def labels_line(self) -> Said:
        """The tables that give the labels; empty if the folders do."""
        tables = ", ".join(map(shown, self.tables))
        return (say("from %(tables)s", tables=tables),) if tables else ()

    def names_line(self) -> Said:
        """The encoding that names were read in, unless it is UTF-8."""
        if self.encoding == "utf-8":
            return ()
        encodings = ", ".join((self.encoding, *self.other_encodings))
        return (
            say("Names were read as %(encoding)s.", encoding=self.encoding),
            say(
                "If you did not name the encoding, this is a guess. Possible: %(encodings)s.",
                encodings=encodings,
            ),
            say(
                "If the classes look wrong, name the encoding (--encoding, or the field Encoding "
                "of names)."
            ),
        )


def of(
    catalogue: Catalogue,
    images: Sequence[Image],
    splits: Mapping[str, Sequence[Image]],
    kinship: Kinship,
    *,
    seen: Sequence[Sentence] = (),
    refusals: Sequence[Refusal] = (),
    changes: Changes | None = None,
) -> ImageReport:
    """The report of a source divided into `splits`; without splits, of `images`."""
    counts = {name: by_class(part) for name, part in (splits or {"all": images}).items()}
    hidden = {name: part for name, part in splits.items() if name != "sample"}
    facts = [image.facts for image in images if image.facts]
    return ImageReport(
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
        changes=changes,
    )


def power(split: str, images: int) -> Power:
    """What a split tells apart. k / 4 is the slope of the default formula's score at the
    reference."""
    quality = power_of.least_difference(images)
    return Power(split, images, round(quality, 4), round(quality * Formula().k / 4, 4))


def power_line(power_: Power) -> Said:
    """What a split tells apart, in words."""
    said = say(
        "two models that disagree on %(share)s of %(images)s images, if their quality "
        "differs by at least %(quality)s (about %(score)s of the score)",
        share=format(power_of.DISAGREEMENT, ".0%"),
        images=format(power_.images, ","),
        quality=format(power_.quality, ".3f"),
        score=format(power_.score, ".2f"),
    )
    return (said,)


def few_of(images: Iterable[Image]) -> dict[str, int]:
    """Classes with fewer than `FEW` images, and how many they have."""
    counts = by_class(images)
    return {label: count for label, count in sorted(counts.items()) if count < FEW}


def by_class(images: Iterable[Image]) -> Counter[str]:
    return Counter(image.label for image in images)


def few_line(few: Mapping[str, Mapping[str, int]]) -> Said:
    """The small classes of each hidden split in words; empty if there are none."""
    chance = say("The F1 of a class with fewer than %(few)s images depends on chance.", few=FEW)
    said = [PER_SPLIT[split].about(counts=counted(counts)) for split, counts in few.items()]
    return (*said, chance) if said else ()


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


def groups(found: Sequence[Names]) -> Said:
    """Groups in words; empty if there are none."""
    said = say("Images: %(images)s. Groups: %(groups)s. %(names)s")
    return (said.about(**facts_of(found)),) if found else ()


def kept_together(found: Sequence[Names]) -> Said:
    """Groups in words, if each group goes into one split as a whole; empty if there are none."""
    said = say("Images: %(images)s. Groups, each kept together: %(groups)s. %(names)s")
    return (said.about(**facts_of(found)),) if found else ()


def facts_of(found: Sequence[Names]) -> dict[str, Fact]:
    """How many images and groups there are, and the first ones by name."""
    names = some([" = ".join(map(shown, group[:NAMED])) for group in found], "; ")
    return {"images": sum(map(len, found)), "groups": len(found), "names": names}


def kinds(problems: Sequence[Problem]) -> Said:
    """Problems in words; empty if there are none."""
    if not problems:
        return ()
    said = [say("Files: %(count)s.", count=format(len(problems), ","))]
    for one in problems[:NAMED]:
        said += [say("%(name)s:", name=shown(one.name)), *one.said]
    if len(problems) > NAMED:
        said.append(say("And %(count)s more.", count=format(len(problems) - NAMED, ",")))
    return tuple(said)


def plain(text: str) -> Said:
    """Names and numbers alone, which no language changes; empty for an empty text."""
    return (say("%(list)s", list=text),) if text else ()


def some(texts: Sequence[str], between: str = ", ") -> str:
    """The first `NAMED` texts, and how many more there are."""
    more = [f"… (+{len(texts) - NAMED:,})"] if len(texts) > NAMED else []
    return between.join([*texts[:NAMED], *more])


def passed_over(ignored: Mapping[str, int]) -> Said:
    """Files of tools in words; empty if there are none."""
    if not ignored:
        return ()
    count = f"{sum(ignored.values()):,}"
    return (say("Files: %(count)s (%(names)s).", count=count, names=counted(ignored)),)


def counted(counts: Mapping[str, int]) -> str:
    """Names with their counts."""
    return some([f"{shown(name)} {count:,}" for name, count in counts.items()])


def per_split(counts: Mapping[str, int]) -> Said:
    """Counts by split, or one count before images are divided."""
    facts = {name: f"{count:,}" for name, count in counts.items()}
    if facts.keys() == {"sample", "public", "private"}:
        said = say("sample %(sample)s, public %(public)s, private %(private)s")
        return (said.about(**facts),)
    named = (text if name == "all" else f"{name} {text}" for name, text in facts.items())
    return plain(", ".join(named))
