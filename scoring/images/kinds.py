"""Kinds of files that are no images here: what each one is, and what to do with it."""

from __future__ import annotations

from scoring.sentences import Sentence, say

CONVERT = say("Convert it to JPEG or PNG.")
DOWNLOAD = say("Download the image itself.")
UNPACK = say("Unpack it, and put its images in the same place.")

HEIC = say("This is a HEIC image.")
AVIF = say("This is an AVIF image.")
JPEG_XL = say("This is a JPEG XL image.")
JPEG_2000 = say("This is a JPEG 2000 image.")
SVG = say("This is an SVG drawing.")
PHOTOSHOP = say("This is a Photoshop document.")
ICON = say("This is an icon.")
PDF = say("This is a PDF document.")
RAW = say("This is a camera's raw image.")
VIDEO = say("This is a video or another container.")
PAGE = say("This is a web page that was saved under the name of an image.")

BY_SUFFIX = {
    ".heic": HEIC,
    ".heif": HEIC,
    ".avif": AVIF,
    ".jxl": JPEG_XL,
    ".jp2": JPEG_2000,
    ".svg": SVG,
    ".psd": PHOTOSHOP,
    ".ico": ICON,
    ".pdf": PDF,
    ".dng": RAW,
    ".nef": RAW,
    ".cr2": RAW,
    ".arw": RAW,
}
"""Suffixes of pictures that are not taken. All of them can be converted."""
BY_BRAND = {
    AVIF: (b"avif", b"avis"),
    HEIC: (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"),
}
"""The brand after `ftyp` in files of this family. Any other brand is a video."""
BY_START: dict[bytes, tuple[Sentence, ...]] = {
    b"\xff\x0a": (JPEG_XL, CONVERT),
    b"\x00\x00\x00\x0cjxl ": (JPEG_XL, CONVERT),
    b"\x00\x00\x00\x0cjp  ": (JPEG_2000, CONVERT),
    b"8bps": (PHOTOSHOP, CONVERT),
    b"%pdf": (PDF, CONVERT),
    b"%!ps": (say("This is a PostScript document."), CONVERT),
    b"<svg": (SVG, CONVERT),
    b"<?xml": (say("This is an SVG drawing or another XML document."), CONVERT),
    b"<!doctype": (PAGE, DOWNLOAD),
    b"<html": (PAGE, DOWNLOAD),
    b"pk\x03\x04": (say("This is a zip archive."), UNPACK),
    b"rar!": (say("This is a RAR archive."), UNPACK),
    b"7z\xbc\xaf\x27\x1c": (say("This is a 7z archive."), UNPACK),
    b"\x1f\x8b": (say("This is a gzip archive."), UNPACK),
    b"version https://git-lfs": (
        say("This is a pointer of Git LFS. Run `git lfs pull` to fetch the image."),
    ),
}
"""The first bytes of other kinds of files, in lower case."""
