"""The boards of the story, computed again by NumPy and SciPy alone, from answers and seconds.

Nothing is imported from the service: the formulas stand here a second time, as docs/results.md,
docs/measurement.md and scoring/timing/MEASUREMENT.md state them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import ROUND_CEILING, Context
from functools import lru_cache

import numpy as np
from scipy import special, stats

from tests.leaderboard.contest import story
from tests.leaderboard.contest.story import Floats, Upload, Whole

DRAWS = 1000


@dataclass(frozen=True)
class Facts:
    """What happened in the contest, by numbers of uploads and teams."""

    formula: dict[str, float]
    sent: tuple[Upload, ...]
    """What was accepted and scored in time, and is neither withdrawn nor disqualified."""
    selected: dict[int, tuple[int, ...]]
    """By team."""
    merged: dict[int, int]
    """The team that another one has joined."""
    until: timedelta | None = None
    """Uploads before this stand on the public board; None: all do."""


@dataclass(frozen=True)
class Row:
    rank: int | None
    team: int
    upload: int
    score: float
    score_half_width: float
    quality: float
    time_ratio: float
    is_tied: bool
    likely: tuple[int, int] | None = None


# One model


def macro_f1(labels: Whole, answers: Whole) -> float:
    """The mean over the classes of 2 right / (images + answered)."""
    parts = []
    for label in range(story.CLASSES):
        right = int(((labels == label) & (answers == label)).sum())
        both = int((labels == label).sum() + (answers == label).sum())
        parts.append(2 * right / both if both else 0.0)
    return sum(parts) / story.CLASSES


@lru_cache(maxsize=512)
def quality(model: int, split: str) -> float:
    return macro_f1(story.labels(split), story.model(model).answers[split])


@lru_cache(maxsize=512)
def ratio(model: int) -> tuple[float, float]:
    """The plain time ratio and its half-width: a trimmed mean of the quads' log ratios.

    The interval is the larger one of quads as if independent, widened by 1.3, and cluster-robust
    by segment; 0.4 % between runs are added in quadrature.
    """
    one = story.model(model)
    logs = np.log(one.submission_seconds / one.reference_seconds)
    count, cut = len(logs), int(0.2 * len(logs))
    center = stats.trim_mean(logs, 0.2)
    clipped = np.asarray(stats.mstats.winsorize(logs, limits=(0.2, 0.2)))
    influence = (clipped - clipped.mean()) / (1 - 2 * 0.2)
    alone = math.sqrt((influence**2).sum() / (count * (count - 1)))
    half = 1.3 * stats.t.ppf(0.975, count - 2 * cut - 1) * alone
    sums = np.bincount(story.segments(), weights=influence) / count
    groups = len(sums)
    clustered = math.sqrt((sums**2).sum() * groups / (groups - 1))
    half = math.hypot(max(half, stats.t.ppf(0.975, groups - 1) * clustered), 2 * 0.004)
    told = math.exp(center)
    width = Context(prec=2, rounding=ROUND_CEILING).create_decimal(f"{told * math.expm1(half):.6g}")
    return round(told, 4), float(width)


def reference_quality() -> float:
    return round(quality(-1, "public"), 4)


def score(model: int, split: str, formula: dict[str, float]) -> float:
    away = formula["k"] * (reference_quality() - quality(model, split))
    return round(formula["time_weight"] * ratio(model)[0] + float(special.expit(away)), 6)


# Boards


def board(facts: Facts, split: str) -> list[Row]:
    """The rows of a board in order: ranked before unranked, by score, then by upload."""
    if split == "public" and facts.until is not None:
        facts = replace(facts, sent=tuple(one for one in facts.sent if one.at < facts.until))
    gate = facts.formula["min_quality"]
    public = {team: best_first(some, facts, "public") for team, some in by_team(facts).items()}
    rows = []
    for team, some in public.items():
        if split == "private":
            chosen = [one for one in some if one.number in facts.selected.get(team, ())]
            some = best_first(chosen or some[: story.FINALS], facts, "private")
        best = some[0]
        half = facts.formula["time_weight"] * ratio(best.model)[1]
        points = score(best.model, split, facts.formula)
        is_below = quality(best.model, split) < gate
        rows.append((is_below, points, best.at, team, best, half))
    found: list[Row] = []
    above: tuple[float, float] | None = None
    in_order = sorted(rows, key=lambda row: row[:3])
    for place, (is_below, points, _, team, best, half) in enumerate(in_order, start=1):
        is_tied = False
        if above and not is_below:
            is_tied = abs(points - above[0]) <= math.hypot(half, above[1]) + 1e-12
        rank, told = None if is_below else place, quality(best.model, split)
        time = ratio(best.model)[0]
        found.append(Row(rank, team, best.number, points, half, told, time, is_tied))
        above = points, half
    return found


def by_team(facts: Facts) -> dict[int, list[Upload]]:
    found: dict[int, list[Upload]] = {}
    for one in facts.sent:
        found.setdefault(facts.merged.get(one.team, one.team), []).append(one)
    return found


def best_first(some: Sequence[Upload], facts: Facts, split: str) -> list[Upload]:
    def order(one: Upload) -> tuple[bool, float, timedelta]:
        is_below = quality(one.model, split) < facts.formula["min_quality"]
        return is_below, score(one.model, split, facts.formula), one.at

    return sorted(some, key=order)


# Ranges of ranks


def influences(model: int) -> Floats:
    """phi_i of macro-F1 for each public image; they sum to 0."""
    labels, answers = story.labels("public"), story.model(model).answers["public"]
    d = np.array([(labels == one).sum() + (answers == one).sum() for one in range(3)])
    right = np.array([((labels == one) & (answers == one)).sum() for one in range(3)])
    f = 2 * right / d
    hit = 2 * (answers == labels) / d[labels]
    phi = len(labels) / 3 * (hit - f[labels] / d[labels] - f[answers] / d[answers])
    assert abs(phi.sum()) < 1e-9
    return np.asarray(phi)


def ranges(facts: Facts, rows: Sequence[Row]) -> dict[int, tuple[int, int]]:
    """First and last public rank of each team on other images, at 95 %, by upload of the row.

    1,000 draws of a multiplier bootstrap. Teams of one model are drawn together, and stand in a
    draw one after the other.
    """
    models = {one.number: one.model for one in facts.sent}
    ranked = [row for row in rows if row.rank]
    distinct = list(dict.fromkeys(models[row.upload] for row in ranked))
    first = {model: next(r for r in ranked if models[r.upload] == model) for model in distinct}
    sizes = np.array([sum(models[r.upload] == model for r in ranked) for model in distinct])
    images = story.IMAGES["public"]
    by_images = np.random.default_rng(0).standard_normal((DRAWS, images), dtype=np.float32)
    by_clock = np.random.default_rng(DRAWS).standard_normal(
        (DRAWS, len(distinct)), dtype=np.float32
    )
    k = facts.formula["k"]
    drawn = np.empty((DRAWS, len(distinct)))
    for column, model in enumerate(distinct):
        s = special.expit(k * (reference_quality() - quality(model, "public")))
        psi = -k * s * (1 - s) * influences(model)
        other = math.sqrt(1 + images / story.IMAGES["private"])
        row = first[model]
        drawn[:, column] = row.score + other * (by_images @ psi) / images
        drawn[:, column] += by_clock[:, column] * row.score_half_width / 1.96
    better = (drawn[:, None, :] < drawn[:, :, None]) @ sizes + 1
    ends = np.sort(better, axis=0)[[25, DRAWS - 1 - 25]]
    found, placed = {}, dict.fromkeys(distinct, 0)
    for row in ranked:
        model = models[row.upload]
        low, high = (int(end) + placed[model] for end in ends[:, distinct.index(model)])
        placed[model] += 1
        assert row.rank
        found[row.upload] = min(low, row.rank), max(high, row.rank)
    return found
