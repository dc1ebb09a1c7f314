import json
import zipfile
from pathlib import Path
from typing import Literal

import pytest
import torch

from scoring import formats, training
from scoring.formats import declarations
from scoring.formats.torchscript import exporting
from scoring.images import albums
from scoring.job import InputBounds, InputSpec
from scoring.training import networks

SPEC = InputSpec(16, 16, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))


def trained(splits: dict[str, Path], target: Path, **options: object) -> training.Trained:
    options = {"epochs": 2, "threads": 1, "spec": SPEC, **options}
    return training.train("tiny_cnn", splits["sample"], target, **options)  # type: ignore[arg-type]


def test_a_training_is_exported_with_its_declaration(
    splits: dict[str, Path], tmp_path: Path
) -> None:
    done = trained(splits, tmp_path / "tiny.pt", hold_out=0.25)
    assert done.epochs == 2
    assert done.f1 is not None
    assert torch.jit.load(str(tmp_path / "tiny.pt"))(torch.zeros(1, 3, 16, 16)).shape == (1, 10)
    declared = formats.inspect(tmp_path / "tiny.pt").declared
    assert declarations.input_spec(InputSpec(), declared, InputBounds()) == SPEC


def test_with_epochs_it_is_a_function_of_the_seed(splits: dict[str, Path], tmp_path: Path) -> None:
    hashes = []
    for number, seed in enumerate((1, 1, 2)):
        trained(splits, tmp_path / f"{number}.pt", seed=seed, epochs=1)
        hashes.append(
            formats.inspect(tmp_path / f"{number}.pt", with_content_hash=True).content_sha256
        )
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("how", ["script", "trace"])
@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_other_dtypes_are_exported(
    dtype: str, how: Literal["script", "trace"], tmp_path: Path
) -> None:
    spec = InputSpec(16, 16, dtype=dtype)  # type: ignore[arg-type]
    model = networks.tiny_cnn(10)
    exporting.export(model, spec, tmp_path / "model.pt", how)
    inputs = torch.zeros(1, 3, 16, 16, dtype=getattr(torch, dtype))
    assert torch.jit.load(str(tmp_path / "model.pt"))(inputs).shape == (1, 10)


def test_plain_pixels_are_normalized_as_declared(tmp_path: Path) -> None:
    spec = InputSpec(16, 16, dtype="uint8")
    model = networks.tiny_cnn(10).eval()
    pixels = torch.randint(0, 256, (2, 3, 16, 16), dtype=torch.uint8)
    exporting.export(model, spec, tmp_path / "model.pt")
    normalized = albums.normalized(pixels.numpy(), InputSpec(16, 16))
    expected = model(torch.from_numpy(normalized))
    found = torch.jit.load(str(tmp_path / "model.pt"))(pixels)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_an_unknown_architecture_is_named() -> None:
    with pytest.raises(ValueError, match="resnet_of_dreams"):
        networks.built("resnet_of_dreams", 10)


def test_timm_architectures_are_built() -> None:
    model = networks.built("resnet18d", 10).eval()
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 10)


def test_digits_are_real_images_in_class_folders(digits: Path) -> None:
    with zipfile.ZipFile(digits) as archive_:
        names = archive_.namelist()
    assert len(names) == 1797
    assert json.dumps(names[0]) == '"0/0000.png"'
