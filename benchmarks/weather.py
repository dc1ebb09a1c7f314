"""An invented machine: quads of networks whose true time ratio is known, in any weather.

Two things vary: what the machine grants of a core, and what of its memory. The reference minds
both, the probe minds the core alone, and a network minds each by a share of its own. Other
programs' load slows core and memory. Both vary by flicker noise besides, as on real hosts. Each
side scatters by itself from block to block and from process to process, and a whole evaluation is
off by `intervals.BETWEEN_RUNS_SD`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from scoring.job import Pace, Plan, Quad
from scoring.timing import correction, intervals, stopping, tally

Floats = npt.NDArray[np.float64]
Load = Callable[[Floats], Floats]
"""Cores that others keep busy at these seconds."""

STEP = 0.05
"""Seconds of a block, and between two moments of the weather."""
LASTING = (0.2, 2.0, 20.0, 200.0)
"""Seconds over which each part of the flicker noise lasts."""
STARTING = 0.5
"""Seconds that the processes of a segment take to start."""
IMAGES = 50
"""In the two blocks that each side has of a quad."""
REFERENCE_SECONDS = 2 * STEP / IMAGES
PROBE_SECONDS = 0.002
"""On the machine at rest."""
CORE_NOISE, MEMORY_NOISE = 0.008, 0.015
"""Standard deviations of each part of the flicker noise."""
CORE_PER_LOAD, MEMORY_PER_LOAD = 0.08, 0.15
"""By which share a core that others keep busy slows what needs the core, and the memory."""
OWN_NOISE, PROCESS_NOISE = 0.012, 0.003
"""Of a block, and of a process, by itself."""
PROBE_NOISE = 0.01
LOAD_NOISE = 0.05
"""Cores: the kernel counts in steps of 10 ms."""


@dataclass(frozen=True)
class Net:
    """How a network minds the machine; the reference minds core and memory by 1 each."""

    ratio: float = 1.0
    """To the reference, on the machine at rest."""
    core: float = 1.0
    memory: float = 1.0


NETS = {
    "alike": Net(0.9),
    "wide": Net(1.8, memory=0.3),
    "shallow": Net(0.35, memory=1.4),
    "odd": Net(0.6, core=0.85, memory=0.5),
}


class Machine:
    """So many seconds of a machine's weather; what is measured on it goes on where it left off."""

    def __init__(self, load: Load, seconds: float, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        count = int(seconds / STEP)
        self.load = load(STEP * np.arange(count, dtype=np.float64))
        self.core = self.flicker(CORE_NOISE, count) + CORE_PER_LOAD * self.load
        self.memory = self.flicker(MEMORY_NOISE, count) + MEMORY_PER_LOAD * self.load
        self.now = 0.0

    def flicker(self, noise: float, count: int) -> Floats:
        found = np.zeros(count)
        for seconds in LASTING:
            kept = math.exp(-STEP / seconds)
            drive = self.random.normal(0, noise * math.sqrt(1 - kept**2), count)
            drive[0] = self.random.normal(0, noise)
            found += remembering(drive.tolist(), kept)
        return found

    def measured(
        self,
        net: Net,
        plan: Plan,
        pace: Pace | None,
        earlier: Sequence[Quad] = (),
        per_segment: int = 6,
    ) -> tuple[Quad, ...]:
        """The new quads of one evaluation, by the stop rule of `scoring.timing.schedule`."""
        off = self.random.normal(0, intervals.BETWEEN_RUNS_SD)
        quads: list[Quad] = []
        segment = 0
        while tally.measured_seconds(quads) < plan.max_seconds:
            segment += 1
            quads += self.segment(net, per_segment, segment, off)
            if stopping.is_enough(quads, plan, pace, earlier):
                break
        return tuple(quads)

    def calibrated(self, plan: Plan) -> Pace:
        """The reference against itself until the cap."""
        quads = self.measured(Net(), replace(plan, target_half_width=0.0), None)
        return Pace(
            tally.per_image(quads)[0], tally.probe_seconds(quads), correction.reference_noise(quads)
        )

    def segment(self, net: Net, count: int, number: int, off: float) -> list[Quad]:
        """Quads of one process of each side; `off`: the logarithm by which the evaluation is."""
        self.now += STARTING
        first = round(self.now / STEP)
        self.now += 4 * STEP * count
        is_abba = self.random.random((count, 1)) < 0.5
        turns = np.where(is_abba, [0, 3, 1, 2], [1, 2, 0, 3])  # the reference's two come first
        moments = first + 4 * np.arange(count)[:, None] + turns
        core, memory, load = self.core[moments], self.memory[moments], self.load[moments]
        minds_core = np.array([1.0, 1.0, net.core, net.core])
        minds_memory = np.array([1.0, 1.0, net.memory, net.memory])
        own = self.random.normal(0, PROCESS_NOISE, 2).repeat(2) + np.array([0.0, 0.0, off, off])
        noise = self.random.normal(0, OWN_NOISE, (count, 4))
        seconds = STEP * np.exp(minds_core * core + minds_memory * memory + own + noise)
        probe = PROBE_SECONDS * np.exp(
            core[:, :2].mean(axis=1) + self.random.normal(0, PROBE_NOISE, count)
        )
        seen = load + self.random.normal(0, LOAD_NOISE, load.shape)
        reference, submission = seconds[:, :2].sum(axis=1), net.ratio * seconds[:, 2:].sum(axis=1)
        return [
            Quad(
                at_seconds=STEP * float(first + 4 * n),
                segment=number,
                reference_seconds=float(reference[n]),
                reference_images=IMAGES,
                submission_seconds=float(submission[n]),
                submission_images=IMAGES,
                reference_cpu_seconds=float(reference[n]),
                submission_cpu_seconds=float(submission[n]),
                reference_load=float(seen[n, :2].mean()),
                submission_load=float(seen[n, 2:].mean()),
                probe_seconds=float(probe[n]),
            )
            for n in range(count)
        ]


def remembering(drive: list[float], kept: float) -> list[float]:
    """Each value and, of what was before it, the share that is kept."""
    return list(accumulate(drive, lambda before, one: kept * before + one))


def true_ratio(net: Net, pace: Pace) -> float:
    """At the calibration's pace: the probe tells the core's share of it, and the reference both."""
    core = math.log(pace.probe_seconds / PROBE_SECONDS)
    both = math.log(pace.reference_seconds / REFERENCE_SECONDS)
    return net.ratio * math.exp(net.core * core + net.memory * (both - core) - both)
