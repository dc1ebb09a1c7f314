"""Reading images at an import: each is decoded once, and what that told is kept."""

from __future__ import annotations

import hashlib

import imagehash
import numpy as np
from PIL import Image as Pillow

from scoring.images import decoding
from scoring.images.records import Facts, Problem
from scoring.images.sources import Source

MAX_ASPECT = 500
"""A longer side than so many short ones is no photograph; scaled to a model's input it would take
gigabytes."""
LEAST_OF_WHITE = 0.25
"""Images of 10, 12 or 14 bits in files of 16 reach at most a quarter of their range, and would
come out nearly black. So would floats between 1 and a quarter of 255."""
LEAST_CONTRAST = 4.0
"""Standard deviation of the grey levels below which a perceptual hash depends on noise only. The
least of TrashNet's 2,527 photographs has 5.8."""

DARK = 8.0
"""Added to each channel, so that the colour of what is nearly black counts little."""


def read(source: Source, name: str) -> Facts | Problem:
    """What an image is, or why it cannot be used."""
    try:
        return judged(name, decoding.open_image(source.read(name)))
    except ValueError as error:
        return Problem(name, "broken_image", str(error).replace("The image", "This image", 1))
    except Exception:  # Pillow's conversions raise nearly anything, too
        text = f"This image cannot be decoded. {decoding.CONVERT}"
        return Problem(name, "broken_image", text)


def judged(name: str, image: Pillow.Image) -> Facts | Problem:
    """What a decoded image is, or why it cannot be used."""
    width, height = image.size
    if max(image.size) > MAX_ASPECT * min(image.size):
        text = f"{width} x {height} pixels are a line, no photograph."
        return Problem(name, "too_large", text)
    if decoding.is_deep(image) and (text := unclear(image)):
        return Problem(name, "unclear_depth", text)
    picture = decoding.rgb(image)
    return Facts(
        width=width,
        height=height,
        mode=image.mode,
        format=image.format or "",
        pixels=pixels(picture),
        likeness=likeness(picture),
    )


def unclear(image: Pillow.Image) -> str:
    """Why the values of a deep image cannot be told to be grey levels; empty if they can."""
    values = np.asarray(image)
    what_to_do = "Save it with 8 bits for each channel."
    if not np.isfinite(values).all():
        return f"Some of its values are not finite numbers. {what_to_do}"
    least, most, white = values.min(), values.max(), decoding.white(image)
    if least < 0 or most > white or most < LEAST_OF_WHITE * white:
        ranges = "0 to 1, 255 or 65,535" if image.mode == "F" else "0 to 255 or 65,535"
        return f"Its values go from {least:g} to {most:g}, not over {ranges}. {what_to_do}"
    return ""


def pixels(picture: Pillow.Image) -> str:
    """Equal for equal pixels: BLAKE2b over size and pixels."""
    digest = hashlib.blake2b(f"{picture.width} {picture.height} ".encode(), digest_size=16)
    digest.update(picture.tobytes())
    return digest.hexdigest()


def likeness(picture: Pillow.Image) -> str:
    """A perceptual hash of the grey levels, and the colours of the four quarters; empty where there
    is too little to see.

    The hash: signs of the lowest 16 x 16 frequencies of the picture at 32 x 32. A colour: the
    shares of red and green, which a change of brightness leaves as they are.
    """
    grey = picture.convert("L").resize((32, 32), Pillow.Resampling.LANCZOS)
    if np.asarray(grey).std() < LEAST_CONTRAST:
        return ""
    quarters = np.asarray(picture.resize((2, 2), Pillow.Resampling.BOX), dtype=np.float64)
    quarters += DARK
    shares = quarters[..., :2] / quarters.sum(axis=-1, keepdims=True)
    colours = np.round(255 * shares).astype(np.uint8).tobytes().hex()
    return f"{imagehash.phash(grey, hash_size=16, highfreq_factor=2)}{colours}"
