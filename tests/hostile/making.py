"""Archives made by hand: an honest one, taken apart, changed and put together again."""

import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

SIZE = 16
CLASSES = ("Metal", "Paper", "Plastic")
HIDDEN, SHOWN = 201, 20
"""The mean pixel of every hidden image, and of every image of the sample."""
SECRET = "CANARY-71c1d5"
"""The content of the file that models must not read."""

CODE, DATA, CONSTANTS = "code/__torch__.py", "data.pkl", "constants.pkl"
FORWARD = "return (self).net(x, )"
IS_HIDDEN = "bool(torch.gt(torch.mean(x), 0.7))"
SEEN = 'torch.add("SEEN-", str(int(torch.round(torch.mul(torch.mean(x), 255.)))))'
"""An expression whose value tells which image it is."""

Records = dict[str, bytes]


@dataclass(frozen=True)
class Place:
    """Files that models reach for: one to read, one to write, one that makes its reader wait."""

    secret: Path
    victim: Path
    fifo: Path


Writer = Callable[[Place], bytes]


class Hostile(nn.Module):
    """An honest network. A change of its archive makes it hostile."""

    __module__ = "__main__"

    seen: dict[str, Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3 * SIZE * SIZE, len(CLASSES))
        self.n = 0
        self.seen = {}

    @torch.jit.export
    def net(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class Loading(nn.Module):
    """Runs code of its own while it is loaded."""

    __module__ = "__main__"

    def __init__(self) -> None:
        super().__init__()
        self.n = 0

    @torch.jit.export
    def __getstate__(self) -> tuple[int, bool]:
        return (self.n, self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[int, bool]) -> None:
        self.n = state[0]
        self.training = state[1]
        print("here")

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, :3]


@cache
def honest_file() -> bytes:
    """The file as torch writes it."""
    return saved(Hostile)


def saved(model: type[nn.Module]) -> bytes:
    """A TorchScript file of a model, always with the same weights."""
    torch.manual_seed(0)
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(model().eval()), file)
    return file.getvalue()


def honest() -> Records:
    """The records of the honest archive by their names below the top folder, without debug
    records."""
    return unpacked(honest_file())


def unpacked(file: bytes) -> Records:
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        return {
            name.partition("/")[2]: archive.read(name)
            for name in archive.namelist()
            if not name.endswith(".debug_pkl")
        }


def packed(records: Records, compression: int = zipfile.ZIP_STORED, top: str = "archive") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in records.items():
            archive.writestr(f"{top}/{name}", data)
    return file.getvalue()


def code(*lines: str, returns: str = "Tensor", methods: str = "", classes: str = "") -> Writer:
    """The honest archive with another body of `forward`.

    It ends like the honest body, unless it returns before. `<secret>`, `<victim>`, `<fifo>`,
    `<hidden>` and `<seen>` are replaced.
    """

    def write(place: Place) -> bytes:
        body = list(lines)
        if not body[-1].startswith("return "):
            body.append(FORWARD)
        records = honest()
        source = records[CODE].decode().replace(FORWARD, "\n    ".join(body))
        source = source.replace("x: Tensor) -> Tensor:", f"x: Tensor) -> {returns}:", 1)
        source = classes + source + methods
        for name, value in spoken(place).items():
            source = source.replace(f"<{name}>", value)
        return packed(records | {CODE: source.encode()})

    return write


def loading(*lines: str) -> Writer:
    """An archive that runs lines while it is loaded. The lines can use `state`; no image is there
    yet."""

    def write(place: Place) -> bytes:
        found = unpacked(saved(Loading))
        body = "\n    ".join(lines)
        for name, value in spoken(place).items():
            body = body.replace(f"<{name}>", value)
        change = replaced(b'print("here")', body.encode())
        return packed(found | {CODE: change(found[CODE])})

    return write


def spoken(place: Place) -> dict[str, str]:
    files = {name: str(getattr(place, name)) for name in ("secret", "victim", "fifo")}
    return files | {"hidden": IS_HIDDEN, "seen": SEEN}


def records(**changed: bytes | Callable[[bytes], bytes]) -> Writer:
    """The honest archive with other records: `data`, `constants`, `code`, `version`, `extra`."""
    names = {
        "data": DATA,
        "constants": CONSTANTS,
        "code": CODE,
        "weight": "data/0",
        "extra": "extra/notes.bin",
    }

    def write(place: Place) -> bytes:
        found = honest()
        for key, change in changed.items():
            name = names.get(key, key)
            found[name] = change(found[name]) if callable(change) else change
        return packed(found)

    return write


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """A change that replaces bytes. They must be there exactly once."""

    def change(data: bytes) -> bytes:
        assert data.count(old) == 1, (old, data.count(old))
        return data.replace(old, new)

    return change


def weight(offset: int, sizes: tuple[int, ...], strides: tuple[int, ...], held: int = 0) -> Writer:
    """The honest archive whose weight has another place in its storage.

    The storage says that it has `held` numbers.
    """

    def number(value: int) -> bytes:
        return b"\x8a\x08" + struct.pack("<q", value)

    def numbers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(number, values)) + b"t"

    def change(data: bytes) -> bytes:
        honestly = b"K\x00(K\x03M\x00\x03t(M\x00\x03K\x01t"
        data = replaced(honestly, number(offset) + numbers(sizes) + numbers(strides))(data)
        if not held:
            return data
        return replaced(b"M\x00\x09tQ", number(held) + b"tQ")(data)

    return records(data=change)


def attribute(name: str, value: bytes) -> Writer:
    """The honest archive with an attribute of another type than the code declares.

    Of two equal keys the last one counts.
    """
    key = b"X" + struct.pack("<I", len(name)) + name.encode()
    end = b"ubq\x17." if name in ("n", "seen") else b"h\x02Nub"
    return records(data=replaced(end, end.replace(b"ub", key + value + b"ub")))


def whole(change: Callable[[bytes], bytes]) -> Writer:
    """The whole honest file with its bytes changed."""
    return lambda place: change(honest_file())


def with_entries(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> Writer:
    """The honest archive with more entries, whatever their names."""

    def write(place: Place) -> bytes:
        file = io.BytesIO(packed(honest()))
        with zipfile.ZipFile(file, "a") as archive:
            for name, data in entries:
                archive.writestr(name, data)
        return file.getvalue()

    return write


def central(name: bytes, change: Callable[[bytearray, int], Any]) -> Callable[[bytes], bytes]:
    """Change the entries of the list of records that end in `name`; `change` gets where each is."""

    def changed(data: bytes) -> bytes:
        found, at = bytearray(data), 0
        while (at := found.find(b"PK\x01\x02", at)) >= 0:
            length = struct.unpack_from("<H", found, at + 28)[0]
            if found[at + 46 : at + 46 + length].endswith(name):
                change(found, at)
            at += 4
        return bytes(found)

    return changed


def lying(size: int) -> Callable[[bytearray, int], Any]:
    """An entry's sizes, packed and unpacked."""
    return lambda found, at: struct.pack_into("<II", found, at + 20, size, size)


def called(module: str, name: str, *arguments: str) -> bytes:
    """A pickle that calls a function with strings."""
    said = b"".join(pickle.dumps(one, 2)[2:-3] for one in arguments)
    return f"c{module}\n{name}\n(".encode() + said + b"tR"
