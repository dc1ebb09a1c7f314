"""What is known of a set of images: frozen dataclasses, JSON both ways."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from scoring.sentences import Sentence, joined

SPLITS = ("sample", "public", "private")


@dataclass(frozen=True)
class Facts:
    """What one decoded image is."""

    width: int
    height: int
    mode: str
    format: str
    pixels: str
    """128 bits of BLAKE2b over the size and the RGB pixels, in hexadecimal."""
    likeness: str
    """A perceptual hash of 256 bits and colours of 64, in hexadecimal; empty for no contrast."""


@dataclass(frozen=True)
class Image:
    """One image file by its name in the source."""

    name: str
    label: str
    split: str | None = None
    facts: Facts | None = field(default=None, compare=False)
    size_bytes: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Problem:
    """A file that is left out, and why."""

    name: str
    code: Literal[
        "not_an_image",
        "broken_image",
        "too_large",
        "outside_class",
        "unlabelled",
        "missing_file",
        "unclear_depth",
        "conflict",
    ]
    said: tuple[Sentence, ...]

    @property
    def message(self) -> str:
        """The sentences in English, for the command line."""
        return joined(self.said)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Problem:
        """The inverse of `dataclasses.asdict`."""
        said = tuple(Sentence.from_json(one) for one in data["said"])
        return cls(**{**data, "said": said})


class Unusable(ValueError):
    """A file that cannot be read as an image. `said` tells why, and what to do."""

    def __init__(self, *said: Sentence) -> None:
        super().__init__(joined(said))
        self.said = said


@dataclass(frozen=True)
class Catalogue:
    """What a source holds. `images` does not have the files that `problems` names."""

    classes: tuple[str, ...]
    images: tuple[Image, ...]
    problems: tuple[Problem, ...]
    ignored: Mapping[str, int] = field(default_factory=dict)
    """Files that tools left and that are not used: how many, by the telling part of the name."""
    encoding: str = "utf-8"
    """As which the names were read."""
    other_encodings: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    """The files that give the labels. None of them: the folders do."""
    lost: tuple[str, ...] = ()
    """Classes without a usable image."""

    def of(self, split: str | None) -> tuple[Image, ...]:
        """Images of one split."""
        return tuple(image for image in self.images if image.split == split)

    def classes_named(self) -> set[str]:
        """All classes that the source names, with a usable image or without."""
        return {*self.classes, *self.lost}

    def counts(self) -> dict[str, int]:
        """Images per class."""
        found = Counter(image.label for image in self.images)
        return {name: found[name] for name in self.classes}

    def to_json(self) -> str:
        """The catalogue as a JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Catalogue:
        """The inverse of `to_json`."""
        data: dict[str, Any] = json.loads(text)
        data["images"] = [
            Image(**{**one, "facts": one["facts"] and Facts(**one["facts"])})
            for one in data["images"]
        ]
        data["problems"] = [Problem.from_dict(one) for one in data["problems"]]
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        return cls(**values)
