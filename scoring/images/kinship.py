"""Which images show the same picture: by equal pixels, or by nearly equal hashes and colours.

Equal and nearly equal pictures must go into one split. Otherwise a participant knows a hidden image
from one of the sample.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from scoring.images.records import Image

WORDS = 4
BYTES = 8 * (WORDS + 1)
"""Of a likeness: four words of the hash, and one word of colours."""
NEAR_BITS = 40
"""Two hashes of 256 bits that differ in at most so many bits are near.

Evidence, of TrashNet's 3.2 million pairs: 29 pairs are near, and each of them shows one object
twice. The first pair of two objects differs in 54 bits. A picture that was scaled, compressed
(JPEG 20), made darker or noisier stays near, and so does one that was cropped by 1 %. Half of those
cropped by 5 % do.
"""
NEAR_COLOURS = 4.0
"""Two colours are near if they differ by at most so much of 255, on average over the quarters.

Evidence: of TrashNet's 26 pairs that are nearly equal the farthest differ by 2.8. After JPEG 20, or
20 % more or less light or contrast, 95 % of photographs stay within 4. One shape in two colours
does not.
"""
COMPARED = 2_000_000
"""Pairs at once: they take 16 MB for each word of the hashes."""

KINDS = ("equal", "conflicts", "near")

Likenesses = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.intp]
Group = tuple[Image, ...]


@dataclass(frozen=True)
class Kinship:
    """Groups of two or more images, each sorted by name."""

    equal: tuple[Group, ...] = ()
    """Equal pixels, one class."""
    conflicts: tuple[Group, ...] = ()
    """Equal pixels, several classes."""
    near: tuple[Group, ...] = ()
    """Nearly equal pictures, and perhaps equal ones among them; any classes."""

    def to_json(self) -> str:
        """The groups by the names of their images."""
        kinds = {kind: getattr(self, kind) for kind in KINDS}
        return json.dumps(
            {
                kind: [[image.name for image in one] for one in found]
                for kind, found in kinds.items()
            }
        )

    @classmethod
    def from_json(cls, text: str, images: Iterable[Image]) -> Kinship:
        """The groups that `to_json` wrote, of the same images."""
        called = {image.name: image for image in images}
        kinds = json.loads(text)
        return cls(
            **{
                kind: tuple(tuple(called[name] for name in one) for one in kinds[kind])
                for kind in KINDS
            }
        )

    def groups(self, with_near: bool = True) -> tuple[Group, ...]:
        """Groups of images that stay together. No image is in two groups."""
        return merged((*self.equal, *self.conflicts, *(self.near if with_near else ())))


def of(
    images: Iterable[Image], count: Callable[[int, int], None] = lambda done, total: None
) -> Kinship:
    """The groups among images that were read. Images without facts are in none.

    `count` gets how many different pictures are compared, and of how many.
    """
    by_pixels: defaultdict[str, list[Image]] = defaultdict(list)
    for image in sorted(images, key=lambda image: image.name):
        if image.facts:
            by_pixels[image.facts.pixels].append(image)
    same = [tuple(group) for group in by_pixels.values() if len(group) > 1]
    distinct = [group for group in by_pixels.values() if group[0].facts and likeness(group[0])]
    near: defaultdict[int, list[Image]] = defaultdict(list)
    rows = likenesses(likeness(group[0]) for group in distinct)
    for number, group in zip(components(rows, count), distinct, strict=True):
        near[number] += group
    return Kinship(
        equal=tuple(group for group in same if len(labels(group)) == 1),
        conflicts=tuple(group for group in same if len(labels(group)) > 1),
        near=tuple(
            by_name(group)
            for group in near.values()
            if len({image.facts.pixels for image in group if image.facts}) > 1
        ),
    )


def components(
    rows: Likenesses, count: Callable[[int, int], None] = lambda done, total: None
) -> list[int]:
    """A number for each row (N, words); equal for rows that a chain of near rows joins."""
    found = np.arange(len(rows))
    step = max(1, COMPARED // max(1, len(rows)))
    for start in range(0, len(rows), step):
        pairs = near_pairs(rows[start : start + step], rows[start:])
        one, other = (found[start + numbers] for numbers in pairs)
        if (one != other).any():
            graph = coo_array((np.ones(len(one), bool), (one, other)), shape=(len(rows),) * 2)
            found = connected_components(graph, directed=False)[1][found]
        count(min(start + step, len(rows)), len(rows))
    return [int(number) for number in found]


def near_any(rows: Likenesses, others: Likenesses) -> npt.NDArray[np.bool_]:
    """Whether each row (N, words) is near at least one of the others (M, words); (N,)."""
    found = np.zeros(len(rows), dtype=bool)
    step = max(1, COMPARED // max(1, len(others)))
    for start in range(0, len(rows) if len(others) else 0, step):
        found[start + near_pairs(rows[start : start + step], others)[0]] = True
    return found


def near_pairs(rows: Likenesses, columns: Likenesses) -> tuple[Numbers, Numbers]:
    """Indices of near pairs: into the rows (N, words), and into the columns (M, words)."""
    one, other = np.nonzero(distances(rows, columns) <= NEAR_BITS)
    apart = np.abs(colours(rows)[one] - colours(columns)[other]).mean(axis=1)
    return one[apart <= NEAR_COLOURS], other[apart <= NEAR_COLOURS]


def distances(rows: Likenesses, columns: Likenesses) -> npt.NDArray[np.uint16]:
    """Bits in which each row's hash differs from each column's, (N, M)."""
    apart = np.zeros((len(rows), len(columns)), dtype=np.uint16)
    for word in range(WORDS):
        apart += np.bitwise_count(rows[:, None, word] ^ columns[None, :, word])
    return apart


def colours(rows: Likenesses) -> npt.NDArray[np.int16]:
    """The eight colours of the last word, (N, 8)."""
    return np.ascontiguousarray(rows[:, WORDS:]).view(np.uint8).astype(np.int16)


def likenesses(texts: Iterable[str]) -> Likenesses:
    """Likenesses in hexadecimal as rows of 64-bit words, (N, words)."""
    data = bytes.fromhex("".join(texts))
    return np.frombuffer(data, dtype=np.uint64).reshape(-1, WORDS + 1)


def merged(groups: Iterable[Group]) -> tuple[Group, ...]:
    """Groups joined so that no image is in two of them."""
    parent: dict[str, str] = {}
    images: dict[str, Image] = {}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for group in groups:
        for image in group:
            images[image.name] = image
            parent.setdefault(image.name, image.name)
            parent[root(image.name)] = root(group[0].name)
    found: defaultdict[str, list[Image]] = defaultdict(list)
    for name, image in images.items():
        found[root(name)].append(image)
    return tuple(sorted(map(by_name, found.values()), key=lambda group: group[0].name))


def labels(group: Iterable[Image]) -> set[str]:
    """The classes of a group."""
    return {image.label for image in group}


def by_name(group: Iterable[Image]) -> Group:
    """The group sorted by name."""
    return tuple(sorted(group, key=lambda image: image.name))


def likeness(image: Image) -> str:
    """The image's likeness in hexadecimal; empty if it has none."""
    return image.facts.likeness if image.facts else ""
