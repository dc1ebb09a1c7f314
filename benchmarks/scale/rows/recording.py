"""A verdict of the team with the longest history; all teams at a publication and another gate."""

from __future__ import annotations

import copy
import random
import time

from benchmarks.scale.measure import Act, figure, timed
from benchmarks.scale.world import World, report
from leaderboard.models import Competition, Entry, Evaluation, Preparation
from leaderboard.services import placing, preparing, recording

TEAMS = 100_000
"""Figures are those of so many teams."""
TRACKS = [
    {"slug": "onnx", "name": "ONNX", "formats": ["onnx"]},
    {"slug": "small", "name": "Small", "max_parameters": 1_000_000},
    {"slug": "students", "name": "Students", "declared": True},
]


@timed("record, a team of 1,000", ms=15, undone=True)
def record(world: World) -> Act:
    evaluation = Evaluation.objects.filter(team=world.busy, state="scored").order_by("-pk")[0]
    Evaluation.objects.filter(pk=evaluation.pk).update(state="running", counts=False, attempt=2)
    running = Evaluation.objects.select_related("submission", "competition", "profile", "team")
    claimed = running.get(pk=evaluation.pk)
    found = report(random.Random(19), 50)
    return lambda: recording.record(copy.copy(claimed), found)


@timed("withdraw or select, the boards of a team of 1,000", ms=15, undone=True)
def decide(world: World) -> Act:
    return lambda: placing.place(world.busy)


@figure("publication of 100,000 teams in the background", unit="s", most=120)
def publication(world: World) -> float:
    Evaluation.objects.unfinished().update(state="cancelled")
    Competition.objects.update(state="closed")
    return prepared(world, None)


@figure("publication, the switch", unit="s", most=1)
def switch(world: World) -> float:
    seconds = switched(world)
    Entry.objects.filter(board="private").delete()
    Competition.objects.update(state="open", published_at=None)
    return seconds


@figure("another gate of 100,000 teams in the background", unit="s", most=120)
def gate(world: World) -> float:
    return prepared(world, 0.7)


@figure("another gate, the switch", unit="s", most=1)
def switch_gate(world: World) -> float:
    return switched(world)


@figure("another gate of 100,000 teams with three tracks in the background", unit="s", most=240)
def gate_with_tracks(world: World) -> float:
    Competition.objects.update(tracks=TRACKS)
    return prepared(world, 0.6)


@figure("another gate with three tracks, the switch", unit="s", most=2)
def switch_tracks(world: World) -> float:
    seconds = switched(world)
    Entry.objects.filter(board__startswith="public.").delete()
    Competition.objects.update(tracks=[])
    return seconds


def prepared(world: World, min_quality: float | None) -> float:
    """Seconds of all batches, as many teams as figures are told for."""
    preparing.begin(world.competition, min_quality=min_quality)
    began = time.perf_counter()
    while preparing.step(world.competition) or preparing.keep_ranks(world.competition):
        pass
    seconds = time.perf_counter() - began
    return seconds * TEAMS / Preparation.objects.get().done


def switched(world: World) -> float:
    began = time.perf_counter()
    done = preparing.switch(world.competition)
    assert done
    return time.perf_counter() - began
