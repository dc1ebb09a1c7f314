"""The story is played on a site: verdicts through the service that workers use, teams and
organizers through doors of the test's choice. The clock is invented.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from unittest import mock

import torch
from django.utils import timezone
from PIL import Image

from leaderboard.models import Competition, Evaluation, Happening, Submission, Team
from leaderboard.services import (
    measurements,
    preparing,
    ranges,
    recording,
    running,
    snapshots,
    sweeping,
    versions,
)
from leaderboard.throttling import WriteThrottle
from scoring.job import Plan, Quad, Report
from scoring.quality import metrics
from scoring.timing import publication
from tests.leaderboard.conftest import CLASSES, failure, report
from tests.leaderboard.contest import recomputed, story
from tests.leaderboard.contest.recomputed import Facts
from tests.leaderboard.contest.story import Upload
from tests.scoring.invented_quads import measurement

PLAN = Plan(min_quads=story.QUADS, min_segments=story.SEGMENTS, published="plain")


class Members(Protocol):
    """What teams do in the story. A refusal is returned as its code."""

    def form(self, competition: Competition, number: int) -> Team: ...
    def send(self, team: Team, file: bytes) -> tuple[int | None, str]: ...
    def withdraw(self, submission: Submission) -> None: ...
    def select(self, team: Team, submissions: list[int]) -> None: ...
    def have_called(self, team: Team, events: list[str]) -> None: ...


class Organizer(Protocol):
    """What an organizer does in the story."""

    def rescore(self, competition: Competition, formula: dict[str, float]) -> None: ...
    def merge(self, into: Team, other: Team) -> None: ...
    def disqualify(self, submission: Submission) -> None: ...
    def ban(self, team: Team) -> None: ...
    def publish(self, competition: Competition) -> None: ...


# Files


def zipped_images(path: Path) -> None:
    """Small pictures in the three splits, a colour to each class."""
    number = 0
    with zipfile.ZipFile(path, "w") as archive:
        for split, count in {"sample": 12, **story.IMAGES}.items():
            for _ in range(count // story.CLASSES):
                number += 1
                for index, label in enumerate(CLASSES):
                    picture, colour = io.BytesIO(), [20, 20, 20]
                    colour[index], colour[index - 1] = 230, 20 + number
                    Image.new("RGB", (24, 18), tuple(colour)).save(picture, "PNG")
                    archive.writestr(f"{split}/{label}/{number:04}.png", picture.getvalue())


class Files:
    """Model files of a few bytes: one net with other weights each time."""

    def __init__(self, model: bytes) -> None:
        self.net = torch.jit.load(io.BytesIO(model))

    def model(self, number: int) -> bytes:
        target = io.BytesIO()
        with torch.no_grad():
            self.net.layer.bias.fill_(number)
        torch.jit.save(self.net, target)
        return target.getvalue()


# Verdicts


def quads_of(model: int) -> list[Quad]:
    one = story.model(model)
    return [
        Quad(
            at_seconds=float(number),
            segment=segment,
            reference_seconds=float(reference),
            reference_images=100,
            submission_seconds=float(submission),
            submission_images=100,
            reference_cpu_seconds=float(reference),
            submission_cpu_seconds=float(submission),
            whole_pass=True,
        )
        for number, (segment, reference, submission) in enumerate(
            zip(story.segments(), one.reference_seconds, one.submission_seconds, strict=True)
        )
    ]


def found(model: int) -> Report:
    """What the engine would report of a model's answers and quads."""
    known, answers = report(), story.model(model).answers
    splits = {
        name: replace(
            known.splits[name],
            images=len(given),
            quality=metrics.macro_f1(story.labels(name), given, story.CLASSES),
        )
        for name, given in answers.items()
    }
    timing = publication.summary(measurement(*quads_of(model)), PLAN, is_calibration=model < 0)
    quality_ref = splits["public"].quality
    return replace(known, splits=splits, timing=timing, quality_ref=quality_ref)


def calibrated(competition: Competition) -> None:
    """Let a worker end the calibration that waits."""
    claimed = running.claim(competition.profile)
    assert claimed
    assert claimed.kind == Evaluation.Kind.CALIBRATION
    recording.record(claimed, found(-1), story.model(-1).answers)


def verdict(competition: Competition, upload: Upload) -> None:
    """Let a worker take the upload that waits. It is shared, fails or is scored."""
    claimed = running.claim(competition.profile)
    assert claimed
    if stored := measurements.stored(claimed):
        recording.record_stored(claimed, stored)
    elif upload.fails:
        recording.record(claimed, failure())
    else:
        recording.record(claimed, found(upload.model), story.model(upload.model).answers)
    # Databases use the machine's clock.
    Evaluation.objects.filter(pk=claimed.pk).update(finished_at=timezone.now())


# The course of the contest


class Clock:
    """The time of the story, which the service reads. It begins in the past of the clock of the
    machine."""

    def __init__(self, opening: datetime) -> None:
        self.opening, self.now = opening, opening

    def set(self, at: timedelta) -> None:
        self.now = self.opening + at

    @contextmanager
    def told(self) -> Iterator[None]:
        def now() -> datetime:
            return self.now

        with mock.patch.object(timezone, "now", now):
            yield


def opening() -> datetime:
    """A moment so long ago that the whole story lies in the past."""
    return timezone.now() - story.END - timedelta(days=2)


