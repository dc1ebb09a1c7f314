"""docs/export.md prints recipes: each is run as it stands, and its file is accepted and answers."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scoring import formats
from scoring.formats import checking
from scoring.job import Limits, Plan
from scoring.sandbox import areas, parent, processes, sealing
from scoring.training import networks
from tests.scoring.onnx import exports

PAGE = Path(__file__).parents[3] / "docs" / "export.md"
RECIPES = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
LIMITS = Limits(load_seconds=20, first_call_seconds=20, call_seconds=20, total_seconds=120)
FINAL = (
    *("model.pt", "bfloat16.pt", "int8.pt", "model.onnx", "legacy.onnx", "same.onnx", "int8.onnx"),
    *("declared.onnx", "pruned.pt", "distilled.pt"),
)
"""The files that the page tells to upload."""
OTHERS = ("pruned.pt", "distilled.pt")
"""Files of other networks, whose answers differ from the model's."""


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
    with parent.started(Plan(pinned=False, preferred=False), LIMITS) as box:
        for name in FINAL:
            assert checking.check(tmp_path / name).notes == ()
            format_ = formats.inspect(tmp_path / name).format.name
            assert format_ == ("onnx" if name.endswith(".onnx") else "torchscript")
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
