"""The backup of a small published contest, as a release leaves it: rows of SQLite, files, keys, and
the boards as everybody reads them.

`make release-dump` writes it for the version of pyproject.toml. Later releases restore it.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tarfile
import tempfile
import tomllib
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[3]
DUMPS = Path(__file__).parent / "dumps"
TEAMS, UPLOADS = 4, 10


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="featherweight-") as name:
        folder = Path(name)
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "leaderboard.settings",
            "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
            "FILES_DIR": f"{folder}/files",
            "CACHE_DIR": f"{folder}/cache",
            "KEYS_DIR": f"{folder}/keys",
            "REDIS_URL": "",
            "DEBUG": "1",
            "LOG_LEVEL": "ERROR",
        }
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        boards = played(folder)
        call_command("backup", f"{folder}/backup", stdout=io.StringIO())
        (folder / "backup" / "boards.json").write_text(json.dumps(boards, indent=1))
        with tarfile.open(target, "w:xz") as packed:
            packed.add(folder / "backup", arcname=".")
    print(f"{target}: {target.stat().st_size / 1e3:.0f} kB")


def played(folder: Path) -> dict[str, object]:
    """Ten uploads of four teams, published and signed; returns the boards."""
    from django.conf import settings
    from django.utils import timezone

    from leaderboard.models import Competition
    from tests.leaderboard.conftest import person
    from tests.leaderboard.contest import comparing, console, members, playing, story

    settings.ALLOWED_HOSTS = ["testserver"]
    organizer = person("organizer", is_staff=True, is_superuser=True)
    clock = playing.Clock(timezone.now())
    model = small_model()
    console.run("import_competition", str(console.written(folder, model, clock)))
    console.run("competition", "calibrate", "whole")
    competition = Competition.objects.get()
    playing.calibrated(competition)
    console.run("competition", "open", "whole")
    competition.refresh_from_db()
    play = playing.Play(
        competition,
        clock,
        members=members.ByService(),
        organizer=console.Console(organizer),
        model=model,
    )
    play.teams = [play.members.form(competition, number) for number in range(TEAMS)]
    for upload in story.uploads()[:UPLOADS]:
        play.send(replace(upload, team=upload.team % TEAMS))
    console.run("competition", "close", "whole")
    play.publish()
    return {board: comparing.told("whole", board) for board in comparing.BOARDS}


def small_model() -> bytes:
    import torch

    class Linear(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 3)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.layer(images.mean([2, 3]))

    target = io.BytesIO()
    torch.jit.save(torch.jit.script(Linear().eval()), target)
    return target.getvalue()


def version() -> str:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return str(told["project"]["version"])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else DUMPS / f"{version()}.tar.xz")
