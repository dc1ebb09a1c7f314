"""Reading images at an import: each one is decoded once, and its facts are kept."""

from __future__ import annotations

import hashlib

import imagehash
import numpy as np
from PIL import Image as Pillow

from scoring.images import decoding, kinds
from scoring.images.records import Facts, Problem, Unusable
from scoring.images.sources import Source
from scoring.sentences import Sentence, say

MAX_ASPECT = 500
"""Largest ratio of the sides. No photograph is longer, and scaling a longer image takes
gigabytes."""
LEAST_OF_WHITE = 0.25
"""The brightest pixel of a deep image, as a share of white, is at least this.

Images of 10, 12 or 14 bits in files of 16 reach at most a quarter of their range. They would come
out nearly black, as floats between 1 and a quarter of 255 would.
"""
LEAST_CONTRAST = 4.0
"""Standard deviation of the grey levels, of 255. Below it a perceptual hash is noise only.

Evidence: the least of TrashNet's 2,527 photographs is 5.8.
"""
DARK = 8.0
"""Added to each channel, of 255, so that the colour of nearly black pixels counts little."""


def read(source: Source, name: str) -> Facts | Problem:
    """The facts of an image, or why it cannot be used."""
    try:
        return judged(name, decoding.open_image(source.read(name)))
    except Unusable as error:
        return Problem(name, "broken_image", error.said)
    except Exception:  # Pillow's conversions raise nearly anything, too
        return Problem(name, "broken_image", (decoding.BROKEN, kinds.CONVERT))


def judged(name: str, image: Pillow.Image) -> Facts | Problem:
    """The facts of a decoded image, or why it cannot be used."""
    width, height = image.size
    if max(image.size) > MAX_ASPECT * min(image.size):
        line = say(
            "%(width)s x %(height)s pixels are a line, not a photograph.",
            width=width,
            height=height,
        )
        return Problem(name, "too_large", (line,))
    if decoding.is_deep(image) and (said := unclear(image)):
        return Problem(name, "unclear_depth", said)
    picture = decoding.rgb(image)
    return Facts(
        width=width,
        height=height,
        mode=image.mode,
        format=image.format or "",
        pixels=pixels(picture),
        likeness=likeness(picture),
    )


def unclear(image: Pillow.Image) -> tuple[Sentence, ...]:
    """Why the values of a deep image may be no grey levels; empty if they are."""
    values = np.asarray(image)
    to_do = say("Save the image with 8 bits for each channel.")
    if not np.isfinite(values).all():
        return say("Some values of the image are not finite numbers."), to_do
    least, most, white = float(values.min()), float(values.max()), decoding.white(image)
    if least < 0 or most > white or most < LEAST_OF_WHITE * white:
        said = say(
            "The values of the image are %(least)g to %(most)g. Allowed ranges: %(ranges)s.",
            least=least,
            most=most,
            ranges="0…1, 0…255, 0…65535" if image.mode == "F" else "0…255, 0…65535",
        )
        return said, to_do
    return ()


def pixels(picture: Pillow.Image) -> str:
    """BLAKE2b over size and pixels, in hexadecimal: equal for equal pixels."""
    digest = hashlib.blake2b(f"{picture.width} {picture.height} ".encode(), digest_size=16)
    digest.update(picture.tobytes())
    return digest.hexdigest()


def likeness(picture: Pillow.Image) -> str:
    """A perceptual hash of the grey levels and the colours of the four quarters, in hexadecimal.

    The hash: the lowest 16 x 16 frequencies of the picture at 32 x 32, each above the median or
    not. A colour: the shares of red and green, which do not depend on brightness. Empty if the
    contrast is below `LEAST_CONTRAST`.
    """
    grey = picture.convert("L").resize((32, 32), Pillow.Resampling.LANCZOS)
    if np.asarray(grey).std() < LEAST_CONTRAST:
        return ""
    quarters = np.asarray(picture.resize((2, 2), Pillow.Resampling.BOX), dtype=np.float64)
    quarters += DARK
    shares = quarters[..., :2] / quarters.sum(axis=-1, keepdims=True)
    colours = np.round(255 * shares).astype(np.uint8).tobytes().hex()
    return f"{imagehash.phash(grey, hash_size=16, highfreq_factor=2)}{colours}"
