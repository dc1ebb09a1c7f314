"""From the bytes of a file to an upright picture in RGB: one rule for imports and evaluations."""

from __future__ import annotations

import io
import warnings
from typing import cast

from PIL import Image as Pillow
from PIL import ImageOps

MAX_PIXELS = 50_000_000
"""More than photographs for a classifier have; unpacked it is 150 MB, up to 400 with 16 bits."""
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""By content, whatever the suffix says: Pillow would start Ghostscript for an EPS."""

CONVERT = "Convert it to JPEG or PNG."
BRANDS = {
    "an AVIF image": (b"avif", b"avis"),
    "a HEIC image": (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"),
}
"""What follows `ftyp` in a file of this family; any other brand is a video."""
SIGNATURES = {
    b"\xff\x0a": "a JPEG XL image",
    b"\x00\x00\x00\x0cJXL ": "a JPEG XL image",
    b"\x00\x00\x00\x0cjP  ": "a JPEG 2000 image",
    b"8BPS": "a Photoshop document",
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript document",
    b"<svg": "an SVG drawing",
    b"<?xml": "an SVG drawing or another XML document",
    b"<!DOCTYPE": "a web page that was saved under the name of an image",
    b"<html": "a web page that was saved under the name of an image",
    b"PK\x03\x04": "a zip archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\x1f\x8b": "a gzip archive",
    b"version https://git-lfs": "a pointer of Git LFS; `git lfs pull` fetches the image",
}


def open_image(data: bytes) -> Pillow.Image:
    """An upright image. Raises `ValueError` with the reason where it is broken, of too many
    pixels, of another format, or in colours that Pillow makes no RGB of."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Pillow.open(io.BytesIO(data), formats=FORMATS)
            size, mode = image.size, image.mode
            if size[0] * size[1] <= MAX_PIXELS and mode != "LAB":
                image.load()
                return upright(image)
    except Exception as error:  # Pillow's decoders raise nearly anything on broken files
        raise ValueError(reason(data)) from error
    if mode == "LAB":
        raise ValueError(f"The image cannot be decoded: it is in Lab colours. {CONVERT}")
    raise ValueError(f"The image is not decoded: {size[0]} x {size[1]} pixels are too many.")


def reason(data: bytes) -> str:
    """Why Pillow may have failed, by the first bytes."""
    start = "The image cannot be decoded"
    if not data:
        return f"{start}: the file is empty."
    if data[4:8] == b"ftyp":
        known = (kind for kind, brands in BRANDS.items() if data[8:12] in brands)
        return f"{start}: it is {next(known, 'a video or another container')}. {CONVERT}"
    for signature, kind in SIGNATURES.items():
        if data.lstrip().startswith(signature) or data.startswith(signature):
            return f"{start}: it is {kind}.{f' {CONVERT}' * kind.endswith(' image')}"
    return f"{start}."


def upright(image: Pillow.Image) -> Pillow.Image:
    """The way the camera was held; as it is stored where the note of that is broken."""
    try:
        turned = ImageOps.exif_transpose(image)
    except Exception:  # as above, though every pixel is sound
        return image
    turned.format = image.format
    return turned


def rgb(image: Pillow.Image) -> Pillow.Image:
    """An RGB image of 8 bits a channel; what is transparent becomes white."""
    if is_deep(image):
        factor = 255 / white(image)
        image = image.convert("F").point(lambda value: value * factor + 0.5).convert("L")
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Pillow.alpha_composite(Pillow.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def is_deep(image: Pillow.Image) -> bool:
    """Whether pixels are floats or integers of 16 or 32 bits, which Pillow would clip at 255."""
    return image.mode == "F" or image.mode.startswith("I")


def white(image: Pillow.Image) -> float:
    """The value that stands for white in a deep image: the least of 1 (floats), 255 and 65,535
    that no pixel exceeds."""
    most = cast(float, image.getextrema()[1])  # such images have one channel
    tops = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    return next((top for top in tops if most <= top), tops[-1])
