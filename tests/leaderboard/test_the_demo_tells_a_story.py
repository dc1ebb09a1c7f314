"""The teams of the demo: their ideas differ, and each idea is made and passes the gate."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from leaderboard.demo import derived, fashion, recipes
from scoring import __main__ as engine
from scoring import formats, training
from scoring.images import sets

IDEAS = {
    "Team Feather": "tiny_cnn at 32 px, torchscript",
    "Team Anvil": "wide_cnn at 32 px, torchscript",
    "Team Thumbnail": "tiny_cnn at 16 px, torchscript",
    "Team Bonsai": "the network of Team Anvil, pruned",
    "Team Half": "the network of Team Anvil, bfloat16",
    "Team Octet": "the network of Team Anvil, int8",
    "Team Graph": "small_resnet at 32 px, onnx",
    "Team Byte": "small_resnet at 32 px, int8-onnx",
}
EACH = 4
"""Images of a class."""


def in_this_process(recipe: recipes.Recipe, arguments: Sequence[str], console: Console) -> None:
    """The command of a recipe without a process of its own, which imports torch for seconds."""
    module, *rest = arguments
    made = {"scoring": engine.main, "leaderboard.demo.derived": derived.main}[module](rest)
    assert made == 0, recipe


@pytest.mark.filterwarnings("ignore")
def test_eight_ideas_a_tie_one_below_the_gate_and_one_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipes, "run_command", in_this_process)
    story = (*recipes.DIGITS[1:], *recipes.wider(recipes.DIGITS))
    assert {one.team: one.idea for one in story[: len(IDEAS)]} == IDEAS
    assert [one.team for one in story[len(IDEAS) :]] == ["Team Echo", "Team Sprint", "Team Oops"]
    sample, console = few_digits(tmp_path), Console(file=io.StringIO())
    files = {}
    for one in story:
        short = replace(one, seconds=0.05, unused=0.0)
        files[one.team] = recipes.train(short, sample, tmp_path / "models", console)
    facts = {team: formats.inspect(path) for team, path in files.items()}
    types = {team: formats.number_type(one.model.dtypes) for team, one in facts.items()}
    assert types["Team Half"] == "bfloat16"
    assert types["Team Octet"] == types["Team Byte"] == "int8"
    assert files["Team Echo"].read_bytes() == files["Team Feather"].read_bytes()
    sizes = {team: path.stat().st_size for team, path in files.items()}
    assert sizes["Team Bonsai"] < sizes["Team Anvil"] / 2
    assert Counter(one.format.name for one in facts.values())["onnx"] == 2


def few_digits(folder: Path) -> Path:
    """Some digits of each class."""
    whole = training.write_digits(folder / "digits.zip")
    target, seen = folder / "few.zip", Counter[str]()
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(target, "w") as part:
        for name in source.namelist():
            label = name.partition("/")[0]
            if seen[label] < EACH:
                seen[label] += 1
                part.writestr(name, source.read(name))
    return target


def test_it_takes_the_fashion_images_of_debian(tmp_path: Path) -> None:
    pixels = np.arange(40 * 28 * 28, dtype=np.uint8).reshape(40, 28, 28)
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", pixels)
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", np.arange(40, dtype=np.uint8) % 10)
    made = fashion.write(tmp_path / "fashion.zip", tmp_path, each=3)
    found = sets.catalogue(made, verify=True)
    assert found.classes == tuple(sorted(fashion.CLASSES))
    assert len(found.images) == 30
    with zipfile.ZipFile(made) as archive:
        [name] = [one for one in archive.namelist() if one.endswith("00011.png")]
        assert name.startswith("trouser/")
        assert np.array_equal(np.asarray(Image.open(archive.open(name))), pixels[11])


def test_it_says_how_to_get_the_fashion_images(tmp_path: Path) -> None:
    with pytest.raises(fashion.NoDatasetError, match="apt install dataset-fashion-mnist"):
        fashion.write(tmp_path / "fashion.zip", tmp_path)
    images = tmp_path / "train-images-idx3-ubyte.gz"
    for broken in (b"no gzip", gzip.compress(b"no idx"), gzip.compress(bytes((0, 0, 8, 3)) * 4)):
        images.write_bytes(broken)
        with pytest.raises(fashion.NoDatasetError, match=images.name):
            fashion.write(tmp_path / "fashion.zip", tmp_path)


def write_idx(path: Path, array: np.ndarray) -> None:
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()))
