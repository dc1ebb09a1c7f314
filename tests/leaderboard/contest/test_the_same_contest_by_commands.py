"""A whole contest from one file by commands: its boards are those that were computed elsewhere, and
an empty site that takes it over shows the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from leaderboard.models import Competition, User
from tests.leaderboard.contest import comparing, console, freezing, members, playing
from tests.leaderboard.operating.test_a_backup_comes_back_whole import manage

pytestmark = pytest.mark.django_db
ASK = """
from django.test import Client
from django.conf import settings
settings.ALLOWED_HOSTS = ["testserver"]
for board in ("public", "private"):
    url = "/api/v2/competitions/whole/boards/" + board + "?limit=1000"
    print(Client().get(url).content.decode())
from django.core.management import call_command
call_command("diff_competition", "whole", {file!r}, "--json")
"""


def test_one_file_and_commands_lead_to_the_same_boards(
    organizer: User, make_model: Callable[..., bytes], tmp_path: Path
) -> None:
    clock = playing.Clock(playing.opening())
    file = console.written(tmp_path, make_model(seed=1000), clock)
    with clock.told():
        console.run("import_competition", str(file))
        missing = console.run("competition", "status", "whole")["missing"]
        assert missing["code"] == "no_calibration"
        with pytest.raises(CommandError, match="no_calibration"):
            call_command("competition", "open", "whole")
        assert console.run("competition", "calibrate", "whole")["queued"] == 1
        competition = Competition.objects.get()
        playing.calibrated(competition)
        assert (
            console.run("competition", "open", "whole", "--why", "As announced")["state"] == "open"
        )
    competition.refresh_from_db()
    play = playing.Play(
        competition,
        clock,
        members=members.ByService(),
        organizer=console.Console(organizer),
        model=make_model(),
    )
    play.all()
    assert set(play.refused) == {"banned"}
    freezing.nothing_new_is_told(play)
    play.publish()
    comparing.boards_hold(play)
    freezing.all_is_told(play)
    file = tmp_path / "whole.json"
    console.run("export_snapshot", "whole", "--output", str(file))
    comparing.snapshot_holds(play, file)

    # An empty site takes it over: rows and files by a backup, the settings as a file.
    call_command("export_competition", "whole", "--folder", str(tmp_path / "out"))
    call_command("backup", str(tmp_path / "kept"), portable=True)
    other, url = tmp_path / "other", f"sqlite:///{tmp_path}/other/db.sqlite3"
    assert manage(other, url, "restore", f"{tmp_path}/kept").returncode == 0
    asked = ASK.format(file=f"{tmp_path}/out/contest.yaml")
    shown = manage(other, url, "shell", "-v0", "-c", asked)
    *there, same = [json.loads(line) for line in shown.stdout.splitlines()]
    boards = [comparing.told("whole", board) for board in comparing.BOARDS]
    assert [one["results"] for one in there] == boards, shown.stderr
    assert (shown.returncode, same["changes"]) == (0, [])
