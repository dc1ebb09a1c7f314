"""An upload declares its input in featherweight.json, within bounds."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scoring import formats
from scoring.errors import Rejected
from scoring.formats import declarations
from scoring.job import InputBounds, InputSpec

from .conftest import Wild
from .crafting import refusal, repacked

Models = Callable[..., Path]


def test_a_declaration_by_almost_the_right_name_is_not_overlooked(models: Models) -> None:
    archived = repacked(models(), {"other/extra/FeatherWeight.JSON": b"{}"})
    with pytest.raises(Rejected, match=r"'FeatherWeight.JSON' must be called featherweight.json"):
        formats.inspect(archived)


@pytest.mark.parametrize(
    "text",
    [b"{", b"[1]", b"\xff", b'{"crop_pct": 0.9, "crop_pct": 0.5}', b'{"a": {"b": 1, "b": 2}}'],
)
def test_a_declaration_that_is_no_object(models: Models, text: bytes) -> None:
    archived = repacked(models(), {"other/extra/featherweight.json": text})
    assert refusal(archived.getvalue()) == "bad_declaration"


def test_a_declaration_changes_the_input(models: Models) -> None:
    path = models(Wild, input_size=[3, 24, 32], dtype="float16", crop_pct=0.9)
    spec = declarations.input_spec(InputSpec(), formats.inspect(path).declared, InputBounds())
    assert spec == InputSpec(height=24, width=32, dtype="float16", crop_pct=0.9)


@pytest.mark.parametrize("share", [0.875, 0.8751234, 0.5, 224 / 232, 1.15, 1, 2])
def test_a_declared_crop_share_is_taken_as_it_is(share: float) -> None:
    spec = declarations.input_spec(InputSpec(), {"crop_pct": share}, InputBounds())
    assert spec.crop_pct == share
    assert InputSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_the_competition_may_go_below_the_least_crop_share() -> None:
    narrow = InputSpec(crop_pct=0.3)
    assert declarations.input_spec(narrow, {"dtype": "uint8"}, InputBounds()).crop_pct == 0.3


def test_who_declares_what_is_asked_for_is_within_every_bound() -> None:
    large = InputSpec(height=640, width=640)
    declared = {"input_size": [3, 640, 640], "crop_pct": 0.9}
    found = declarations.input_spec(large, declared, InputBounds())
    assert (found.height, found.crop_pct) == (640, 0.9)
    with pytest.raises(Rejected):
        declarations.input_spec(large, {"input_size": [3, 641, 640]}, InputBounds())


def test_without_a_declaration_the_default_holds(models: Models) -> None:
    assert formats.inspect(models()).declared is None
    assert declarations.input_spec(InputSpec(), None, InputBounds()) == InputSpec()


@pytest.mark.parametrize(
    "declared",
    [
        {"crop_pct": 0.4999999},
        {"crop_pct": 2.01},
        {"crop_pct": "0.9"},
        {"crop_pct": None},
        {"crop_mode": "centre"},
        {"crop_mode": None},
        {"crop_mode": ["center"]},
        {"interpolation": "random"},
        {"crop_pct": float("nan")},
        {"mean": [0, 0, 10**400]},
        {"std": [1, 1, -1]},
        {"std": [1, 1, float("inf")]},
        {"input_size": [3, 4, 4]},
        {"input_size": [3, 4000, 4000]},
        {"input_size": [1, 32, 32]},
        {"input_size": 32},
        {"dtype": "int8"},
        {"std": [0, 1, 1]},
        {"mean": [0.5, 0.5]},
        {"mean": [0.5, 0.5, float("nan")]},
        {"interpolation": "magic"},
        {"crop_pct": 0},
    ],
)
def test_a_declaration_out_of_bounds(declared: dict[str, object]) -> None:
    with pytest.raises(Rejected) as refused:
        declarations.input_spec(InputSpec(), json.loads(json.dumps(declared)), InputBounds())
    assert refused.value.code == "bad_declaration"
    assert f"{declarations.DECLARATION}: {next(iter(declared))}" in refused.value.message
