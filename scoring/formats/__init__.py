"""What an upload may be: the table of formats, and the one inspection of an upload.

Standard library only. To add a format, write a folder like `torchscript` and add it to `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from scoring.errors import Rejected
from scoring.formats import declarations, foreign, onnx, torchscript
from scoring.formats.contract import Archive, Format, Runtime
from scoring.formats.numbers import NARROWEST_FIRST, number_type
from scoring.job import Device, InputBounds, InputSpec, Limits, Model
from scoring.sentences import say

__all__ = [
    "FORMATS",
    "NUMBER_TYPES",
    "Inspection",
    "endings",
    "forms",
    "inspect",
    "libraries",
    "named",
    "number_type",
    "of_form",
    "opened",
    "runtime",
    "sniffed",
    "some",
    "title",
    "titles",
]

FORMATS: tuple[Format, ...] = (torchscript.FORMAT, onnx.FORMAT)
"""A file of an unknown format is read as the first format, whose gate says what is wrong."""
NUMBER_TYPES = tuple(NARROWEST_FIRST)
"""The narrowest first."""
INT8 = "int8-"
NO_MODEL = frozenset(("empty_file", "not_a_zip", "not_torchscript", "python_pickle", "state_dict"))
"""Codes of refusals that end with how a model is saved in each format."""
NO_FORMAT = say("This file has none of the accepted formats: %(formats)s.")
SAVED = say("To save a model as %(format)s, use %(call)s.")
HEAD_BYTES = 64
"""Of a file: enough to tell its format."""


@dataclass(frozen=True)
class Inspection:
    """What a file says of itself without being run."""

    format: Format
    model: Model
    """The static facts, with the input spec that holds for the file."""
    declared: dict[str, Any] | None
    """The author's `featherweight.json`."""
    content_sha256: str | None
    """None unless it was asked for."""


def inspect(
    file: Path | BinaryIO,
    *,
    default: InputSpec | None = None,
    bounds: InputBounds | None = None,
    max_unpacked_bytes: int | None = None,
    device: Device = "cpu",
    with_content_hash: bool = False,
) -> Inspection:
    """Sniff, check and describe one upload. Raises `Rejected` with the gate's code.

    `default` and `bounds`: the competition's input spec, and how far a declaration may depart from
    it. `with_content_hash` reads and unpacks the whole file once more.
    """
    if max_unpacked_bytes is None:
        max_unpacked_bytes = Limits().unpacked_bytes
    with opened(file) as (format_, archive):
        model = archive.facts(max_unpacked_bytes=max_unpacked_bytes, device=device)
        declared = archive.declaration()
        spec = declarations.input_spec(default or InputSpec(), declared, bounds or InputBounds())
        macs = archive.macs((spec.batch_size, 3, spec.height, spec.width))
        content_sha256 = archive.content_hash() if with_content_hash else None
    return Inspection(format_, replace(model, input=spec, macs=macs), declared, content_sha256)


@contextmanager
def opened(file: Path | BinaryIO) -> Iterator[tuple[Format, Archive]]:
    """An upload and its format. A stream stays open afterwards. Raises `Rejected`.

    A `Rejected` of the body passes through here too. It may become one that names a known format
    that is not taken, or one that tells how to save a model.
    """
    with file.open("rb") if isinstance(file, Path) else nullcontext(file) as stream:
        try:
            format_ = sniffed(stream)
            yield format_, format_.opened(stream)
        except Rejected as refusal:
            if named_one := foreign.recognised(stream, refusal):
                raise named_one from refusal
            if refusal.code in NO_MODEL:
                raise advised(refusal) from refusal
            raise


def advised(refusal: Rejected) -> Rejected:
    """The refusal of a file without a model, with how a model is saved in each format."""
    is_unknown = refusal.code == "not_a_zip"
    said = (NO_FORMAT.about(formats=titles()),) if is_unknown else refusal.said
    calls = (SAVED.about(format=one.title, call=one.written_by[0]) for one in FORMATS)
    return Rejected(refusal.code, *said, *calls)


def sniffed(stream: BinaryIO) -> Format:
    """The format of a file by its content; the first of the table if no format knows the file."""
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    return next((one for one in FORMATS if one.holds(head)), FORMATS[0])


def named(name: str) -> Format:
    """The format of that name. Raises `KeyError`."""
    return {one.name: one for one in FORMATS}[name]


def runtime(name: str, device: str) -> Runtime:
    """How the sandbox's child runs a model of the format `name` on `device`, cpu or cuda."""
    return named(name).runtime(device)


def some(names: Collection[str] | None = None) -> tuple[Format, ...]:
    """The formats of these names, in the order of the table. None: all of them."""
    return FORMATS if names is None else tuple(one for one in FORMATS if one.name in names)


def endings(names: Collection[str] | None = None) -> tuple[str, ...]:
    """File endings of all formats or of some, each with its dot."""
    return tuple(ending for one in some(names) for ending in one.endings)


def title(name: str) -> str:
    """The name for people of a format; the name itself if the table does not have it."""
    return next((one.title for one in FORMATS if one.name == name), name)


def titles(names: Collection[str] | None = None) -> str:
    """Names for people of all formats or of some."""
    return ", ".join(one.title for one in some(names))


def forms() -> tuple[str, ...]:
    """What a training can export: each format, and its int8 form if it has one."""
    int8 = (f"{INT8}{one.name}" for one in FORMATS if one.has_int8)
    return (*(one.name for one in FORMATS), *int8)


def of_form(form: str) -> tuple[Format, bool]:
    """The format of one of `forms`, and whether it is the int8 form. Raises `KeyError`."""
    return named(form.removeprefix(INT8)), form.startswith(INT8)


def libraries() -> tuple[str, ...]:
    """Distributions that run models, each once."""
    return tuple(dict.fromkeys(library for one in FORMATS for library in one.libraries))
