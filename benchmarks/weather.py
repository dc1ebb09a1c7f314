"""An invented machine: quads of networks whose true time ratio is known.

    log time = core share x c(t) + memory share x m(t) + process + block + evaluation

c and m say how much slower the machine's core and memory are at time t: flicker noise, plus a part
in proportion to the load of other programs. The reference has both shares 1, the probe has only the
core's, and each network has its own. Process, block and evaluation are normal noise; that of an
evaluation has the standard deviation `host.BETWEEN_RUNS_SD`.

*Weather* is the word of these benchmarks for the courses of c, m and load.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from scoring.job import Pace, Plan, Quad
from scoring.timing import calibration, host, stopping, tally

Floats = npt.NDArray[np.float64]
Load = Callable[[Floats], Floats]
"""Cores that other programs keep busy at these seconds."""

STEP = 0.05
"""Seconds of a block, and of one step of c, m and load."""
LASTING = (0.2, 2.0, 20.0, 200.0)
"""Correlation times of the parts of the flicker noise, in seconds."""
STARTING = 0.5
"""Seconds in which the processes of a segment start."""
IMAGES = 50
"""Images in the two blocks of one side of a quad."""
REFERENCE_SECONDS = 2 * STEP / IMAGES
PROBE_SECONDS = 0.002
"""On the idle machine."""
CORE_NOISE, MEMORY_NOISE = 0.008, 0.015
"""Standard deviations of each part of the flicker noise."""
CORE_PER_LOAD, MEMORY_PER_LOAD = 0.08, 0.15
"""What one core that other programs keep busy adds to c, and to m."""
OWN_NOISE, PROCESS_NOISE = 0.012, 0.003
"""Standard deviations of the noise of a block, and of a process."""
PROBE_NOISE = 0.01
LOAD_NOISE = 0.05
"""Cores: the kernel counts in steps of 10 ms."""


@dataclass(frozen=True)
class Net:
    """A network: its time ratio, and its shares of core and memory. The reference has 1 of each."""

    ratio: float = 1.0
    """Time ratio on the idle machine."""
    core: float = 1.0
    memory: float = 1.0


NETS = {
    "alike": Net(0.9),
    "wide": Net(1.8, memory=0.3),
    "shallow": Net(0.35, memory=1.4),
    "odd": Net(0.6, core=0.85, memory=0.5),
}


class Machine:
    """A machine for `seconds` of time; `now` is the time until which it was used."""

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
        """New quads of one evaluation, until `stopping.is_enough` or the cap."""
        off = self.random.normal(0, host.BETWEEN_RUNS_SD)
        quads: list[Quad] = []
        segment = 0
        while tally.measured_seconds(quads) < plan.max_seconds:
            segment += 1
            quads += self.segment(net, per_segment, segment, off)
            if stopping.is_enough(quads, plan, pace, earlier):
                break
        return tuple(quads)

    def calibrated(self, plan: Plan) -> Pace:
        """The pace of a calibration: the reference against itself until the cap."""
        quads = self.measured(Net(), replace(plan, target_half_width=0.0), None)
        return Pace(
            tally.per_image(quads)[0],
            tally.probe_seconds(quads),
            calibration.reference_noise(quads),
        )

    def segment(self, net: Net, count: int, number: int, off: float) -> list[Quad]:
        """Quads of one process of each side; `off` is the noise of this evaluation, a logarithm."""
        self.now += STARTING
        first = round(self.now / STEP)
        self.now += 4 * STEP * count
        is_abba = self.random.random((count, 1)) < 0.5
        turns = np.where(is_abba, [0, 3, 1, 2], [1, 2, 0, 3])  # the reference's two come first
        moments = first + 4 * np.arange(count)[:, None] + turns
        core, memory, load = self.core[moments], self.memory[moments], self.load[moments]
        core_shares = np.array([1.0, 1.0, net.core, net.core])
        memory_shares = np.array([1.0, 1.0, net.memory, net.memory])
        own = self.random.normal(0, PROCESS_NOISE, 2).repeat(2) + np.array([0.0, 0.0, off, off])
        noise = self.random.normal(0, OWN_NOISE, (count, 4))
        seconds = STEP * np.exp(core_shares * core + memory_shares * memory + own + noise)
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
    """x_t = kept x_(t-1) + drive_t: a first-order autoregression."""
    return list(accumulate(drive, lambda before, one: kept * before + one))


def true_ratio(net: Net, pace: Pace) -> float:
    """The true ratio at the calibration's pace: c from the probe, c + m from the reference."""
    core = math.log(pace.probe_seconds / PROBE_SECONDS)
    both = math.log(pace.reference_seconds / REFERENCE_SECONDS)
    return net.ratio * math.exp(net.core * core + net.memory * (both - core) - both)
