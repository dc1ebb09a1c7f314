"""The fingerprint of a network is that of its copies in every format and number type, and of no
other network."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from scoring import formats
from scoring.formats import structure
from scoring.training import networks
from tests.scoring.onnx import exports

IMAGES = torch.zeros(exports.BATCH, 3, exports.SIZE, exports.SIZE)


def of(model: bytes) -> str:
    return formats.inspect(io.BytesIO(model)).model.structure


def saved(script: torch.jit.ScriptModule) -> bytes:
    file = io.BytesIO()
    torch.jit.save(script, file)
    return file.getvalue()


def tiny() -> nn.Module:
    return networks.tiny_cnn(exports.CLASSES)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "network", [tiny, exports.Attention, exports.Mobile, exports.Convnext, exports.Upscaling]
)
def test_copies_of_a_network_have_one_fingerprint(
    network: Callable[[], nn.Module], tmp_path: Path
) -> None:
    model = network().eval()
    traced = torch.jit.trace(model, IMAGES, check_trace=False)
    found = {
        "traced": of(saved(traced)),
        "frozen": of(saved(torch.jit.freeze(traced))),
        "other weights": of(saved(torch.jit.trace(network().eval(), IMAGES, check_trace=False))),
        "onnx": of(exports.written(exports.Export(network), tmp_path)),
        "dynamo": of(exports.written(exports.Export(network, 18, is_dynamo=True), tmp_path)),
        "bfloat16": of(
            saved(torch.jit.trace(model.bfloat16(), IMAGES.bfloat16(), check_trace=False))
        ),
    }
    assert len(set(found.values())) == 1, found
    assert len(found["traced"]) == 64


def test_other_networks_have_others() -> None:
    def made(width: int = 8, kernel: int = 3, *more: nn.Module) -> str:
        first = nn.Conv2d(3, width, kernel), nn.BatchNorm2d(width), nn.ReLU()
        last = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)
        network = nn.Sequential(*first, *more, *last).eval()
        return of(saved(torch.jit.trace(network, IMAGES, check_trace=False)))

    pruned, other_kernel, deeper = made(7), made(8, 5), made(8, 3, nn.Conv2d(8, 8, 3))
    grouped = made(8, 3, nn.Conv2d(8, 8, 3, groups=2))
    every = [made(), pruned, other_kernel, deeper, grouped]
    assert len(set(every)) == len(every)
    assert made(8, 3, nn.BatchNorm2d(8), nn.Dropout()) == made()


def test_what_has_no_weights_of_two_sides_has_none() -> None:
    assert structure.fingerprint([(8,), (1, 8, 1, 1), ()]) == ""
    assert structure.fingerprint([(8, 4), (8,)]) == structure.fingerprint([(4, 8, 1, 1)])
