"""How much of the hidden images a model can tell its team by the time it takes.

A hostile model has read a message from the images, and takes more or less time to send it. The
measuring is real (`scoring.timing.measuring`), the clock is invented. The team reads what a page
shows. The column "before" is of every quad of every evaluation in four digits, as organizers see
them, and as teams once did. The column "now" is of what teams see now: segments of evaluations with
a score.

The message is known, so the bits that come through can be counted: the bits of its symbols, less
those that Fano's inequality subtracts for the wrong ones. The model may choose the distance and the
number of its symbols; the best choice is shown. This code is a lower bound of what a model can say.
So the figure serves to compare, and is no proof.

    python -m benchmarks.covert
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import django
import numpy as np

from benchmarks import tables
from scoring import timings
from scoring.errors import ModelFailed
from scoring.job import Plan, Quad, Timing
from scoring.timing import measuring, publication
from scoring.timing.blocks import Batches, Block, Runner

REFERENCE_SECONDS = 0.004
NETS = {"tiny, 300 images": (0.00004, 300), "0.5x, 3,000 images": (0.002, 3000)}
"""Seconds of a call that says nothing, and hidden images."""
LEVELS = (2, 4, 8, 16, 32, 64, 128, 256, 512)
SPANS = (1.03, 1.1, 1.3, 2.0, 8.0, 30.0)
"""The slowest symbol in times of the fastest one."""
PROFILES = {"refuses beyond 3 %": Plan(), "refuses nothing": Plan(max_half_width=0.0)}


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Entrant:
    """A model whose blocks take as long as `factor` says of each."""

    clock: Clock
    seconds_per_call: float
    factor: Callable[[], float]
    max_calls: int = 1_000_000
    told: Callable[[float], None] = lambda seconds: None

    def answer(self, batches: Batches, rewarm: bool) -> Block:
        seconds = len(batches) * self.seconds_per_call * self.factor()
        self.clock.now += seconds
        self.told(seconds)
        labels = np.zeros(batches.shape, dtype=np.int64)
        return Block(seconds, seconds, labels, 0.0, 0.006 if rewarm else 0.0)


@dataclass
class Talk:
    """One evaluation of a model that sends one symbol for each `unit`: quad, segment or
    evaluation."""

    unit: str
    span: float
    levels: int
    random: np.random.Generator
    noise: float
    seconds: float
    clock: Clock = field(default_factory=Clock)
    together: int = 1
    """Segments that the page shows as one."""
    blocks: int = 0
    segments: int = 0
    alive: int = 0
    symbols: dict[int, int] = field(default_factory=dict)
    spent: list[float] = field(default_factory=list)
    """Seconds of each pair of the model's blocks."""

    @contextmanager
    def reference(self) -> Iterator[Runner]:
        with self.process():
            yield Entrant(self.clock, REFERENCE_SECONDS, self.scatter)

    @contextmanager
    def submission(self) -> Iterator[Runner]:
        with self.process():
            yield Entrant(self.clock, self.seconds, self.factor, told=self.tell)

    @contextmanager
    def process(self) -> Iterator[None]:
        self.clock.now += 0.15
        self.segments += not self.alive
        self.alive += 1
        yield
        self.alive -= 1

    def scatter(self) -> float:
        return math.exp(self.random.normal(0, self.noise))

    def factor(self) -> float:
        segment = (self.segments - 1) // self.together
        number = {"quad": self.blocks // 2, "segment": segment, "evaluation": 0}[self.unit]
        symbol = self.symbols.setdefault(number, int(self.random.integers(self.levels)))
        return float(self.span ** (symbol / (self.levels - 1))) * self.scatter()

    def tell(self, seconds: float) -> None:
        if self.blocks % 2:
            self.spent[-1] += seconds
        else:
            self.spent.append(seconds)
        self.blocks += 1

    def sent(self, found: Timing) -> list[int]:
        """The symbols of what was shown, in order."""
        if self.unit != "quad":
            return list(self.symbols.values())
        pairs = iter(enumerate(self.spent))
        return [
            next(
                self.symbols[number]
                for number, seconds in pairs
                if math.isclose(seconds, quad.submission_seconds, rel_tol=1e-9)
            )
            for quad in found.quads
        ]

    def measured(self, images: int, plan: Plan) -> Timing | None:
        """What the measuring found; None if it ends without a score."""
        try:
            found = measuring.measure(
                self,
                images=images,
                batch_size=1,
                plan=plan,
                seed=int(self.random.integers(1 << 30)),
                clock=self.clock,
            )
        except ModelFailed:
            return None
        return publication.summary(found, plan)


def by_quads(found: Timing, is_scored: bool) -> list[float]:
    """The figures that a team saw once: of each quad in four digits, with a score or without."""
    return [float(f"{one:.4g}") for one in map(ratio_of, found.quads)]


def by_segments(found: Timing, is_scored: bool) -> list[float]:
    """The figures that a team sees on its page now."""
    from leaderboard.services import segments
    from leaderboard.services.measurements import Attempt

    if not is_scored:
        return []
    attempt = Attempt(None, False, found.quads, {})  # type: ignore[arg-type]
    shown = segments.parts([attempt], found, {})
    return [one.ratio for one in segments.of_parts(shown)]


def by_ratio(found: Timing, is_scored: bool) -> list[float]:
    return [timings.published_ratio(found.time_ratio)] if is_scored else []


def ratio_of(quad: Quad) -> float:
    submission = quad.submission_seconds / quad.submission_images
    return submission / (quad.reference_seconds / quad.reference_images)


READERS: dict[str, tuple[str, Callable[[Timing, bool], list[float]]]] = {
    "before: quads": ("quad", by_quads),
    "now: segments": ("segment", by_segments),
    "now: the ratio": ("evaluation", by_ratio),
}


def main() -> None:
    options = parser().parse_args()
    if options.quick:
        options.evaluations = 1
    os.environ.setdefault("DEBUG", "1")
    os.environ.setdefault("DATABASE_URL", "sqlite://:memory:")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leaderboard.settings")
    django.setup()
    print(tables.machine_line())
    print(f"{options.evaluations} evaluations of each code, noise of a block {options.noise:.1%}")
    rows = []
    for (net, (seconds, images)), (profile, plan) in itertools.product(
        NETS.items(), PROFILES.items()
    ):
        plan = replace(plan, max_seconds=options.max_seconds)
        row: list[object] = [f"{net}; {profile}"]
        for unit, read in READERS.values():
            bits, span, levels = best(unit, read, seconds, images, plan, options)
            row.append(f"{bits:.1f} ({levels} in {span:g}x)")
        rows.append(row)
    tables.show(("bits of an evaluation (symbols, their span)", *READERS), rows)


def best(
    unit: str,
    read: Callable[[Timing, bool], list[float]],
    seconds: float,
    images: int,
    plan: Plan,
    options: argparse.Namespace,
) -> tuple[float, float, int]:
    """Bits of an evaluation by the best code, its span and its symbols."""
    found = []
    for span in SPANS:
        for levels in LEVELS:
            bits = bits_of(unit, read, span, levels, seconds, images, plan, options)
            found.append((bits, span, levels))
            # If half of the symbols are confused, more symbols in the same span would only confuse
            # more.
            if bits < 0.7 * max(one[0] for one in found if one[1] == span):
                break
    return max(found)


def bits_of(
    unit: str,
    read: Callable[[Timing, bool], list[float]],
    span: float,
    levels: int,
    seconds: float,
    images: int,
    plan: Plan,
    options: argparse.Namespace,
) -> float:
    """Bits that come through of an evaluation, on average."""
    from leaderboard.services.segments import MOST_SEGMENTS

    random = np.random.default_rng(options.seed)
    sent: list[int] = []
    got: list[float] = []
    together = 1
    for _ in range(options.evaluations):
        talk = Talk(unit, span, levels, random, options.noise, seconds, together=together)
        timed = talk.measured(images, plan)
        if timed is None:
            continue
        seen = read(timed, publication.verdict(timed, plan) == "valid")
        together = -(-len({quad.segment for quad in timed.quads}) // MOST_SEGMENTS)
        pairs = list(zip(talk.sent(timed), seen, strict=False))
        sent += [symbol for symbol, _ in pairs]
        got += [value for _, value in pairs]
    if not sent:
        return 0.0
    wrong = errors(np.array(sent), np.log(got), span, levels)
    each = math.log2(levels) - entropy(wrong) - wrong * math.log2(max(1, levels - 1))
    return max(0.0, each) * len(sent) / options.evaluations


def errors(sent: np.ndarray, got: np.ndarray, span: float, levels: int) -> float:
    """Share of symbols that are read wrongly, each as the nearest level.

    The scale is fitted first, as a reader could do who has sent some known symbols before.
    """
    step = math.log(span) / (levels - 1)
    offset = float(np.median(got - sent * step))
    return float(np.mean(np.clip(np.round((got - offset) / step), 0, levels - 1) != sent))


def entropy(share: float) -> float:
    if share in (0.0, 1.0):
        return 0.0
    return -share * math.log2(share) - (1 - share) * math.log2(1 - share)


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    found.add_argument("--evaluations", type=int, default=20, help="of each code")
    found.add_argument("--quick", action="store_true", help="one of each")
    found.add_argument("--noise", type=float, default=0.02, help="of a block, standard deviation")
    found.add_argument("--max-seconds", type=float, default=60.0, help="of the plan")
    found.add_argument("--seed", type=int, default=1)
    return found


if __name__ == "__main__":
    main()
