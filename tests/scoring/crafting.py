"""Archives of TorchScript made by hand or made anew, and what the gate says of them."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from scoring import formats
from scoring.errors import Rejected


def content_hash(data: io.BytesIO) -> str | None:
    return formats.inspect(data, with_content_hash=True).content_sha256


def refusal(data: bytes, **limits: Any) -> str:
    with pytest.raises(Rejected) as refused:
        formats.inspect(io.BytesIO(data), **limits)
    return refused.value.code


def saved(value: object, zipped: bool = True) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream, _use_new_zipfile_serialization=zipped)
    return stream.getvalue()


def repacked(path: Path, records: Mapping[str, bytes], top: str = "other") -> io.BytesIO:
    """The same archive with another top folder, other time stamps and more records."""
    result = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            new.writestr(f"{top}/{name.partition('/')[2]}", old.read(name))
        for name, data in records.items():
            new.writestr(name, data)
    return result


STORAGE = b"(X\x07\0\0\0storageX\x0c\0\0\0FloatStorageX\x01\0\0\0" + b"0X\x03\0\0\0cpuK\x05tQ"
"""Five floats of the record data/0."""


MODEL = b"\x80\x02" + STORAGE + b"."


def crafted(pickle: bytes, code: bytes = b"", **records: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("m/data.pkl", pickle)
        made.writestr("m/code/m.py", code)
        for name, data in ({"data/0": bytes(20)} | records).items():
            made.writestr(f"m/{name}", data)
    return stream.getvalue()
