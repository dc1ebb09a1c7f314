"""From a file's bytes to an upright RGB picture, by one rule for imports and evaluations."""

from __future__ import annotations

import codecs
import io
import warnings
from typing import cast

from PIL import Image as Pillow
from PIL import ImageChops, ImageOps

from scoring.images import kinds
from scoring.images.records import Unusable
from scoring.sentences import Sentence, say

MAX_PIXELS = 50_000_000
"""Photographs for a classifier have fewer. Unpacked these are 150 MB, with 16 bits up to 400 MB."""
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""Told by content, not by suffix. Others are not opened: Pillow starts Ghostscript for an EPS."""


def open_image(data: bytes) -> Pillow.Image:
    """An upright image.

    Raises `Unusable` with the reason: broken, too many pixels, another format, or colours of
    which Pillow makes no RGB.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Pillow.open(io.BytesIO(data), formats=FORMATS)
            size, mode = image.size, image.mode
            if size[0] * size[1] <= MAX_PIXELS and mode != "LAB":
                image.load()
                return upright(image)
    except Exception as error:  # Pillow's decoders raise nearly anything on broken files
        raise Unusable(*reason(data)) from error
    if mode == "LAB":
        raise Unusable(BROKEN, say("The image has Lab colours."), kinds.CONVERT)
    width, height = size
    raise Unusable(
        say(
            "This image is not decoded, because it has too many pixels: %(width)s x %(height)s.",
            width=width,
            height=height,
        )
    )


BROKEN = say("This image cannot be decoded.")


def reason(data: bytes) -> tuple[Sentence, ...]:
    """Why Pillow failed, as far as the first bytes tell."""
    if not data:
        return BROKEN, say("The file is empty.")
    if data[4:8] == b"ftyp":
        known = (kind for kind, brands in kinds.BY_BRAND.items() if data[8:12] in brands)
        return BROKEN, next(known, kinds.VIDEO), kinds.CONVERT
    head = data[:1024].removeprefix(codecs.BOM_UTF8)
    for start, kind in kinds.BY_START.items():
        if any(one.lower().startswith(start) for one in (head, head.lstrip())):
            return BROKEN, *kind
    return (BROKEN,)


def upright(image: Pillow.Image) -> Pillow.Image:
    """The image turned as the camera was held; unchanged if its note of that is broken."""
    try:
        turned = ImageOps.exif_transpose(image)
    except Exception:  # Pillow raises nearly anything, though every pixel is sound
        return image
    turned.format = image.format
    return turned


def rgb(image: Pillow.Image) -> Pillow.Image:
    """An RGB image of 8 bits for each channel. Transparent pixels become white."""
    if is_deep(image):
        image = shallow(image)
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Pillow.alpha_composite(Pillow.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def shallow(image: Pillow.Image) -> Pillow.Image:
    """A deep image in 8 bits. The one value that a PNG may call transparent becomes white."""
    wide = widened(image)
    values = wide.convert("F")
    factor = 255 / white(image)
    grey = values.point(lambda value: value * factor + 0.5).convert("L")
    grey.info.pop("transparency", None)
    see_through = image.info.get("transparency")
    if isinstance(see_through, int):
        # |value - transparent value| x 255, cut at 255: 0 only where the two are equal
        apart = ImageChops.add(
            values.point(lambda value: value * 255 - 255 * see_through).convert("L"),
            values.point(lambda value: value * -255 + 255 * see_through).convert("L"),
        )
        grey.paste(255, mask=ImageChops.invert(apart))
    return grey


def widened(image: Pillow.Image) -> Pillow.Image:
    """16-bit integers as 32-bit ones, for which Pillow has all operations."""
    return image.convert("I") if image.mode.startswith("I;16") else image


def is_deep(image: Pillow.Image) -> bool:
    """Whether pixels are floats, or integers of 16 or 32 bits. Pillow would clip these at 255."""
    return image.mode == "F" or image.mode.startswith("I")


def white(image: Pillow.Image) -> float:
    """The value that means white in a deep image.

    It is the least of 1 (floats only), 255 and 65,535 that no pixel exceeds.
    """
    most = cast(float, widened(image).getextrema()[1])  # such images have one channel
    tops = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    return next((top for top in tops if most <= top), tops[-1])