class Play:
    """The contest on one site. It remembers rows by the numbers of the story."""

    def __init__(
        self,
        competition: Competition,
        clock: Clock,
        *,
        members: Members,
        organizer: Organizer,
        model: bytes,
    ) -> None:
        self.competition, self.clock = competition, clock
        self.members, self.organizer = members, organizer
        self.files = Files(model)
        self.teams: list[Team] = []
        self.submissions: dict[int, int] = {}
        """The key of a submission by the number of its upload."""
        self.sent: list[Upload] = []
        """Scored in time."""
        self.out: set[int] = set()
        self.banned: int | None = None
        self.refused: list[str] = []
        self.selected: dict[int, tuple[int, ...]] = {}
        self.merged: dict[int, int] = {}
        self.formula = story.FIRST
        self.until: timedelta | None = story.FROZEN
        self.called: dict[int, int | None] = {}
        """The rank at the freeze of a team that has an address called."""

    @property
    def facts(self) -> Facts:
        left = tuple(one for one in self.sent if one.number not in self.out)
        return Facts(self.formula, left, self.selected, self.merged, self.until)

    @property
    def ranks(self) -> dict[int, int | None]:
        """The public rank of each team."""
        return {row.team: row.rank for row in recomputed.board(self.facts, "public")}

    def all(self) -> None:
        """Play everything from the opening to the last late upload."""
        acts = {
            story.RESCORED: self.rescore,
            story.MERGED: self.merge,
            story.DISQUALIFIED: self.disqualify,
            story.BANNED: self.ban,
            story.FROZEN: self.freeze,
            story.WITHDRAWN: self.withdraw,
            story.SELECTED: self.select,
            story.END: self.end,
        }
        events: list[tuple[timedelta, Upload | Callable[[], None]]] = [*acts.items()]
        events += [(one.at, one) for one in story.uploads()]
        with mock.patch.object(WriteThrottle, "rate", "100000/min"), self.clock.told():
            form = self.members.form
            self.teams = [form(self.competition, number) for number in range(story.TEAMS)]
            # A default of a column asks the machine's clock.
            Team.objects.update(created_at=self.clock.opening)
            for at, event in sorted(events, key=lambda one: one[0]):
                self.clock.set(at)
                if isinstance(event, Upload):
                    self.send(event)
                else:
                    event()

    def send(self, upload: Upload) -> None:
        file = self.files.model(upload.model)
        key, code = self.members.send(self.teams[upload.team], file)
        if key is None:
            assert self.team(upload) == self.banned, code
            self.refused.append(code)
            return
        self.submissions[upload.number] = key
        before = versions.of(self.competition, "public")
        verdict(self.competition, upload)
        if upload.at >= story.FROZEN:
            assert versions.of(self.competition, "public") == before
        if not upload.fails and not upload.is_late:
            self.sent.append(upload)

    def team(self, upload: Upload) -> int:
        return self.merged.get(upload.team, upload.team)

    def submission(self, number: int) -> Submission:
        return Submission.objects.get(pk=self.submissions[number])

    def rescore(self) -> None:
        self.organizer.rescore(self.competition, story.SECOND)
        self.competition.refresh_from_db()
        assert self.competition.formula_version == 2
        self.formula = story.SECOND

    def merge(self) -> None:
        into, other = story.MERGING
        self.organizer.merge(self.teams[into], self.teams[other])
        assert not Team.objects.filter(pk=self.teams[other].pk).exists()
        self.teams[other], self.merged[other] = self.teams[into], into

    def disqualify(self) -> None:
        """Disqualify the submission of the leader, as a copy of another model."""
        leader = recomputed.board(self.facts, "public")[0].upload
        self.organizer.disqualify(self.submission(leader))
        self.out.add(leader)

    def ban(self) -> None:
        """Ban the first team that still wants to send something."""
        now = self.clock.now - self.clock.opening
        coming = {self.team(one) for one in story.uploads() if now < one.at}
        rows = recomputed.board(self.facts, "public")
        self.banned = next(row.team for row in rows if row.team in coming)
        self.organizer.ban(self.teams[self.banned])

    def freeze(self) -> None:
        """Freeze the public board. From now on some teams have an address called."""
        Happening.objects.all().delete()  # what was told before is no matter of this story
        for number in story.CALLED:
            self.members.have_called(self.teams[number], ["scored", "rank_changed"])
            self.called[number] = self.ranks[number]

    def withdraw(self) -> None:
        """Withdraw a submission. The decision also changes the frozen board."""
        first = next(one for one in self.facts.sent if one.team == story.WITHDRAWING)
        self.members.withdraw(self.submission(first.number))
        self.out.add(first.number)

    def select(self) -> None:
        for team in story.SELECTING:
            chosen = [one.number for one in self.facts.sent if one.team == team][: story.FINALS]
            self.members.select(self.teams[team], [self.submissions[one] for one in chosen])
            self.selected[team] = tuple(chosen)

    def end(self) -> None:
        """Pass the end of the contest. The service closes it by itself."""
        sweeping.sweep()
        self.competition.refresh_from_db()
        assert self.competition.state == Competition.State.CLOSED

    def publish(self) -> None:
        """Publish by the clock of the machine, which databases use, too.

        Then the last ranges are computed, and the signed file is made.
        """
        with mock.patch.object(ranges, "PAUSE", 0):
            ranges.renew_all()
            self.organizer.publish(self.competition)
            preparing.go_on(self.competition, seconds=60)  # on a slow machine it is under way
            ranges.renew_all()
        snapshots.go_on(seconds=60)
        self.competition.refresh_from_db()
        assert self.competition.is_published
        self.until = None
