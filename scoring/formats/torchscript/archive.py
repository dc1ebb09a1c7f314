"""The static gate: what can be said about an upload without ever loading it.

Standard library only, and nothing in here executes a pickle. A TorchScript file is a zip of
records below one top folder: `data.pkl` and `constants.pkl` (who refers to which weights), `data/`
and `constants/` (the weights), `code/` (TorchScript source) and `extra/` (files of the author,
such as our `featherweight.json`). What a pickle refers to and what the source says is found out
by `pickles` and `sources`.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickletools
import re
import struct
import typing
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from scoring.errors import Rejected
from scoring.formats.torchscript import pickles, slips, sources
from scoring.job import CropMode, Device, Dtype, InputBounds, InputSpec, Interpolation, Model

DECLARATION = "featherweight.json"
MAX_EXTRA_BYTES = 64 << 10
MAX_DEBUG_BYTES = 16 << 20
"""Of all debug records, which say where in its author's files a line of code comes from."""
MAX_RECORDS = 20_000
MAX_DIRECTORY_BYTES = 4 << 20
MAX_RATIO = 10
"""Unpacked to packed, above what is small anyway; torch itself does not compress."""
SMALL_BYTES = 64 << 20

DEBUG = re.compile(r"code/.+\.py\.debug_pkl")
END, END_64, LOCATOR = (
    struct.Struct("<4s4H2IH"),
    struct.Struct("<4sQ2H2I4Q"),
    struct.Struct("<4sIQI"),
)


def check(
    file: Path | BinaryIO, *, max_unpacked_bytes: int = 2 << 30, device: Device = "cpu"
) -> Model:
    """The static facts of a TorchScript archive. Raises `Rejected` with a code, also for what
    cannot run on the device."""
    with opened(file) as (stream, records):
        size = stream.seek(0, io.SEEK_END)
        records.refuse_if_unpacked_above(
            min(max_unpacked_bytes, max(SMALL_BYTES, MAX_RATIO * size))
        )
        records.refuse_unless_torchscript()
        records.refuse_unless_tidy()
        storages, rows = records.weights()
        records.declaration()
        code = records.sources()
        return Model(
            sha256=sha256(stream),
            bytes=size,
            parameters=sum(storage.elements for storage in storages),
            dtypes=tuple(sorted({storage.dtype for storage in storages})),
            operators=sources.operators(code, device),
            devices=slips.devices(code),
            in_training=slips.in_training(code),
            rows=tuple(sorted(rows)),
        )


def content_hash(file: Path | BinaryIO) -> str:
    """SHA-256 of what the archive says, whatever its file name, time stamps and debug records."""
    digest = hashlib.sha256()
    with opened(file) as (_, records):
        for name in sorted(records.infos):
            if DEBUG.fullmatch(name) or name.startswith(".data/"):
                continue
            digest.update(f"{len(name)}:{name}:{records.infos[name].file_size}:".encode())
            for chunk in records.chunks(name):
                digest.update(chunk)
    return digest.hexdigest()


def declaration(file: Path | BinaryIO) -> dict[str, Any] | None:
    """The archive's `featherweight.json`, or None. Raises `Rejected`."""
    with opened(file) as (_, records):
        return records.declaration()


def input_spec(
    default: InputSpec, declared: Mapping[str, Any] | None, bounds: InputBounds
) -> InputSpec:
    """The competition's input spec with an upload's own declaration applied. Raises `Rejected`.

    `declared` has timm's names: input_size (3, height, width), mean, std, interpolation, crop_pct,
    crop_mode; and dtype. Any other key is refused: nothing that was declared is ignored.
    """
    if not declared:
        return default
    if unknown := sorted(set(declared) - set(PARSERS)):
        raise Rejected(
            "bad_declaration",
            f"{DECLARATION}: {some(unknown)} changes nothing here, so take it out. These keys are "
            f"honoured: {', '.join(PARSERS)}. Notes belong into another extra file.",
        )
    found = {key: parsed(key, value) for key, value in declared.items()}
    if "input_size" in found:
        found["height"], found["width"] = found.pop("input_size")
    spec = replace(default, **found)
    least, most = bounds.min_crop_pct, bounds.max_crop_pct
    if not least <= spec.crop_pct <= most and spec.crop_pct != default.crop_pct:
        raise Rejected(
            "bad_declaration",
            f"{DECLARATION}: crop_pct must be {least:g} to {most:g}, not {spec.crop_pct!r}.",
        )
    sides = (spec.height, spec.width)
    for side in sides:
        is_within = bounds.min_size <= side <= bounds.max_size
        if not is_within and sides != (default.height, default.width):
            raise Rejected(
                "bad_declaration",
                f"{DECLARATION}: input_size must be {bounds.min_size} to {bounds.max_size} pixels "
                f"per side, not {side!r:.20}.",
            )
    return spec


