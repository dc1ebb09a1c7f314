"""Train a small network, export it in each format that the competition takes, and look at it.

    python train.py --seconds 120

The images are the competition's sample, which is downloaded, or your own: `--data` takes a zip or a
folder with one folder of images for each class. The facts of the competition stand in
competition.json. Change `network` and `fit` as you like: the rest only feeds and measures.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
import os
import random
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import recipes
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

HERE = Path(__file__).resolve().parent
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
CALIBRATION_IMAGES = 200


def main() -> None:
    options = parser().parse_args()
    facts = read_facts()
    torch.manual_seed(options.seed)
    images, labels = load(options.data or sample(facts), facts)
    test, train = divided(labels, options.hold_out, options.seed)
    print(f"{len(train)} images to train on, {len(test)} to test on")
    if len(train) < 2:
        sys.exit("There are too few images to train on.")
    model = network(len(facts["classes"]))
    fit(model, images[train], labels[train], options.seconds)
    if options.narrow:  # structured pruning, then distillation from the unpruned network
        small = recipes.narrowed(model, options.narrow)
        fit(small, images[train], labels[train], options.seconds, recipes.taught(model))
        model = small
    files = exported(model, images[train][:CALIBRATION_IMAGES], facts, options.out)
    chosen = show(files, images[test], labels[test], facts)
    if options.score:
        judge(chosen, files, facts, options.score)


def read_facts() -> dict[str, Any]:
    """What the competition says: classes, input, formats, limits, machine."""
    found: dict[str, Any] = json.loads((HERE / "competition.json").read_text(encoding="utf-8"))
    return found


def sample(facts: dict[str, Any]) -> Path:
    """The competition's sample images, downloaded once and compared with their checksum."""
    told = facts["sample"]
    if told is None:
        sys.exit("This competition has no sample. Name your own images: --data FOLDER")
    path = HERE / f"{facts['slug']}-sample.zip"
    if not path.exists():
        print(f"downloading {told['url']}")
        urllib.request.urlretrieve(told["url"], path)  # noqa: S310  the address is the site's own
    if hashlib.sha256(path.read_bytes()).hexdigest() != told["sha256"]:
        sys.exit(f"{path} is not the sample of this competition. Delete it and start again.")
    return path


