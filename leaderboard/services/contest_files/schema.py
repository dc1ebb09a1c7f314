"""What a contest file may hold. The settings are made of the models' own fields, so that a new
field of a competition or a hardware profile is in the file at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import translation
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model

from leaderboard.models import Competition, HardwareProfile
from leaderboard.models.fields import every_format
from leaderboard.models.tracks import Track
from leaderboard.services import faq
from leaderboard.services.divisions import SHARES

SECTIONS: dict[str, tuple[str, ...]] = {
    "pages": ("overview", "rules", "data_description", "prizes", "citation"),
    "formula": ("metric", "time_weight", "k", "quality_ref", "min_quality"),
    "input": (
        *("input_height", "input_width", "min_input_size", "max_input_size", "batch_size"),
        *("dtype", "mean", "std", "interpolation", "crop_pct", "crop_mode"),
    ),
    "limits": (
        *("formats", "max_upload_bytes", "load_seconds", "first_call_seconds", "call_seconds"),
        *("total_seconds", "memory_bytes", "output_bytes"),
    ),
    "dates": (
        *("opens_at", "freezes_at", "ends_at", "merge_deadline", "late_until", "publishes_at"),
        "time_zone",
    ),
    "teams": (
        *("max_team_size", "submissions_per_day", "submissions_per_week"),
        *("submissions_per_month", "submissions_in_total", "final_selections"),
    ),
    "admission": ("admission", "questions", "mail_domains"),
    "result": (
        *("release_quads", "release_answers", "release_reference"),
        *("keep_unranked_days", "keep_all_days"),
    ),
}
"""The settings of a competition, by the section of the file in which they stand."""
SECTIONS_OF_TEXTS = ("pages", "admission")
TOP = ("slug", "title", "tagline", "tracks")
REST = "rules_of_the_board"
"""The section of all settings that no other section names."""
ELSEWHERE = frozenset({"dataset", "profile"})
"""Fields that have a section of their own kind."""

MOMENT = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?$"
NO_MOMENT = "moment"
"""The word by which a wrong moment is known among errors."""


def moment(value: object) -> object:
    if isinstance(value, str) and not re.match(MOMENT, value):
        raise ValueError(NO_MOMENT)
    if not isinstance(value, str | datetime):
        raise ValueError(NO_MOMENT)
    return value


Moment = Annotated[
    datetime,
    BeforeValidator(moment),
    WithJsonSchema({"type": "string", "pattern": MOMENT}),
]
Text = Annotated[
    str,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"file": {"type": "string"}},
                    "required": ["file"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
"""A text, or the name of a file that holds it: `{file: overview.md}`."""


class Section(BaseModel):
    """A part of the file. A name that is not known is an error, so that a slip is never silent."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Shares(Section):
    sample: float = Field(strict=True, gt=0, lt=1)
    public: float = Field(strict=True, gt=0, lt=1)
    private: float = Field(strict=True, gt=0, lt=1)


class Images(Section):
    """The dataset. It is found by `sha256` or imported from `source`."""

    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    """Of a dataset that may be on the site already. The panel shows it."""
    source: str | None = None
    """A zip or a folder, as `import_dataset` takes it, or the folder `images` of an export."""
    name: str = Field("", max_length=120)
    """The name of a dataset that is imported."""
    licence: str = Field("", max_length=200)
    """Shown beside the sample of a dataset that is imported."""
    shares: Shares | None = None
    seed: int = Field(0, strict=True, ge=0, lt=2**63)
    """Mixed with the SECRET_KEY of the site, so that nobody can divide the images again."""
    labels: str | None = None
    """The table with the labels, if there are several; `folders`: no table."""
    encoding: str | None = None
    """Of names in the zip that do not declare one, for instance cp949."""
    skip_broken: bool = Field(False, strict=True)
    """Leave out files that cannot be used."""
    conflicts: Literal["stop", "drop"] = "stop"
    """The same picture under two classes: stop, or leave out every copy."""
    near: Literal["together", "apart"] = "together"
    """Nearly equal pictures: keep them in one split, or divide them like other pictures."""
    allow_overlaps: bool = Field(False, strict=True)
    """Accept given splits although a picture is in two of them."""
    allow_seen: bool = Field(False, strict=True)
    """Accept a hidden picture that is in the sample of another dataset, or the reverse."""


class Reference(Section):
    """The model that every submission is timed against."""

    file: str | None = None
    """The model's file. Without it, the stored reference must have the `sha256`."""
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    name: str = Field("", max_length=120)
    """Shown as the baseline, for instance ResNet18-D."""
    anyway: bool = Field(False, strict=True)
    """Accept a model whose weights do not show that it answers the classes."""


class BaselineItem(Section):
    """A model of the organizers that stands on the boards without a rank."""

    name: str = Field(min_length=1, max_length=120)
    """By which the site knows it."""
    file: str | None = None
    """The model's file. Without it, the stored baseline must have the `sha256`."""
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    is_released: bool = Field(False, strict=True)
    """Everybody who sees the board can download its file."""


class FaqItem(Section):
    """Something that is asked often."""

    question: str = Field(min_length=1, max_length=faq.LONGEST)
    answer: str = Field(min_length=1)
    """Markdown."""


