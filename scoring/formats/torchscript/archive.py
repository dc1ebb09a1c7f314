"""The static gate: the facts of a TorchScript archive, found without loading it.

Standard library only, and no pickle is ever executed. A TorchScript file is a zip of records below
one top folder:

- `data.pkl` and `constants.pkl` say which object refers to which weights (see `pickles`),
- `data/` and `constants/` hold the weights,
- `code/` holds TorchScript source (see `sources`),
- `extra/` holds files of the author, such as our `featherweight.json`.
"""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from typing import Any, BinaryIO

from scoring.errors import Rejected
from scoring.formats import declarations, structure
from scoring.formats.declarations import DECLARATION
from scoring.formats.torchscript import pickles, slips, sources
from scoring.formats.torchscript.records import Records, found_in
from scoring.job import Device, Model
from scoring.sentences import say

NAME = "torchscript"
MAX_EXTRA_BYTES = 64 << 10
"""Most bytes of one extra file of the author."""
MAX_DEBUG_BYTES = 16 << 20
"""Of all debug records together: they say which line of the author's files a line of code was."""
MAX_RATIO = 10
"""Unpacked bytes to packed bytes. torch itself does not compress."""
SMALL_BYTES = 64 << 20
"""Unpacked bytes below which the ratio is not asked for."""
MAX_ROWS = 1000
"""Most different first sizes that are told. timm's largest nets have about a hundred."""
DEBUG = re.compile(r"code/.+\.py\.debug_pkl")


def opened(stream: BinaryIO) -> Archive:
    """The archive in a stream, which stays open. Raises `Rejected` for what is no such zip."""
    return Archive(found_in(stream))