def load(source: Path, facts: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Images (N, 3, height, width) as a model is fed them, in float32, and labels (N,)."""
    classes, spec = facts["classes"], facts["input"]
    found = []
    for name, data in files_of(source):
        label = name.split("/")[-2] if "/" in name else ""
        if label in classes and name.lower().endswith(ENDINGS):
            pixels = fitted(Image.open(io.BytesIO(data)).convert("RGB"), spec)
            found.append((classes.index(label), pixels))
    if not found:
        sys.exit(
            f"{source} has no images in folders with the names of the classes: {classes}. "
            "Rename the folders."
        )
    labels = torch.tensor([label for label, _ in found])
    images = torch.from_numpy(np.stack([pixels for _, pixels in found])).permute(0, 3, 1, 2)
    mean, std = (torch.tensor(spec[name]).view(3, 1, 1) for name in ("mean", "std"))
    return (images.float() / 255 - mean) / std, labels


def files_of(source: Path) -> list[tuple[str, bytes]]:
    """Names and contents of the files in a zip or a folder."""
    if source.is_dir():
        paths = sorted(path for path in source.rglob("*") if path.is_file())
        return [(path.relative_to(source).as_posix(), path.read_bytes()) for path in paths]
    with zipfile.ZipFile(source) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def fitted(image: Image.Image, spec: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """An image as the site fits it to the input: resized, then cropped in the middle."""
    size = (spec["width"], spec["height"])
    method = Image.Resampling[spec["interpolation"].upper()]
    if spec["crop_mode"] == "squash" and spec["crop_pct"] == 1:
        return np.asarray(image.resize(size, method))
    wanted = [math.floor(side / spec["crop_pct"]) for side in size]
    scale = max(w / have for w, have in zip(wanted, image.size, strict=True))
    larger = [max(s, round(have * scale)) for s, have in zip(size, image.size, strict=True)]
    image = image.resize((larger[0], larger[1]), method)
    left, top = ((have - s) // 2 for s, have in zip(size, image.size, strict=True))
    return np.asarray(image.crop((left, top, left + size[0], top + size[1])))


def divided(labels: Tensor, hold_out: float, seed: int) -> tuple[list[int], list[int]]:
    """Numbers of the images to test on and to train on: a share of each class."""
    test: list[int] = []
    for label in labels.unique().tolist():
        numbers = (labels == label).nonzero().flatten().tolist()
        random.Random(seed).shuffle(numbers)  # noqa: S311  no secret
        test += numbers[: max(1, round(hold_out * len(numbers)))]
    return sorted(test), sorted(set(range(len(labels))) - set(test))


def network(classes: int) -> nn.Sequential:
    """Four convolutions. Wider, deeper, with shortcuts: this is the place for your ideas."""
    layers: list[nn.Module] = []
    inputs = 3
    for outputs in (16, 32, 64, 128):
        layers += [nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False), nn.BatchNorm2d(outputs)]
        layers += [nn.ReLU()]
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))


def plain_loss(logits: Tensor, labels: Tensor, images: Tensor) -> Tensor:
    """Cross-entropy. The images are for losses that ask another network."""
    return functional.cross_entropy(logits, labels, label_smoothing=0.1)


def fit(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    seconds: float,
    loss_of: Callable[[Tensor, Tensor, Tensor], Tensor] = plain_loss,
    batch: int = 32,
) -> None:
    """Train in place. The learning rate rises and falls with the clock."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.05)
    model.train()
    start, epoch = time.monotonic(), 0
    while (share := (time.monotonic() - start) / seconds) < 1 or not epoch:
        epoch += 1
        for chosen in torch.randperm(len(labels)).split(batch):
            if len(chosen) == 1:  # batch norm needs two
                continue
            share = min(1.0, (time.monotonic() - start) / seconds)
            optimizer.param_groups[0]["lr"] = 4e-3 * min(share / 0.2, (1 - share) / 0.8) + 1e-5
            some = moved(images[chosen])
            loss = loss_of(model(some), labels[chosen], some)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    print(f"{epoch} epochs in {time.monotonic() - start:.0f} s, last loss {loss.item():.3f}")


def moved(images: Tensor) -> Tensor:
    """Each image turned, scaled and moved a little, at random."""
    count = len(images)
    turn, zoom = (torch.rand(count) - 0.5) * 0.4, 0.85 + 0.3 * torch.rand(count)
    shift = (torch.rand(2, count) - 0.5) * 0.3
    rows = [zoom * turn.cos(), -zoom * turn.sin(), shift[0]]
    rows += [zoom * turn.sin(), zoom * turn.cos(), shift[1]]
    theta = torch.stack(rows, 1).view(count, 2, 3)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


class Fed(nn.Module):
    """A network that takes what the competition feeds: float16, or pixels 0 to 255 of uint8."""

    def __init__(self, network: nn.Module, spec: dict[str, Any]) -> None:
        super().__init__()
        self.network = network
        scale, shift = 1.0, torch.zeros(3)
        if spec["dtype"] == "uint8":
            scale, shift = 255.0, torch.tensor(spec["mean"])
        std = torch.tensor(spec["std"]) if spec["dtype"] == "uint8" else torch.ones(3)
        self.register_buffer("mean", shift.view(1, 3, 1, 1) * scale)
        self.register_buffer("std", std.view(1, 3, 1, 1) * scale)

    def forward(self, x: Tensor) -> Tensor:
        return self.network((x.float() - self.mean) / self.std)


def fed(images: Tensor, spec: dict[str, Any]) -> Tensor:
    """Images as the competition feeds them: (N, 3, height, width) in its dtype."""
    if spec["dtype"] == "uint8":
        mean, std = (torch.tensor(spec[name]).view(3, 1, 1) for name in ("mean", "std"))
        return ((images * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)
    return images.to(getattr(torch, spec["dtype"]))


def exported(model: nn.Module, images: Tensor, facts: dict[str, Any], folder: Path) -> list[Path]:
    """The model in every format that the competition takes, by the recipes of recipes.py."""
    spec = facts["input"]
    if spec["dtype"] != "float32":
        model = Fed(model, spec)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for form in facts["formats"]:
        for name, recipe in recipes.RECIPES[form].items():
            if recipe is recipes.torchscript_int8 and "x86" not in engines():
                print(f"{name}: left out, because it needs an x86 processor")
                continue
            more = {"reduce_range": lacks_vnni(facts)} if recipe is recipes.onnx_int8 else {}
            recipe(model, fed(images, spec), folder / name, **more)
            files.append(folder / name)
    return files


def engines() -> list[str]:
    """What this machine's torch can compute int8 by."""
    return list(torch.backends.quantized.supported_engines)


def lacks_vnni(facts: dict[str, Any]) -> bool:
    """Whether the machine that measures is known to have no fast int8."""
    features = (facts["machine"] or {}).get("features")
    return features is not None and "VNNI" not in features


def show(files: list[Path], images: Tensor, labels: Tensor, facts: dict[str, Any]) -> Path:
    """Macro-F1 on the images held out, and the time per image here, of each file.

    Returns the fastest file of good quality.
    """
    pixels, batch = fed(images, facts["input"]), facts["input"]["batch_size"]
    batches = [one for one in pixels.split(batch) if len(one) == batch] or [pixels]
    found: list[tuple[float, float]] = []
    print(f"{'file':26}{'macro-F1':>10}{'ms':>9}{'ratio':>8}  (one thread of this machine)")
    for path in files:
        run = loaded(path)
        for _ in range(3):  # the first calls compile
            run(batches[0])
        start = time.perf_counter()
        answers = torch.cat([run(one).argmax(1) for one in batches])
        took = 1000 * (time.perf_counter() - start) / len(answers)
        f1 = macro_f1(labels[: len(answers)], answers, len(facts["classes"]))
        found.append((f1, took))
        print(f"{path.name:26}{f1:10.4f}{took:9.3f}{took / found[0][1]:8.2f}")
    good = max(f1 for f1, _ in found) - 0.01
    _, chosen = min(
        (took, path) for (f1, took), path in zip(found, files, strict=True) if f1 >= good
    )
    name = os.path.relpath(chosen)
    check, score = checks(chosen, files, facts)
    print(f"\nNext, for {chosen.name}, the fastest within 0.01 of the best quality:")
    print(f"  {' '.join(check)}\n  {facts['try'].format(file=name)}")
    if facts["sample"]:
        print(f"  {' '.join(score)}")
    print(f"  featherweight submit {name} --competition {facts['slug']} --wait")
    return chosen


def checks(file: Path, files: list[Path], facts: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The commands that check a file and score it at home, as the site does."""
    to = [os.path.relpath(file), "--competition", facts["slug"]]
    score = ["featherweight", "score", *to]
    if not facts["reference"]:
        score += ["--reference", os.path.relpath(files[0])]
    return ["featherweight", "check", *to], score


def judge(file: Path, files: list[Path], facts: dict[str, Any], seconds: float) -> None:
    """Check a file, and score it on the sample in about so many seconds. It needs Linux."""
    if not facts["reference"]:
        print(
            "\nThe organizers have not released their reference model. "
            f"{files[0].name}, which was trained here, is used instead. "
            "Use the score only to compare your own files."
        )
    check, score = checks(file, files, facts)
    site = {"FEATHERWEIGHT_URL": facts["api"].removesuffix("/api/v2")} | os.environ
    for command in (check, [*score, "--max-seconds", str(seconds)]):
        module = [sys.executable, "-m", "leaderboard.cli", *command[1:]]
        if subprocess.run(module, env=site, check=False).returncode:
            sys.exit(f"This failed: {' '.join(command)}")


def loaded(path: Path) -> Callable[[Tensor], Tensor]:
    """A model file as a function of a batch, on one thread, as the site runs it."""
    torch.set_num_threads(1)
    if path.suffix == ".onnx":
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            str(path), settings, providers=["CPUExecutionProvider"]
        )
        name = session.get_inputs()[0].name
        return lambda batch: torch.from_numpy(session.run(None, {name: batch.numpy()})[0])
    model = torch.jit.optimize_for_inference(torch.jit.load(path).eval())

    def run(batch: Tensor) -> Tensor:
        with torch.inference_mode():
            found: Tensor = model(batch)
            return found

    return run


def macro_f1(labels: Tensor, answers: Tensor, classes: int) -> float:
    """The mean of the F1 of all classes that occur."""
    found = []
    for label in range(classes):
        right = ((labels == label) & (answers == label)).sum().item()
        named = (labels == label).sum().item() + (answers == label).sum().item()
        if named:
            found.append(2 * right / named)
    return sum(found) / len(found)


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--data", type=Path, help="your own images; default: the sample")
    command.add_argument("--seconds", type=float, default=120.0, help="seconds of training")
    command.add_argument("--hold-out", type=float, default=0.2, help="share of images to test on")
    command.add_argument("--narrow", type=float, help="prune to this share of the channels")
    command.add_argument("--out", type=Path, default=HERE / "models", help="folder of the files")
    command.add_argument(
        "--score",
        type=float,
        metavar="SECONDS",
        help="check the best file, and measure its score on the sample for so many seconds",
    )
    command.add_argument("--seed", type=int, default=0)
    return command


if __name__ == "__main__":
    main()