@dataclass(frozen=True)
class Records:
    """The records of one archive by their name below its top folder."""

    archive: zipfile.ZipFile
    infos: dict[str, zipfile.ZipInfo]

    def read(self, name: str, limit: int) -> bytes:
        """One record. Raises `Rejected` where it is longer than `limit` bytes."""
        if self.infos[name].file_size > limit:
            raise Rejected("record_too_large", f"{name!r:.80} is larger than {limit:,} bytes.")
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        try:
            with self.archive.open(self.infos[name]) as record:
                while chunk := record.read(1 << 20):
                    yield chunk
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise Rejected("truncated_zip", f"The record {name!r:.80} cannot be read.") from error
        except Exception as error:  # zlib.error, LZMAError: each codec has its own
            raise Rejected(
                "truncated_zip", f"The record {name!r:.80} cannot be unpacked."
            ) from error

    def refuse_if_unpacked_above(self, limit: int) -> None:
        unpacked = sum(info.file_size for info in self.infos.values())
        if unpacked > limit:
            raise Rejected(
                "too_large_unpacked",
                f"The archive unpacks to {unpacked:,} bytes; at most {limit:,} are allowed.",
            )

    def refuse_unless_torchscript(self) -> None:
        if "model.json" in self.infos:
            raise Rejected(
                "not_torchscript",
                "This archive has the layout of torch 1.2 and older (model.json), which torch no "
                "longer loads. Load it in torch 1.3 or 1.4 and save it again.",
            )
        if "data.pkl" not in self.infos:
            raise Rejected("not_torchscript", f"This zip holds no TorchScript model. {HOW_TO_SAVE}")
        if not any(name.startswith("code/") for name in self.infos):
            raise Rejected(
                "state_dict",
                "This file was written by torch.save: weights or a Python object, without the "
                f"model's code. {HOW_TO_SAVE}",
            )

    def refuse_unless_tidy(self) -> None:
        """Files of the author are small, none is a declaration that is overlooked, debug records
        are what they seem."""
        for name, info in self.infos.items():
            folder, _, own = name.partition("/")
            if folder != "extra":
                continue
            if own != DECLARATION and own.casefold() == DECLARATION:
                raise Rejected(
                    "bad_declaration", f"The extra file {own!r} must be called {DECLARATION}."
                )
            if info.file_size > MAX_EXTRA_BYTES:
                raise Rejected(
                    "extra_file_too_large",
                    f"The extra file {own!r:.80} is larger than {MAX_EXTRA_BYTES >> 10} KB. Leave "
                    "it out or make it smaller.",
                )
        debug = sum(info.file_size for name, info in self.infos.items() if DEBUG.fullmatch(name))
        if debug > MAX_DEBUG_BYTES:
            raise Rejected(
                "record_too_large",
                f"The archive's debug records are larger than {MAX_DEBUG_BYTES:,} bytes.",
            )

    def weights(self) -> tuple[tuple[pickles.Storage, ...], set[int]]:
        """Storages of weights, buffers and constants, each once, and the first sizes of
        their tensors."""
        found: dict[tuple[str, str], pickles.Storage] = {}
        rows: set[int] = set()
        opcodes = iter(range(pickles.MAX_OPCODES))
        left = pickles.MAX_BYTES
        for name in self.infos:
            folder, ending = name[:-4], name[-4:]
            if ending.lower() != ".pkl":  # torch finds a record whatever the case of its name
                continue
            pickle = self.read(name, left)
            left -= len(pickle)
            if folder in ("data", "constants"):  # of traced_inputs torch writes no weights
                held, found_rows = pickles.weights(name, pickle, opcodes)
                rows |= found_rows
                for storage in held:
                    self.refuse_unless_held(storage, f"{folder}/{storage.key}")
                    found[folder, storage.key] = storage
            else:
                pickles.weights(name, pickle, opcodes)
        return tuple(found.values()), rows

    def refuse_unless_held(self, storage: pickles.Storage, record: str) -> None:
        """A storage is as long as its record: torch does not look."""
        info = self.infos.get(record)
        if storage.elements and (info is None or info.file_size < storage.bytes):
            held = f"holds {info.file_size:,}" if info else "is missing"
            raise Rejected(
                "storage_mismatch",
                f"The weights {record!a:.60} take {storage.bytes:,} bytes; their record {held}. "
                "Save and upload the model again.",
            )

    def sources(self) -> list[str]:
        """The archive's code."""
        names = [n for n in self.infos if n.startswith("code/") and n.endswith(".py")]
        if sum(self.infos[name].file_size for name in names) > sources.MAX_BYTES:
            raise Rejected("record_too_large", "The archive's code is too long.")
        return [self.read(name, sources.MAX_BYTES).decode("utf-8", "replace") for name in names]

    def declaration(self) -> dict[str, Any] | None:
        name = f"extra/{DECLARATION}"
        if name not in self.infos:
            return None
        try:
            declared = json.loads(self.read(name, MAX_EXTRA_BYTES), object_pairs_hook=unrepeated)
        except (ValueError, RecursionError) as error:
            raise Rejected("bad_declaration", f"{DECLARATION} is not JSON.") from error
        if not isinstance(declared, dict):
            raise Rejected("bad_declaration", f"{DECLARATION} must be a JSON object.")
        return declared


