"""What a version of a dataset changes against the version before. Equal pixels are one picture."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from scoring.dataclass_json import Json
from scoring.images.names import shown
from scoring.sentences import Sentence, say

NAMED = 10
"""Classes that a text names. The others are counted. JSON has all of them."""

PER_SPLIT = {
    "sample": say("Sample: %(counts)s."),
    "public": say("Public: %(counts)s."),
    "private": say("Private: %(counts)s."),
}

Counts = Mapping[str, Mapping[str, int]]
"""Images by split and class."""


class Placed(NamedTuple):
    """A picture of a version: the hash of its pixels, and where it is."""

    pixels: bytes
    split: str
    label: str


@dataclass(frozen=True)
class Content:
    """What a version holds. `pictures` are in the order of their hashes and are read once."""

    pictures: Iterable[Placed]
    counts: Counts
    size_bytes: int


@dataclass(frozen=True)
class Changes(Json):
    """The difference of two versions. A picture can be both moved and relabelled."""

    version: int
    """The version before."""
    sha256: str
    """Of the version before."""
    kept: int
    added: int
    removed: int
    moved: int
    """Pictures in another split than before."""
    relabelled: int
    """Pictures in another class than before."""
    new_classes: tuple[str, ...]
    lost_classes: tuple[str, ...]
    counts: dict[str, dict[str, tuple[int, int]]]
    """Images before and after, by split and class, where the two differ."""
    bytes_before: int
    bytes_after: int

    def heading(self) -> Sentence:
        """The version that this is compared with."""
        return say("Since version %(version)s", version=self.version)

    def sentences(self) -> tuple[Sentence, ...]:
        """The difference in words."""
        if not (self.added or self.removed or self.moved or self.relabelled):
            return (say("No picture has changed."),)
        numbers = say(
            "Added: %(added)s. Removed: %(removed)s. Now in another split: %(moved)s. Now in "
            "another class: %(relabelled)s. Not changed: %(kept)s.",
            added=f"{self.added:,}",
            removed=f"{self.removed:,}",
            moved=f"{self.moved:,}",
            relabelled=f"{self.relabelled:,}",
            kept=f"{self.kept:,}",
        )
        new = say("New classes: %(classes)s.", classes=some(map(shown, self.new_classes)))
        lost = say("Classes removed: %(classes)s.", classes=some(map(shown, self.lost_classes)))
        size = say("Bytes: %(before)s → %(after)s.")
        return (
            numbers,
            *([new] if self.new_classes else []),
            *([lost] if self.lost_classes else []),
            *(
                PER_SPLIT[split].about(counts=arrows(counts))
                for split, counts in self.counts.items()
            ),
            size.about(before=f"{self.bytes_before:,}", after=f"{self.bytes_after:,}"),
        )


def between(before: Content, after: Content, *, version: int, sha256: str) -> Changes:
    """The difference of two versions. It reads both once, side by side."""
    found: Counter[str] = Counter()
    both = heapq.merge(
        ((one, 0) for one in before.pictures),
        ((one, 1) for one in after.pictures),
        key=lambda pair: pair[0].pixels,
    )
    for _, copies in groupby(both, key=lambda pair: pair[0].pixels):
        places: tuple[Counter[Placed], Counter[Placed]] = (Counter(), Counter())
        for picture, side in copies:
            places[side][picture] += 1
        found.update(moves(*places))
    was, now = classes_of(before.counts), classes_of(after.counts)
    return Changes(
        version=version,
        sha256=sha256,
        kept=found["kept"],
        added=found["added"],
        removed=found["removed"],
        moved=found["moved"],
        relabelled=found["relabelled"],
        new_classes=tuple(sorted(now - was)),
        lost_classes=tuple(sorted(was - now)),
        counts=differing(before.counts, after.counts),
        bytes_before=before.size_bytes,
        bytes_after=after.size_bytes,
    )


def moves(was: Counter[Placed], now: Counter[Placed]) -> dict[str, int]:
    """How many copies of one picture were kept, added, removed, moved and relabelled, by these
    names. Copies that moved are paired in order."""
    gone, come = was - now, now - was
    order = attrgetter("label", "split")
    pairs = list(
        zip(sorted(gone.elements(), key=order), sorted(come.elements(), key=order), strict=False)
    )
    return {
        "kept": (was & now).total(),
        "added": come.total() - len(pairs),
        "removed": gone.total() - len(pairs),
        "moved": sum(one.split != other.split for one, other in pairs),
        "relabelled": sum(one.label != other.label for one, other in pairs),
    }


def differing(before: Counts, after: Counts) -> dict[str, dict[str, tuple[int, int]]]:
    """The counts that differ, before and after."""
    found = {
        split: {
            label: (was.get(label, 0), now.get(label, 0))
            for label in sorted({*was, *now})
            if was.get(label, 0) != now.get(label, 0)
        }
        for split, now in after.items()
        for was in [before.get(split, {})]
    }
    return {split: counts for split, counts in found.items() if counts}


def classes_of(counts: Counts) -> set[str]:
    return {label for split in counts.values() for label in split}


def arrows(counts: Mapping[str, tuple[int, int]]) -> str:
    """Classes with their counts before and after."""
    return some(
        f"{shown(label)} {before:,} → {after:,}" for label, (before, after) in counts.items()
    )


def some(texts: Iterable[str]) -> str:
    """The first `NAMED` texts, and how many more there are."""
    each = list(texts)
    more = [f"… (+{len(each) - NAMED:,})"] if len(each) > NAMED else []
    return ", ".join([*each[:NAMED], *more])
