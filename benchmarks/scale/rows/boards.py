"""Boards as pages, JSON and CSV, the reader's own rank, and the history of a team."""

from __future__ import annotations

import math
import time
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from benchmarks.scale.measure import Act, figure, timed
from benchmarks.scale.world import SLUG, World, get
from leaderboard.models import Entry
from leaderboard.services import rankings, versions

PAGE = f"/competitions/{SLUG}/boards/public/"
API = f"/api/v2/competitions/{SLUG}/boards/public"
BAR, FLAT = 40, 2
CHOSEN = 60
"""Rows that are searched, filtered or sorted are made for each reader."""


@timed("board, first page", ms=BAR, flat=FLAT)
def first_page(world: World) -> Act:
    return lambda: get(world.visitor, PAGE)


@timed("board, middle page", ms=BAR, flat=FLAT)
def middle_page(world: World) -> Act:
    page = max(1, Entry.objects.filter(board="public").count() // 200)
    return lambda: get(world.visitor, f"{PAGE}?page={page}")


@timed("board, last page", ms=BAR, flat=FLAT)
def last_page(world: World) -> Act:
    page = -(-Entry.objects.filter(board="public").count() // 100)
    return lambda: get(world.visitor, f"{PAGE}?page={page}")


@timed("board, first page for a member", ms=BAR, flat=FLAT)
def members_page(world: World) -> Act:
    return lambda: get(world.member, PAGE)


def add(name: str, query: str) -> None:
    """Add a row for a board that is filtered, searched or sorted by another column."""

    @timed(f"board, {name}", ms=CHOSEN)
    def page(world: World) -> Act:
        return lambda: get(world.visitor, f"{PAGE}?{query}")


for name, query in (
    ("sorted by time", "sort=time"),
    ("sorted by team", "sort=team"),
    ("sorted by MACs", "sort=macs"),
    ("sorted by last upload", "sort=-last"),
    ("sorted by quality, one in fifty", "sort=-quality&format=onnx"),
    ("one in fifty", "format=onnx"),
    ("nobody", "format=other&sort=size"),
    ("only tied", "tied=1"),
    ("searched", "q=team+1"),
    ("other columns", "columns=parameters,size,entries,last"),
):
    add(name, query)


@timed("board, sorted by time, in the middle", ms=CHOSEN)
def sorted_middle(world: World) -> Act:
    entries = Entry.objects.filter(board="public").order_by("time_ratio")
    key = entries[entries.count() // 2].pk
    return lambda: get(world.visitor, f"{PAGE}?sort=time&after={key}")


@timed("race", ms=CHOSEN)
def race(world: World) -> Act:
    return lambda: get(world.visitor, f"/competitions/{SLUG}/race/")


@timed("race, as of an earlier moment", ms=CHOSEN)
def race_before(world: World) -> Act:
    at = (timezone.now() - timedelta(days=2)).isoformat(timespec="minutes").replace("+", "%2B")
    return lambda: get(world.visitor, f"/competitions/{SLUG}/race/?as_of={at}")


@timed("scoring, with figures", ms=CHOSEN)
def figures(world: World) -> Act:
    return lambda: get(world.visitor, f"/competitions/{SLUG}/scoring/?quality=0.7&ratio=0.5")


@timed("home", ms=BAR, flat=FLAT)
def home(world: World) -> Act:
    return lambda: get(world.visitor, "/")


@timed("board, first page after a change")
def changed_page(world: World) -> Act:
    """What the first reader of a new version of a board waits for. The change itself counts,
    too."""

    def act() -> None:
        versions.change(world.competition.pk)
        get(world.visitor, PAGE)

    return act


@timed("board, JSON of the first 100", ms=BAR, flat=FLAT)
def api_first(world: World) -> Act:
    return lambda: get(world.visitor, API)


@timed("board, JSON of the last 100", ms=BAR, flat=FLAT)
def api_last(world: World) -> Act:
    offset = max(0, Entry.objects.filter(board="public").count() - 100)
    return lambda: get(world.visitor, f"{API}?offset={offset}")


@timed("own rank", ms=5)
def own_rank(world: World) -> Act:
    entries = Entry.objects.filter(board="public", is_ranked=True).order_by("-score")
    last = entries[entries.count() // 10]
    return lambda: rankings.rank(last)


@figure("board, CSV, seconds per 100,000 rows", unit="s", most=3)
def csv_seconds(world: World) -> float:
    for _ in csv_chunks(world):
        pass  # work that is done once must not be multiplied below
    began = time.perf_counter()
    lines = sum(chunk.count(b"\n") for chunk in csv_chunks(world))
    if lines < 5_000:
        return math.nan  # so few lines take no longer than any request
    return (time.perf_counter() - began) / lines * 100_000


@figure("board, CSV, growth of memory", unit="MB", most=20)
def csv_memory(world: World) -> float:
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = resident("VmRSS")
    for _ in csv_chunks(world):
        pass
    return resident("VmHWM") - before


def csv_chunks(world: World) -> list[bytes]:
    return get(world.visitor, f"{API}.csv")  # type: ignore[return-value]


def resident(name: str) -> float:
    """Megabytes that the kernel tells of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise LookupError(name)


@timed("submissions of a team of 1,000")
def history(world: World) -> Act:
    return lambda: get(world.member, f"/competitions/{SLUG}/submissions/")
