"""This service's own command and engine as a wheel, so that nobody needs a clone to install them.

A wheel is a zip with a folder of metadata. Everything in it is Python without anything to build.
"""

from __future__ import annotations

import base64
import hashlib
import io
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PARTS = (
    "leaderboard/__init__.py",
    "leaderboard/cli/*.py",
    "leaderboard/locale/*/LC_MESSAGES/*.mo",
    "scoring/**/*.py",
    "scoring/formats/*/operators.txt",
)
"""What the command and the engine need; nothing of the site."""
EXTRAS = ("worker", "onnx", "verify", "zoo")
EPOCH = (2020, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Wheel:
    """A wheel by its file name. The version ends with a hash of the content."""

    name: str
    data: bytes


def built(root: Path) -> Wheel:
    """The wheel of the sources in `root`. Equal sources give equal bytes."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    files = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for pattern in PARTS
        for path in sorted(root.glob(pattern))
    }
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(f"{name} {len(data)}\n".encode() + data)
    version = f"{project['version']}+{digest.hexdigest()[:8]}"
    info = f"{project['name']}-{version}.dist-info"
    files |= {
        f"{info}/METADATA": metadata(project, version).encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: featherweight\n"
        b"Root-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": scripts(project).encode(),
        f"{info}/licenses/LICENSE": (root / "LICENSE").read_bytes(),
    }
    files[f"{info}/RECORD"] = record(files, f"{info}/RECORD").encode()
    return Wheel(f"{project['name']}-{version}-py3-none-any.whl", zipped(files))


def metadata(project: Mapping[str, Any], version: str) -> str:
    """Name, version and what must be installed beside it."""
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {project['name']}",
        f"Version: {version}",
        f"Summary: {project['description']}",
        f"License-Expression: {project['license']}",
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {one}" for one in project["dependencies"]),
    ]
    for extra in EXTRAS:
        lines.append(f"Provides-Extra: {extra}")
        wanted = project["optional-dependencies"][extra]
        lines += [f'Requires-Dist: {one}; extra == "{extra}"' for one in wanted]
    return "\n".join(lines) + "\n"


def scripts(project: Mapping[str, Any]) -> str:
    """The commands that an installation makes."""
    lines = (f"{name} = {target}" for name, target in project["scripts"].items())
    return "\n".join(["[console_scripts]", *lines]) + "\n"


def record(files: Mapping[str, bytes], own: str) -> str:
    """The list of all files with their hashes. The list's own line has none."""

    def lines() -> Iterator[str]:
        for name, data in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            yield f"{name},sha256={digest},{len(data)}"
        yield f"{own},,"

    return "\n".join(lines()) + "\n"


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of files by name. Equal files give equal bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            is_packed = name.endswith(".whl")
            entry.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
            is_script = data.startswith(b"#!")
            entry.external_attr = (0o755 if is_script else 0o644) << 16
            archive.writestr(entry, data)
    return target.getvalue()
