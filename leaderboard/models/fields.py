"""Checks and first values of those fields of a competition that hold several numbers or words."""

from __future__ import annotations

import zoneinfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from scoring import formats


def check_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(
            gettext("%(name)s is not a time zone. Write one like Europe/Berlin or UTC.")
            % {"name": name}
        )


def check_three_numbers(value: object) -> None:
    """Mean and standard deviation have one number per colour."""
    if (
        not isinstance(value, list)
        or len(value) != 3
        or not all(isinstance(one, int | float) and not isinstance(one, bool) for one in value)
        or not all(abs(one) < 1e6 for one in value)  # NaN is refused as well
    ):
        raise ValidationError(gettext("Write three numbers, for example [0.5, 0.5, 0.5]."))


def check_above_zero(value: object) -> None:
    """The values of a divisor: three numbers above 0."""
    check_three_numbers(value)
    if not all(one > 0 for one in value):  # type: ignore[attr-defined]
        raise ValidationError(gettext("Write three numbers above 0, for example [0.5, 0.5, 0.5]."))


def imagenet_mean() -> list[float]:
    return [0.485, 0.456, 0.406]


def imagenet_std() -> list[float]:
    return [0.229, 0.224, 0.225]


def every_format() -> list[str]:
    """The names of all formats in the table of formats."""
    return [one.name for one in formats.FORMATS]


def check_formats(value: object) -> None:
    """A list of one or more names in the table of formats, each once."""
    known = every_format()
    if (
        not isinstance(value, list)
        or not value
        or not all(one in known for one in value)
        or len(set(value)) < len(value)
    ):
        raise ValidationError(
            gettext("Choose one or more of these formats: %(formats)s.")
            % {"formats": formats.titles()}
        )