@contextmanager
def opened(file: Path | BinaryIO) -> Iterator[tuple[BinaryIO, Records]]:
    """The stream and the records of an archive; a stream given is left open. Raises `Rejected`."""
    if isinstance(file, Path):
        with file.open("rb") as stream:
            yield stream, records(stream)
    else:
        yield file, records(file)


def records(stream: BinaryIO) -> Records:
    """The records of a zip without its one top folder. Raises `Rejected`."""
    stream.seek(0)
    head = stream.read(1 << 16)
    if not head:
        raise Rejected("empty_file", f"The file is empty. {HOW_TO_SAVE}")
    try:
        archive = zipfile.ZipFile(Guarded(stream))
        entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        if head.startswith(b"PK\x03\x04"):
            raise Rejected(
                "truncated_zip", "The zip is damaged or cut off. Upload it again."
            ) from error
        if is_pickle(head):
            raise Rejected(
                "python_pickle", f"This is a Python pickle, which is never loaded. {HOW_TO_SAVE}"
            ) from error
        raise Rejected("not_a_zip", f"This is no zip archive. {HOW_TO_SAVE}") from error
    if not has_one_directory(stream):
        raise Rejected(
            "truncated_zip", "The zip has more than one end. Upload the file as torch wrote it."
        )
    if len(entries) > MAX_RECORDS:
        raise Rejected("too_many_records", f"The archive holds more than {MAX_RECORDS:,} records.")
    found: dict[str, zipfile.ZipInfo] = {}
    tops = set()
    for info in entries:
        if info.orig_filename.endswith("/"):
            continue
        top, _, name = info.orig_filename.partition("/")
        if name in found:
            raise Rejected(
                "unsafe_names",
                f"The archive holds the record {name!r:.80} twice. Save the model again.",
            )
        if not is_safe(info.orig_filename):
            raise Rejected(
                "unsafe_names",
                f"The record {info.orig_filename!r:.120} has a name that could lead out of a "
                "folder. Save the model to a file with another name, and extra files under names "
                "without \\ and without . or .. between slashes.",
            )
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Rejected("not_torchscript", f"torch cannot unpack this zip. {HOW_TO_SAVE}")
        tops.add(top)
        found[name] = info
    if len(tops) != 1 or "" in found:
        raise Rejected("not_torchscript", f"This zip holds no TorchScript model. {HOW_TO_SAVE}")
    return Records(archive, found)


