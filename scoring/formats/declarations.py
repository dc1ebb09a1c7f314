"""What an upload declares of its own input in `featherweight.json`, and the input spec of it.

Standard library only.
"""

from __future__ import annotations

import json
import typing
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from scoring.errors import Rejected
from scoring.job import CropMode, Dtype, InputBounds, InputSpec, Interpolation
from scoring.sentences import Sentence, say

DECLARATION = "featherweight.json"


def parsed(data: bytes) -> dict[str, Any]:
    """The JSON object of a declaration. Raises `Rejected` (bad_declaration)."""
    try:
        declared = json.loads(data, object_pairs_hook=without_repeats)
    except (ValueError, RecursionError) as error:
        raise Rejected("bad_declaration", say("featherweight.json is not JSON.")) from error
    if not isinstance(declared, dict):
        raise Rejected(
            "bad_declaration",
            say("featherweight.json must be a JSON object."),
        )
    return declared


def written(spec: InputSpec) -> dict[str, Any]:
    """The declaration of an input spec, in timm's names."""
    return {
        "input_size": [3, spec.height, spec.width],
        "mean": list(spec.mean),
        "std": list(spec.std),
        "interpolation": spec.interpolation,
        "crop_pct": spec.crop_pct,
        "crop_mode": spec.crop_mode,
        "dtype": spec.dtype,
    }


def input_spec(
    default: InputSpec, declared: Mapping[str, Any] | None, bounds: InputBounds
) -> InputSpec:
    """The competition's input spec with an upload's own declaration applied.

    `declared` has timm's names: input_size (3, height, width), mean, std, interpolation, crop_pct,
    crop_mode; and dtype. Raises `Rejected` (bad_declaration), also for any other key: no declared
    key is ignored.
    """
    if not declared:
        return default
    if unknown := sorted(set(declared) - set(PARSERS)):
        raise Rejected(
            "bad_declaration",
            say(
                "featherweight.json: %(unknown)s has no effect here, so take it out. These "
                "keys are accepted: %(parsers)s. Put notes into another extra file.",
                unknown=listed(unknown),
                parsers=", ".join(PARSERS),
            ),
        )
    found = {key: value_of(key, value) for key, value in declared.items()}
    if "input_size" in found:
        found["height"], found["width"] = found.pop("input_size")
    spec = replace(default, **found)
    refuse_crop(spec, default, bounds)
    refuse_size(spec, default, bounds)
    return spec


def refuse_crop(spec: InputSpec, default: InputSpec, bounds: InputBounds) -> None:
    """Raises `Rejected` for a crop out of bounds. The competition's own crop always passes."""
    least, most = bounds.min_crop_pct, bounds.max_crop_pct
    if not least <= spec.crop_pct <= most and spec.crop_pct != default.crop_pct:
        raise Rejected(
            "bad_declaration",
            say(
                "featherweight.json: crop_pct must be %(least)g to %(most)g, not %(crop_pct)s.",
                least=least,
                most=most,
                crop_pct=repr(spec.crop_pct),
            ),
        )


def refuse_size(spec: InputSpec, default: InputSpec, bounds: InputBounds) -> None:
    """Raises `Rejected` for a side out of bounds. The competition's own size always passes."""
    sides = (spec.height, spec.width)
    for side in sides:
        is_within = bounds.min_size <= side <= bounds.max_size
        if not is_within and sides != (default.height, default.width):
            raise Rejected(
                "bad_declaration",
                say(
                    "featherweight.json: input_size must be %(min_size)s to %(max_size)s "
                    "pixels per side, not %(side)s.",
                    min_size=bounds.min_size,
                    max_size=bounds.max_size,
                    side=repr(side)[:20],
                ),
            )


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Raises `Rejected` for a repeated key: one of its values would be ignored."""
    if twice := [key for key, times in Counter(key for key, _ in pairs).items() if times > 1]:
        raise Rejected(
            "bad_declaration",
            say(
                "featherweight.json: %(twice)s is there twice. Keep one.",
                twice=listed(twice),
            ),
        )
    return dict(pairs)


def value_of(key: str, value: Any) -> Any:
    """The declared value of a known key. Raises `Rejected` that names the key."""
    try:
        return PARSERS[key](value)
    except Unsuitable as error:
        raise Rejected("bad_declaration", error.said.about(key=key)) from error


class Unsuitable(ValueError):
    """A value that its key cannot have. `said` lacks the fact `key`."""

    def __init__(self, said: Sentence) -> None:
        self.said = said


def listed(names: list[str]) -> str:
    """Names for a message in ASCII: of more than five, the first five."""
    first = ", ".join(f"{name!a:.60}" for name in names[:5])
    return f"{first}, …" if len(names) > 5 else first


def one_of(*allowed: str) -> Callable[[Any], str]:
    """A parser of one of the `allowed` texts."""

    def parse(value: Any) -> str:
        if value not in allowed:
            raise Unsuitable(
                say(
                    "featherweight.json: %(key)s: %(value)s is not one of %(allowed)s.",
                    value=repr(value)[:40],
                    allowed=", ".join(allowed),
                )
            )
        return str(value)

    return parse


def three(low: float, high: float) -> Callable[[Any], tuple[float, ...]]:
    """A parser of three numbers from `low` to `high`, one for each channel."""

    def parse(value: Any) -> tuple[float, ...]:
        if not isinstance(value, list | tuple) or len(value) != 3:
            raise Unsuitable(
                say("featherweight.json: %(key)s must have three numbers, one for each channel.")
            )
        return tuple(number(low, high)(item) for item in value)

    return parse


def number(low: float, high: float) -> Callable[[Any], float]:
    """A parser of a number from `low` to `high`."""

    def parse(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unsuitable(
                say(
                    "featherweight.json: %(key)s: %(value)s is not a number.",
                    value=repr(value)[:40],
                )
            )
        if not low <= value <= high:  # NaN fails this comparison too
            raise Unsuitable(
                say(
                    "featherweight.json: %(key)s: %(value)s is not between %(low)g and %(high)g.",
                    value=repr(value)[:40],
                    low=low,
                    high=high,
                )
            )
        return float(value)

    return parse


def image_size(value: Any) -> tuple[int, int]:
    """Height and width of timm's input_size, (3, height, width)."""
    if (
        not isinstance(value, list | tuple)
        or len(value) != 3
        or not all(type(side) is int for side in value)
        or value[0] != 3
    ):
        raise Unsuitable(say("featherweight.json: %(key)s must be [3, height, width]."))
    return value[1], value[2]


PARSERS: dict[str, Callable[[Any], Any]] = {
    "input_size": image_size,
    "dtype": one_of(*typing.get_args(Dtype)),
    "interpolation": one_of(*typing.get_args(Interpolation)),
    "crop_pct": number(0, 1000),
    "crop_mode": one_of(*typing.get_args(CropMode)),
    "mean": three(-1000, 1000),
    "std": three(1e-6, 1000),
}