@dataclass(frozen=True)
class Archive:
    """One TorchScript archive: `formats.contract.Archive`."""

    records: Records

    def facts(self, *, max_unpacked_bytes: int = 2 << 30, device: Device = "cpu") -> Model:
        """The static facts. Raises `Rejected` with a code, also for what `device` cannot run."""
        size = self.records.stream.seek(0, io.SEEK_END)
        self.refuse_if_unpacked_above(min(max_unpacked_bytes, max(SMALL_BYTES, MAX_RATIO * size)))
        self.refuse_unless_torchscript()
        self.refuse_unless_tidy()
        storages, views = self.weights()
        rows = sorted({view.shape[0] for view in views})
        self.declaration()
        code = self.sources()
        return Model(
            sha256=self.records.sha256(),
            format=NAME,
            bytes=size,
            parameters=sum(storage.elements for storage in storages),
            dtypes=tuple(sorted({storage.dtype for storage in storages})),
            operators=sources.operators(code, device),
            devices=slips.devices(code),
            in_training=slips.in_training(code),
            rows=tuple(rows[:MAX_ROWS]),
            structure=structure.fingerprint(
                view.shape for view in views if view.storage.dtype not in structure.NO_WEIGHTS
            ),
        )

    def macs(self, images: tuple[int, ...]) -> None:
        """None: the code must run to tell."""

    def declaration(self) -> dict[str, Any] | None:
        """The archive's `featherweight.json`, or None. Raises `Rejected` (bad_declaration)."""
        name = f"extra/{DECLARATION}"
        if name not in self.records.infos:
            return None
        return declarations.parsed(self.records.read(name, MAX_EXTRA_BYTES))

    def content_hash(self) -> str:
        """SHA-256 of the records' names, sizes and bytes, as hexadecimal digits.

        The order of the records, their time stamps and debug records do not change it.
        """
        digest = hashlib.sha256()
        for name in sorted(self.records.infos):
            if DEBUG.fullmatch(name) or name.startswith(".data/"):
                continue
            digest.update(f"{len(name)}:{name}:{self.records.infos[name].file_size}:".encode())
            for chunk in self.records.chunks(name):
                digest.update(chunk)
        return digest.hexdigest()

    def refuse_if_unpacked_above(self, limit: int) -> None:
        """Raises `Rejected` if all records together take more than `limit` bytes."""
        unpacked = sum(info.file_size for info in self.records.infos.values())
        if unpacked > limit:
            raise Rejected(
                "too_large_unpacked",
                say(
                    "The archive unpacks to %(unpacked)s bytes. The limit is %(limit)s.",
                    unpacked=format(unpacked, ","),
                    limit=format(limit, ","),
                ),
            )

    def refuse_unless_torchscript(self) -> None:
        """Raises `Rejected` for a zip without weights or code, and for torch 1.2 and older."""
        names = self.records.infos
        if "model.json" in names:
            raise Rejected(
                "not_torchscript",
                say(
                    "This archive has the layout of torch 1.2 and older (model.json), "
                    "which torch no longer loads. Load it in torch 1.3 or 1.4 and save "
                    "it again."
                ),
            )
        if "data.pkl" not in names:
            raise Rejected("not_torchscript", say("This zip holds no TorchScript model."))
        if not any(name.startswith("code/") for name in names):
            raise Rejected(
                "state_dict",
                say(
                    "This file was written by torch.save: it holds weights or a Python "
                    "object, without the model's code."
                ),
            )

    def refuse_unless_tidy(self) -> None:
        """Raises `Rejected` for large extra files, misspelt declarations, large debug records."""
        for name, info in self.records.infos.items():
            folder, _, own = name.partition("/")
            if folder != "extra":
                continue
            if own != DECLARATION and own.casefold() == DECLARATION:
                raise Rejected(
                    "bad_declaration",
                    say(
                        "The extra file %(own)s must be called featherweight.json.",
                        own=repr(own),
                    ),
                )
            if info.file_size > MAX_EXTRA_BYTES:
                raise Rejected(
                    "extra_file_too_large",
                    say(
                        "The extra file %(own)s is larger than %(limit)s KB. "
                        "Leave it out or make it smaller.",
                        own=repr(own)[:80],
                        limit=MAX_EXTRA_BYTES >> 10,
                    ),
                )
        infos = self.records.infos.items()
        debug = sum(info.file_size for name, info in infos if DEBUG.fullmatch(name))
        if debug > MAX_DEBUG_BYTES:
            raise Rejected(
                "record_too_large",
                say(
                    "The archive's debug records are larger than %(limit)s bytes.",
                    limit=format(MAX_DEBUG_BYTES, ","),
                ),
            )

    def weights(self) -> tuple[tuple[pickles.Storage, ...], list[pickles.View]]:
        """Storages of weights, buffers and constants, and their tensors, each once."""
        found: dict[tuple[str, str], pickles.Storage] = {}
        views: list[pickles.View] = []
        opcodes = iter(range(pickles.MAX_OPCODES))
        left = pickles.MAX_BYTES
        for name in self.records.infos:
            folder, ending = name[:-4], name[-4:]
            if ending.lower() != ".pkl":  # torch finds a record whatever the case of its name
                continue
            pickle = self.records.read(name, left)
            left -= len(pickle)
            held, seen = pickles.weights(name, pickle, opcodes)
            if folder in ("data", "constants"):  # of traced_inputs torch writes no weights
                views.extend(seen)
                for storage in held:
                    self.refuse_unless_held(storage, f"{folder}/{storage.key}")
                    found[folder, storage.key] = storage
        return tuple(found.values()), views

    def refuse_unless_held(self, storage: pickles.Storage, record: str) -> None:
        """Raises `Rejected` if a record is shorter than its storage: torch does not check this."""
        info = self.records.infos.get(record)
        if not storage.elements or (info and info.file_size >= storage.bytes):
            return
        facts = {"record": ascii(record)[:60], "bytes": format(storage.bytes, ",")}
        if info is None:
            said = say("The weights %(record)s need %(bytes)s bytes, but their record is missing.")
        else:
            said = say(
                "The weights %(record)s need %(bytes)s bytes, but their record has %(held)s.",
                held=format(info.file_size, ","),
            )
        raise Rejected(
            "storage_mismatch", said.about(**facts), say("Save and upload the model again.")
        )

    def sources(self) -> list[str]:
        """The archive's code, one text for each source file. Raises `Rejected`."""
        infos = self.records.infos
        names = [name for name in infos if name.startswith("code/") and name.endswith(".py")]
        if sum(infos[name].file_size for name in names) > sources.MAX_BYTES:
            raise Rejected("record_too_large", say("The archive's code is too long."))
        read = self.records.read
        return [read(name, sources.MAX_BYTES).decode("utf-8", "replace") for name in names]
