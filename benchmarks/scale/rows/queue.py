"""What workers and those who wait ask of the queue."""

from __future__ import annotations

import multiprocessing
import time
from typing import Any

from django.db import connection, connections, transaction

from benchmarks.scale.measure import Act, figure, timed
from benchmarks.scale.world import World, get
from leaderboard.models import Evaluation, HardwareProfile, Team
from leaderboard.services import running, turns

SECONDS = 3.0
"""How long the claimers take; what they took waits again afterwards."""


@timed("queue: claim", ms=10, flat=2, undone=True)
def claim(world: World) -> Act:
    return lambda: running.claim(world.profile)


@timed("queue: place in the line, anew", ms=10)
def place(world: World) -> Act:
    """Each waiting team is read once. A larger world has more of them, so that this is not flat;
    it is kept for two seconds, and the status below is flat."""
    last = Evaluation.objects.queued(world.profile).last()
    assert last
    return lambda: turns.position(last)


@timed("queue: status by the API", ms=10, flat=2)
def poll(world: World) -> Act:
    mine = Evaluation.objects.queued(world.profile).filter(team=world.busy).last()
    assert mine
    return lambda: get(world.member, f"/api/v2/submissions/{mine.submission_id}")


@figure("queue: claims by 8 workers", unit="/s", least=300)
def claims_of_8(world: World) -> float:
    return claims(world, 8)


@figure("queue: claims by 64 workers", unit="/s", least=300)
def claims_of_64(world: World) -> float:
    return claims(world, 64)


def claims(world: World, workers: int) -> float:
    """Claims in a second of so many processes. Raises `AssertionError` if one was claimed twice."""
    connections.close_all()
    context = multiprocessing.get_context("fork")
    start, found = context.Barrier(workers + 1), context.Queue()
    claimers = [
        context.Process(target=claimer, args=(world.profile, start, found)) for _ in range(workers)
    ]
    for one in claimers:
        one.start()
    start.wait()
    began = time.perf_counter()
    taken = [key for _ in claimers for key in found.get()]
    seconds = time.perf_counter() - began
    for one in claimers:
        one.join()
    assert len(set(taken)) == len(taken), "one was taken twice"
    Evaluation.objects.filter(pk__in=taken).update(
        state=Evaluation.State.QUEUED, attempt=0, claimed_at=None, lease_expires_at=None
    )
    for team in Team.objects.exclude(running=0):
        turns.settle(team.pk)
    return len(taken) / seconds


def claimer(profile: HardwareProfile, start: Any, found: Any) -> None:
    """Claim for `SECONDS`, and tell the keys. It has claimed before, as a worker in service."""
    with transaction.atomic():
        running.claim(profile)
        transaction.set_rollback(True)
    taken: list[int] = []
    start.wait()
    until = time.perf_counter() + SECONDS
    while time.perf_counter() < until and (one := running.claim(profile)):
        taken.append(one.pk)
    connection.close()
    found.put(taken)
