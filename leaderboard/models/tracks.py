"""Tracks: further boards of a competition, each for a part of the uploads or of the teams."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter
from pydantic import ValidationError as Wrong

from leaderboard.models.fields import every_format
from scoring import formats

MOST = 8
"""Tracks of a competition: each verdict places its team in each of them."""


def one_of(names: Collection[str]) -> Callable[[str], str]:
    """A check that a word is one of these."""

    def check(word: str) -> str:
        if word not in names:
            said = gettext("Write one of these: %(expected)s.")
            raise ValueError(said % {"expected": ", ".join(names)})
        return word

    return check


Format = Annotated[str, AfterValidator(one_of(every_format()))]
NumberType = Annotated[str, AfterValidator(one_of(formats.NUMBER_TYPES))]
Language = Annotated[str, AfterValidator(one_of([code for code, _ in settings.LANGUAGES]))]
Name = Annotated[str, Field(min_length=1, max_length=60)]
CONDITIONS = (
    "formats",
    "number_types",
    "max_parameters",
    "max_bytes",
    "reference_network",
    "declared",
)


class Track(BaseModel):
    """A board for the uploads that meet all its conditions.

    A track may also ask teams to declare that they belong to it.
    """

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    slug: str = Field(pattern="^[a-z0-9][a-z0-9-]*$", max_length=30)
    name: Name
    names: dict[Language, Name] = {}
    """The name in other languages of the site, by code."""
    sentence: str = Field("", max_length=300)
    """Who or what belongs to it, for participants."""
    formats: list[Format] = []
    """Formats of models; empty: all."""
    number_types: list[NumberType] = []
    """The narrowest type of the weights; empty: all."""
    max_parameters: int | None = Field(None, strict=True, gt=0)
    max_bytes: int | None = Field(None, strict=True, gt=0)
    """The size of the model file."""
    reference_network: bool = Field(False, strict=True)
    """Whether only the reference's network belongs here, with whatever weights and number type."""
    declared: bool = Field(False, strict=True)
    """Whether a team must declare that it belongs here, such as a team of students."""

    @property
    def title(self) -> str:
        """The name in the reader's language."""
        return self.names.get(get_language() or "", self.name)

    @property
    def conditions(self) -> list[str]:
        """The names of the conditions that this track sets."""
        return [name for name in CONDITIONS if getattr(self, name)]

    def stored(self) -> dict[str, object]:
        """The track as competitions and contest files keep it: without fields that are not set."""
        return self.model_dump(exclude_defaults=True)


LIST = TypeAdapter(list[Track])


def check_tracks(value: object) -> None:
    """Raises `ValidationError` unless the value is a list of tracks with different slugs."""
    try:
        tracks = LIST.validate_python(value)
    except Wrong as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ValidationError(f"{where}: {first['msg']}") from error
    if len(tracks) > MOST:
        raise ValidationError(gettext("There can be at most %(most)d tracks.") % {"most": MOST})
    if len({one.slug for one in tracks}) < len(tracks):
        raise ValidationError(gettext("Two tracks have the same slug."))


class Tracked(models.Model):
    tracks = models.JSONField(
        default=list,
        blank=True,
        validators=[check_tracks],
        help_text=_(
            "Further boards for some of the uploads or some of the teams. After the "
            "competition opened, tracks can be added and renamed."
        ),
    )

    class Meta:
        abstract = True

    @property
    def all_tracks(self) -> list[Track]:
        return LIST.validate_python(self.tracks)

    def track(self, slug: str) -> Track | None:
        return next((one for one in self.all_tracks if one.slug == slug), None)
