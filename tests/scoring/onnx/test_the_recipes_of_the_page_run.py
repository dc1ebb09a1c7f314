"""docs/export.md prints recipes: each is run as it stands, and its file is accepted and answers."""

from __future__ import annotations

import ast
import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from scoring import formats
from scoring.formats import checking
from scoring.job import Limits, Plan
from scoring.sandbox import areas, parent, processes, sealing
from scoring.training import networks
from tests.scoring.onnx import exports

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "export.md"
RECIPES = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
LIMITS = Limits(load_seconds=20, first_call_seconds=20, call_seconds=20, total_seconds=120)
FINAL = (
    *("model.pt", "bfloat16.pt", "int8.pt", "model.onnx", "legacy.onnx", "same.onnx", "int8.onnx"),
    *("declared.onnx", "pruned.pt", "distilled.pt"),
)
"""The files that the page tells to upload."""
OTHERS = ("pruned.pt", "distilled.pt")
"""Files of other networks, whose answers differ from the model's."""
DEFINITION = (ast.FunctionDef, ast.ClassDef)


@pytest.mark.filterwarnings("ignore")
def test_every_recipe_makes_a_file_that_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    model = networks.tiny_cnn(exports.CLASSES).eval()
    images = torch.randn(200, 3, exports.SIZE, exports.SIZE)
    for recipe in RECIPES:
        names = {"model": model, "images": images, "labels": torch.arange(200) % exports.CLASSES}
        exec(compile(recipe, str(PAGE), "exec"), names)  # noqa: S102
    with torch.inference_mode():
        expected = model(images[:2]).argmax(1).numpy()
    spec = replace(exports.SPEC, batch_size=2)
    structure = formats.inspect(tmp_path / "model.pt").model.structure
    with parent.started(Plan(pinned=False, preferred=False), LIMITS) as box:
        for name in FINAL:
            assert checking.check(tmp_path / name).notes == ()
            found = formats.inspect(tmp_path / name)
            assert found.format.name == ("onnx" if name.endswith(".onnx") else "torchscript")
            assert (found.model.structure == structure) == (name not in OTHERS), name
            with (
                closing(sealing.handed_over(tmp_path / name)) as sealed,
                closing(areas.Area(spec, exports.CLASSES)) as area,
                box.child(sealed, area, processes.Allowance(120), images[:2].numpy()) as child,
            ):
                child.inputs[0] = images[:2].numpy()
                child.run(1, 20)
                answers = np.array(child.outputs[0]).argmax(1)
                assert name in OTHERS or (answers == expected).all(), name
            (tmp_path / name).unlink()


def test_the_page_lists_the_operators_that_are_taken() -> None:
    listed = PAGE.read_text().partition("- These operators:")[2].partition("Other formats")[0]
    from scoring.formats.onnx import operators

    assert set(re.findall(r"`(\w+)`", listed)) == operators.ALLOWED


def test_the_page_and_the_starter_kit_print_the_same_functions() -> None:
    kit = definitions((ROOT / "leaderboard" / "kit" / "files" / "recipes.py").read_text())
    page: dict[str, str] = {}
    for recipe in RECIPES:
        page |= definitions(recipe)
    shared = kit.keys() & page.keys()
    assert shared == {"Bfloat16", "Batches", "narrowed", "taught"}
    assert {name: page[name] for name in shared} == {name: kit[name] for name in shared}


def definitions(source: str) -> dict[str, str]:
    """The text of each function and class by its name."""
    found = [one for one in ast.parse(source).body if isinstance(one, DEFINITION)]
    return {one.name: ast.get_source_segment(source, one) for one in found}


@pytest.mark.parametrize("has_bias", [True, False])
def test_a_pruned_network_answers(has_bias: bool) -> None:
    sources = [one for one in RECIPES if "def narrowed" in one]
    assert len(sources) == 1
    names: dict[str, Any] = {}
    exec(sources[0].partition("pruned =")[0], names)  # noqa: S102
    network = nn.Sequential(
        *(nn.Conv2d(3, 32, 3, bias=has_bias), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.Conv2d(32, 48, 3, bias=has_bias), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
        *(nn.Flatten(), nn.Linear(48, 10)),
    ).eval()
    images = torch.randn(2, 3, 16, 16)
    pruned = names["narrowed"](network, 0.5)
    assert pruned(images).shape == (2, 10)
    assert [len(one.weight) for one in pruned if isinstance(one, nn.Conv2d)] == [16, 24]
    torch.testing.assert_close(names["narrowed"](network, 1.0)(images), network(images))
