"""An organizer at a terminal: the contest of the story as a file, and the commands that run it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from django.core.management import call_command

from leaderboard.models import Competition, Rescore, Submission, Team, User
from leaderboard.services import bans, merging, rescoring, submissions
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
    """An organizer's acts by services and commands."""

    def __init__(self, by: User) -> None:
        self.by = by

    def rescore(self, competition: Competition, formula: dict[str, float]) -> None:
        proposed = rescoring.propose(
            rescore=Rescore(competition=competition, quality_ref=None, why="Less time.", **formula),
            by=self.by,
        )
        rescoring.apply(rescore=proposed, by=self.by)

    def merge(self, into: Team, other: Team) -> None:
        merging.merge(into=into, other=other, reason="One laboratory.", by=self.by)

    def disqualify(self, submission: Submission) -> None:
        submissions.disqualify(submission=submission, reason="A copy.", by=self.by)

    def ban(self, team: Team) -> None:
        bans.ban(team=team, person=None, reason="Two teams.", by=self.by)

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