def settings_of(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    """The fields of a model that an organizer may edit."""
    return [one for one in model._meta.concrete_fields if one.editable and not one.primary_key]


def section_of(name: str) -> str:
    """The section of the file in which a setting of a competition stands; empty: at the top."""
    found = next((section for section, names in SECTIONS.items() if name in names), REST)
    return "" if name in TOP else found


def in_order(model: type[models.Model], section: str | None = None) -> list[str]:
    """The names of a model's settings as the file has them, of one section of a competition."""
    names = [one.name for one in settings_of(model) if one.name not in ELSEWHERE]
    if section is None:
        return names
    order = SECTIONS.get(section, TOP if not section else ())
    here = [name for name in names if section_of(name) == section]
    return sorted(here, key=lambda name: order.index(name) if name in order else len(order))


def typed(field: models.Field[Any, Any]) -> tuple[Any, Any]:
    """The type of a field in the file, with its bounds, its default and its description."""
    kind, bounds = kind_of(field)
    if field.choices:
        kind = Literal[tuple(value for value, _ in field.flatchoices)]
    if field.null:
        kind = kind | None
    bounds |= {"description": str(field.help_text)} if field.help_text else {}
    if field.has_default():
        if callable(field.default):
            return kind, Field(default_factory=field.default, **bounds)
        return kind, Field(plain(field.default), **bounds)
    if field.null or field.blank:
        return kind, Field(None if field.null else "", **bounds)
    return kind, Field(**bounds)


def plain(value: object) -> object:
    """A default as the file writes it: the value of a choice, not the choice."""
    return str(value) if isinstance(value, models.TextChoices) else value


def kind_of(field: models.Field[Any, Any]) -> tuple[Any, dict[str, Any]]:
    """The type of a field's values, and their bounds. Raises `TypeError` for an unknown field."""
    bounds: dict[str, Any] = {}
    for check in field._validators:  # type: ignore[attr-defined]
        if isinstance(check, MinValueValidator):
            bounds["ge"] = check.limit_value
        if isinstance(check, MaxValueValidator):
            bounds["le"] = check.limit_value
    match field:
        case models.BooleanField():
            return bool, {"strict": True}
        case models.PositiveSmallIntegerField() | models.PositiveIntegerField():
            return int, {"strict": True, "ge": 0} | bounds
        case models.IntegerField():
            return int, {"strict": True} | bounds
        case models.FloatField():
            return float, {"strict": True, "allow_inf_nan": False} | bounds
        case models.DateTimeField():
            return Moment, {}
        case models.JSONField():
            return list_of(field), {}
        case models.SlugField():
            return str, {"max_length": field.max_length, "pattern": "^[-a-zA-Z0-9_]+$"}
        case models.CharField():
            return str, {} if field.choices else {"max_length": field.max_length}
        case models.TextField():
            return Text, {}
    raise TypeError(f"A contest file cannot hold {field}; teach {__name__} its type.")


def list_of(field: models.Field[Any, Any]) -> Any:
    """The type of a field that holds a list, by its default."""
    if field.name == "tracks":
        return list[Track]
    if field.get_default() == every_format():
        return list[Literal[tuple(every_format())]]  # type: ignore[misc]
    numbers = all(isinstance(one, float) for one in field.get_default())
    return list[Annotated[float, Field(strict=True)]] if numbers else list[str]


def section(name: str, model: type[models.Model], names: Iterable[str]) -> type[Section]:
    fields = {one: typed(model._meta.get_field(one)) for one in names}  # type: ignore[arg-type]
    made: type[Section] = create_model(name, __base__=Section, **fields)  # type: ignore[call-overload]
    return made


def contest() -> type[Section]:
    """The whole file."""
    with translation.override("en"):
        parts: dict[str, Any] = {
            one: typed(Competition._meta.get_field(one))  # type: ignore[arg-type]
            for one in in_order(Competition, "")
        }
        profile = section("Profile", HardwareProfile, in_order(HardwareProfile))
        # Only a new profile must have more than a slug. The model says so.
        profile = create_model("Profile", __base__=profile, name=(str, Field("", max_length=80)))
        parts["profile"] = (profile, Field(description=PROFILE))
        parts["dataset"] = (Images | None, None)
        parts["reference"] = (Reference | None, None)
        parts["baselines"] = (list[BaselineItem] | None, Field(None, description=BASELINES))
        for name in (*SECTIONS, REST):
            if names := in_order(Competition, name):
                made = section(name.title().replace("_", ""), Competition, names)
                parts[name] = (made, Field(default_factory=made))
        parts["faq"] = (list[FaqItem] | None, Field(None, description=FAQ))
        whole: type[Section] = create_model("Contest", __base__=Section, **parts)
    return whole


PROFILE = (
    "The kind of machine that measures. The slug of a profile that exists is enough. What is "
    "written here changes that profile for all competitions."
)
BASELINES = (
    "Models of the organizers beside the ranking, at most 10. Those that are not in the list stay "
    "as they are."
)
FAQ = (
    "Entries of the page of questions, in their order. The list takes the place of all entries "
    "that are there. Without it they stay as they are."
)
Contest = contest()


def json_schema() -> dict[str, Any]:
    """The schema for editors that complete and check YAML."""
    made = Contest.model_json_schema()
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    made["title"] = "A contest of Featherweight"
    made["$defs"]["Shares"]["description"] = (
        "Shares of the images, together at most 1. Without them: "
        + ", ".join(f"{name} {share}" for name, share in SHARES.items())
    )
    return made
