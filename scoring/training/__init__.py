"""Train small classifiers and export them: references, entries for a demo, first steps.

The learning rate follows the clock, so a training fits any budget on any machine. With `epochs`
instead of seconds the result depends on the seed and the number of threads only.
"""

from __future__ import annotations

import io
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pillow
from torch import Tensor, nn

from scoring import formats
from scoring.formats.contract import Export
from scoring.images import albums, kinship, sets
from scoring.job import InputSpec
from scoring.quality import metrics
from scoring.training.fitting import BATCH, Clock, Flip, fit, normal, threads_that_pay
from scoring.training.networks import built


@dataclass(frozen=True)
class Trained:
    """How a training went. `f1`: macro-F1 on the held-out images, None without any."""

    epochs: float
    seconds: float
    images: int
    parameters: int
    f1: float | None


def train(
    arch: str,
    data: Path,
    target: Path,
    *,
    spec: InputSpec,
    seconds: float = 60.0,
    epochs: int | None = None,
    hold_out: float = 0.0,
    seed: int = 0,
    threads: int | None = None,
    flip: Flip = "horizontal",
    export_as: Export = "script",
    form: str = formats.FORMATS[0].name,
    tell: Callable[[str], None] = lambda line: None,
) -> Trained:
    """Train `arch` on class folders and export it to `target` with its `featherweight.json`.

    `arch`: one of `networks.ARCHITECTURES`, or a name of timm. Of data in splits only the sample is
    used. `hold_out`: share of the images to test on. The training takes `seconds`, or exactly
    `epochs`. `threads` None: the faster of one and all. `tell` gets the progress in words. `form`:
    one of `formats.forms()`; int8 is calibrated on the training images. Raises `BadDataset`, and
    `ValueError` for an unknown `arch` and for int8 without the package onnx.
    """
    torch.manual_seed(seed)
    found = sets.catalogue(data, verify=True)
    parts = divided(found, hold_out, seed)
    start = time.monotonic()
    prepared = decoded(data, parts, found.classes, spec)
    model = built(arch, len(found.classes))
    example = normal(prepared["train"][0][:BATCH], spec)
    torch.set_num_threads(threads or threads_that_pay(model, example))
    done = fit(model, *prepared["train"], spec, Clock(seconds, epochs), seed, flip, tell)
    f1 = macro_f1(model, *prepared["test"], spec, found.classes) if hold_out else None
    format_, is_int8 = formats.of_form(form)
    format_.export(model, spec, target, export_as, prepared["train"][0] if is_int8 else None)
    took, images = time.monotonic() - start, len(prepared["train"][1])
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Trained(epochs=done, seconds=took, images=images, parameters=parameters, f1=f1)


def macro_f1(
    model: nn.Module, pixels: Tensor, labels: Tensor, spec: InputSpec, classes: tuple[str, ...]
) -> float:
    """Macro-F1 of a trained model. `pixels`: (N, 3, H, W) uint8; `labels`: (N,)."""
    answers = answered(model, pixels, spec)
    return metrics.quality(labels.numpy(), answers, classes).quality


def divided(found: sets.Catalogue, hold_out: float, seed: int) -> dict[str, tuple[sets.Image, ...]]:
    """The images to train on, and with `hold_out` those to test on. Raises `BadDataset`."""
    usable = found.of("sample") or found.images
    if not hold_out:
        return {"train": tuple(usable)}
    together = kinship.of(usable).groups()
    return sets.share(usable, {"train": 1 - hold_out, "test": hold_out}, seed, together)


def write_digits(target: Path, size: int = 32) -> Path:
    """Write scikit-learn's 1,797 handwritten digits as a zip of class folders of PNG images."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for number, (values, label) in enumerate(zip(digits.images, digits.target, strict=True)):
            image = Pillow.fromarray((values * 255 / 16).astype(np.uint8))
            data = io.BytesIO()
            image.resize((size, size), Pillow.Resampling.BICUBIC).save(data, "PNG")
            name = zipfile.ZipInfo(f"{label}/{number:04d}.png", sets.EPOCH)
            archive.writestr(name, data.getvalue())
    return target


def answered(model: nn.Module, pixels: Tensor, spec: InputSpec) -> metrics.Labels:
    """Labels (N,) that a trained model answers. `pixels`: (N, 3, H, W) uint8."""
    model.eval()
    with torch.inference_mode():
        parts = [model(normal(part, spec)).argmax(1) for part in torch.split(pixels, 64)]
    result: metrics.Labels = torch.cat(parts).numpy()
    return result


def decoded(
    source: Path,
    parts: dict[str, tuple[sets.Image, ...]],
    classes: tuple[str, ...],
    spec: InputSpec,
) -> dict[str, tuple[Tensor, Tensor]]:
    """Pixels (N, 3, H, W) in memory, uint8, and labels (N,) of each part."""
    with tempfile.TemporaryDirectory(prefix="featherweight-") as cache:
        return {
            name: pixels(source, part, classes, spec, Path(cache)) for name, part in parts.items()
        }


def pixels(
    source: Path,
    chosen: tuple[sets.Image, ...],
    classes: tuple[str, ...],
    spec: InputSpec,
    cache: Path,
) -> tuple[Tensor, Tensor]:
    """The chosen images (N, 3, H, W) in memory, uint8, and their labels (N,)."""
    labels = np.array([classes.index(image.label) for image in chosen], dtype=np.int64)
    names = tuple(image.name for image in chosen)
    mapped = albums.pixels(albums.Labelled(source, names, labels), spec, cache)
    return torch.from_numpy(np.array(mapped)), torch.from_numpy(labels)