class Guarded:
    """A stream for `zipfile`, which reads a central directory of any length before one may ask."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1) -> bytes:
        if size > MAX_DIRECTORY_BYTES:
            raise Rejected("too_many_records", "The archive's list of records is too long.")
        return self.stream.read(size)


def has_one_directory(stream: BinaryIO) -> bool:
    """Whether every reader finds the same list of records: torch and `zipfile` look differently."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - END_64.size - LOCATOR.size - END.size))
    tail = stream.read()
    signature, *_, length, offset, comment = END.unpack(tail[-END.size :])
    before = tail[: -END.size]
    if before[-LOCATOR.size :].startswith(b"PK\x06\x07"):
        where = LOCATOR.unpack(before[-LOCATOR.size :])[2]
        if len(before) < END_64.size + LOCATOR.size or where != size - len(tail):
            return False
        signature_64, *_, length, offset = END_64.unpack(before[: END_64.size])
        if signature_64 != b"PK\x06\x06":
            return False
        size -= END_64.size + LOCATOR.size
    return (signature, comment, offset + length) == (b"PK\x05\x06", 0, size - END.size)


def is_safe(name: str) -> bool:
    """Whether a name in a zip can only mean a place below its target folder."""
    return not set(name) & {"\0", "\\"} and not {"", ".", ".."} & set(name.split("/"))


def is_pickle(head: bytes) -> bool:
    """Whether bytes begin like a Python pickle of any protocol."""
    if head.startswith(b"\x80"):
        return True
    try:
        return any(opcode.name == "STOP" for opcode, _, _ in pickletools.genops(head))
    except Exception:  # genops raises whatever its decoders raise
        return False


def sha256(stream: BinaryIO) -> str:
    """SHA-256 of a whole stream."""
    stream.seek(0)
    digest = hashlib.sha256()
    while chunk := stream.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()


def unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Raises `Rejected` for a key that stands twice: one value would be ignored."""
    if twice := [key for key, times in Counter(key for key, _ in pairs).items() if times > 1]:
        raise Rejected("bad_declaration", f"{DECLARATION}: {some(twice)} stands twice. Keep one.")
    return dict(pairs)


def parsed(key: str, value: Any) -> Any:
    """A declared value of a key that is honoured. Raises `Rejected` naming the key."""
    try:
        return PARSERS[key](value)
    except ValueError as error:
        raise Rejected("bad_declaration", f"{DECLARATION}: {key}: {error}") from error


def some(names: list[str]) -> str:
    """Names for a message, the first few of many, in ASCII."""
    listed = ", ".join(f"{name!a:.60}" for name in names[:5])
    return f"{listed} and {len(names) - 5} more" if len(names) > 5 else listed


def one_of(*allowed: str) -> Any:
    def parse(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"{value!r:.40} is none of {', '.join(allowed)}.")
        return str(value)

    return parse


def three(low: float, high: float) -> Any:
    def parse(value: Any) -> tuple[float, ...]:
        if not isinstance(value, list | tuple) or len(value) != 3:
            raise ValueError("mean and std have three numbers, one per channel.")
        return tuple(number(low, high)(item) for item in value)

    return parse


def number(low: float, high: float) -> Any:
    def parse(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{value!r:.40} is no number.")
        if not low <= value <= high:  # so NaN is refused too
            raise ValueError(f"{value!r:.40} is not between {low:g} and {high:g}.")
        return float(value)

    return parse


def image_size(value: Any) -> tuple[int, int]:
    """Height and width of timm's input_size."""
    if (
        not isinstance(value, list | tuple)
        or len(value) != 3
        or not all(type(side) is int for side in value)
        or value[0] != 3
    ):
        raise ValueError("input_size is [3, height, width].")
    return value[1], value[2]


PARSERS: dict[str, Callable[[Any], Any]] = {
    "input_size": image_size,
    "dtype": one_of(*typing.get_args(Dtype)),
    "interpolation": one_of(*typing.get_args(Interpolation)),
    "crop_pct": number(0, 1000),
    "crop_mode": one_of(*typing.get_args(CropMode)),
    "mean": three(-1000, 1000),
    "std": three(1e-6, 1000),
}

HOW_TO_SAVE = "Upload the file that torch.jit.script(model).save(...) or torch.jit.trace writes."
