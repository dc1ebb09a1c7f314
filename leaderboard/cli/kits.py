"""Download a starter kit and its sample."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from leaderboard.cli.languages import gettext
from leaderboard.cli.server import REFUSED, WRONG_USAGE, Server, Trouble

MOST_BYTES = 50 << 20
"""Most bytes of a kit, unpacked."""


def fetch(server: Server, slug: str, place: Path) -> Path:
    """Unpack a kit into a new folder in `place`. Raises `Trouble`, also if the folder is there."""
    folder = place / f"{slug}-kit"
    if folder.exists():
        sentence = gettext("%(folder)s already exists. Move it away first.")
        raise Trouble(WRONG_USAGE, sentence % {"folder": folder}, "folder_exists")
    with tempfile.TemporaryDirectory(prefix="featherweight-") as holder:
        path = Path(holder) / "kit.zip"
        server.save(f"competitions/{slug}/kit", path)
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            is_inside = all(name.startswith(f"{folder.name}/") for name in archive.namelist())
            if size > MOST_BYTES or not is_inside:
                sentence = gettext("The server did not send a starter kit.")
                raise Trouble(REFUSED, sentence, "unexpected_answer")
            archive.extractall(place)  # zipfile takes parent folders out of the names
    for script in folder.rglob("*.sh"):
        script.chmod(0o755)
    return folder


def fetch_sample(server: Server, slug: str, told: dict[str, Any], folder: Path) -> None:
    """Write the sample into a kit's folder. Raises `Trouble` for another checksum."""
    fetch_file(server, f"competitions/{slug}/sample", folder / f"{slug}-sample.zip", told)


def fetch_file(server: Server, address: str, path: Path, told: dict[str, Any]) -> None:
    """Write a file whose checksum the server told. Raises `Trouble` if the file has another one."""
    server.save(address, path)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 != told["sha256"]:
        path.unlink()
        sentence = gettext("%(file)s arrived damaged. Start the command again.")
        raise Trouble(REFUSED, sentence % {"file": path.name}, "damaged_file")
