"""The pixels equal those of the evaluation transforms of timm and torchvision, to the last one."""

import importlib
import json
import math
import random
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from PIL import Image

from scoring.errors import Rejected
from scoring.formats import declarations
from scoring.images import albums
from scoring.job import CropMode, InputBounds, InputSpec, Interpolation
from scoring.training import networks

CASES = 2_400
SHARES = (1.0, 0.875, 0.9, 0.95, 0.965, 0.8975, 1.15, 224 / 232)


@pytest.fixture(scope="module")
def timm() -> Any:
    return networks.import_timm()


def picture(dice: random.Random, width: int, height: int) -> Image.Image:
    return Image.frombytes("RGB", (width, height), dice.randbytes(3 * width * height))


def spec_by(dice: random.Random) -> InputSpec:
    side = dice.randint(8, 48)
    share = dice.choice((*SHARES, round(dice.uniform(0.5, 2), dice.randint(1, 16))))
    return InputSpec(
        height=dice.choice((side, side, dice.randint(8, 48))),
        width=side,
        interpolation=dice.choice(get_args(Interpolation)),
        crop_pct=share,
        crop_mode=dice.choice(get_args(CropMode)),
        mean=(dice.random(), dice.uniform(-1, 2), dice.random()),
    )


def torchvisions(spec: InputSpec) -> Any:
    """torchvision's own preset for a square input and crop mode center."""
    transforms = importlib.import_module("torchvision.transforms.v2")
    side = math.floor(spec.width / spec.crop_pct)
    mode = transforms.InterpolationMode(spec.interpolation)
    return transforms.Compose([transforms.Resize(side, mode), transforms.CenterCrop(spec.width)])


def test_pixels_equal_timms_and_torchvisions(timm: Any) -> None:
    dice = random.Random(19)
    compared = 0
    for number in range(CASES):
        spec = spec_by(dice)
        image = picture(dice, dice.randint(1, 96), dice.randint(1, 96))
        try:
            expected = timm.data.create_transform(
                (3, spec.height, spec.width),
                interpolation=spec.interpolation,
                mean=spec.mean,
                crop_pct=spec.crop_pct,
                crop_mode=spec.crop_mode,
                normalize=False,
            )(image)
        except ValueError:  # timm scales a side to 0 pixels
            assert spec.crop_mode == "border"
            assert albums.fit(image, spec).shape == (3, spec.height, spec.width)
            continue
        found = albums.fit(image, spec)
        assert np.array_equal(found, expected.numpy()), (number, spec, image.size)
        if spec.height == spec.width and spec.crop_mode == "center":
            assert np.array_equal(found, np.asarray(torchvisions(spec)(image)).transpose(2, 0, 1))
        compared += 1
    assert compared >= 2_000


def test_pictures_of_any_size_are_scaled_to_the_size_that_timm_takes(timm: Any) -> None:
    """Sizes only: a tensor on the device `meta` has no pixels."""
    dice = random.Random(32)
    shrunk = 0
    for number in range(CASES):
        spec = replace(
            spec_by(dice), height=dice.randint(8, 640), crop_mode=get_args(CropMode)[number % 3]
        )
        spec = replace(spec, width=dice.choice((spec.height, dice.randint(8, 640))))
        width, height = dice.randint(1, 4000), dice.randint(1, 4000)
        resize, *_ = timm.data.create_transform(
            (3, spec.height, spec.width), crop_pct=spec.crop_pct, crop_mode=spec.crop_mode
        ).transforms
        try:
            expected = resize(torch.empty(3, height, width, device="meta")).shape
        except (RuntimeError, ValueError):  # timm scales a side to 0 pixels
            assert 1 in albums.scaled_size((width, height), spec)
            shrunk += 1
            continue
        assert (*albums.scaled_size((width, height), spec)[::-1],) == tuple(expected[1:]), (
            number,
            spec,
            width,
            height,
        )
    assert CASES - shrunk >= 2_000


@pytest.mark.parametrize(
    ("size", "side", "share", "scaled"),
    [
        ((375, 500), 160, 0.9, (177, 236)),
        ((500, 375), 224, 0.875, (341, 256)),
        ((640, 480), 224, 224 / 232, (309, 232)),
    ],
)
def test_photographs_are_scaled_to_the_size_that_timm_takes(
    size: tuple[int, int], side: int, share: float, scaled: tuple[int, int]
) -> None:
    assert albums.scaled_size(size, InputSpec(side, side, crop_pct=share)) == scaled


def test_normalized_pixels_equal_timms(timm: Any) -> None:
    spec = InputSpec(24, 24, crop_pct=0.875, interpolation="bicubic")
    image = picture(random.Random(0), 40, 30)
    expected = timm.data.create_transform(
        (3, 24, 24), interpolation="bicubic", mean=spec.mean, std=spec.std, crop_pct=0.875
    )(image)
    found = torch.from_numpy(albums.normalized(albums.fit(image, spec), spec).copy())
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_every_configuration_of_a_pretrained_model_of_timm_is_honoured(timm: Any) -> None:
    """As `json.dumps(timm.data.resolve_model_data_config(model))` writes it."""
    names = timm.list_models(pretrained=True)
    assert len(names) > 1_500
    for name in names:
        config = timm.models.get_pretrained_cfg(name).to_dict()
        for use_test_size in (False, True):
            declared = timm.data.resolve_data_config(
                pretrained_cfg=config, use_test_size=use_test_size
            )
            bounds = InputBounds(max_size=max(declared["input_size"]))
            spec = declarations.input_spec(InputSpec(), json.loads(json.dumps(declared)), bounds)
            assert declarations.written(spec) == {
                **json.loads(json.dumps(declared)),
                "dtype": "float32",
            }


@pytest.mark.parametrize(
    "key",
    # timm's, of a pretrained configuration, of `resolve_data_config` or of `create_transform`
    [
        *("fixed_input_size", "num_classes", "first_conv", "classifier", "pool_size", "url", "tag"),
        *("test_input_size", "test_crop_pct", "min_input_size", "architecture", "license"),
        *(
            "crop_border_pixels",
            "in_chans",
            "img_size",
            "tf_preprocessing",
            "naflex",
            "is_training",
        ),
        # nobody's
        *("crop_ptc", "Mean", "author", "resize", "", "a\nb\u202e", "x" * 1000),
    ],
)
def test_a_key_that_is_not_honoured_is_refused_by_name(key: str) -> None:
    with pytest.raises(Rejected) as refused:
        declarations.input_spec(InputSpec(), {"crop_pct": 0.9, key: None}, InputBounds())
    assert refused.value.code == "bad_declaration"
    assert f"{key!a:.60}" in refused.value.message
    assert "crop_mode" in refused.value.message
    assert len(refused.value.message) < 400
