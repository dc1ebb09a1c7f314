"""An organizer at a terminal: the contest of the story as a file, and the commands that run it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from django.core.management import call_command

from leaderboard.models import Competition, Submission, Team, User
from tests.leaderboard.contest import playing, story

CONTEST = """\
slug: whole
title: A whole contest
profile:
  {{slug: lab, name: Lab server, published: plain, max_half_width: 0, canary_every_minutes: 0}}
dataset: {{source: images.zip, name: Waste}}
reference: {{file: reference.pt, name: ResNet18-D}}
formula: {{time_weight: {time_weight}, k: {k}, min_quality: {min_quality}}}
input: {{input_height: 24, input_width: 24}}
dates: {{freezes_at: "{freeze}", ends_at: "{end}", late_until: "{late}"}}
teams: {{final_selections: {finals}}}
result: {{release_answers: true, keep_unranked_days: 30}}
rules_of_the_board: {{remeasured_ranks: 0}}
"""


class Console:
    """An organizer's acts by commands."""

    def __init__(self, by: User) -> None:
        self.by = by

    def rescore(self, competition: Competition, formula: dict[str, float]) -> None:
        numbers = [
            part
            for name, value in formula.items()
            for part in (f"--{name.replace('_', '-')}", str(value))
        ]
        self.act("rescore", "propose", *numbers, why="Less time.")
        self.act("rescore", "apply", why="Less time.")

    def merge(self, into: Team, other: Team) -> None:
        self.act("merge", into.name, other.name, why="One laboratory.")

    def disqualify(self, submission: Submission) -> None:
        self.act("disqualify", str(submission.pk), why="A copy.")

    def ban(self, team: Team) -> None:
        self.act("ban", team.name, why="Two teams.")

    def act(self, step: str, *arguments: str, why: str) -> None:
        by = self.by.get_username()
        run("competition", step, "whole", *arguments, "--why", why, "--by", by)

    def publish(self, competition: Competition) -> None:
        # With many teams on a slow machine it is published in the background.
        assert run("competition", "publish", "whole")["state"] in ("closed", "published")


def run(*arguments: str) -> dict[str, Any]:
    """What a command prints as JSON."""
    out = io.StringIO()
    call_command(*arguments, "--json", stdout=out)
    printed: dict[str, Any] = json.loads(out.getvalue())
    return printed


def written(folder: Path, reference: bytes, clock: playing.Clock) -> Path:
    """The contest file with its images and its reference."""
    playing.zipped_images(folder / "images.zip")
    (folder / "reference.pt").write_bytes(reference)
    file = folder / "contest.yaml"
    ends = {"freeze": story.FROZEN, "end": story.END, "late": story.LATE_UNTIL}
    dates = {name: clock.opening + at for name, at in ends.items()}
    file.write_text(CONTEST.format(**story.FIRST, **dates, finals=story.FINALS))
    return file
