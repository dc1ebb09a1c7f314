"""What a measuring found."""

from __future__ import annotations

from dataclasses import dataclass

from scoring.job import Quad
from scoring.timing import pooling
from scoring.timing.blocks import Labels
from scoring.timing.host import START_SECONDS


@dataclass(frozen=True)
class Measurement:
    """Answers of the first complete pass (N,), and the quads."""

    answers: Labels
    quads: tuple[Quad, ...]
    wall_seconds: float
    start_seconds: float = START_SECONDS
    """Seconds in which a process of the reference started."""
    earlier: tuple[Quad, ...] = ()
    """Quads of earlier measurings of the same content."""
    answers_compared: int = 0
    answers_changed: int = 0
    stopped_cpu_seconds: float = 0.0
    many_cores: bool = False

    @property
    def pooled(self) -> tuple[Quad, ...]:
        """Earlier quads and those of this measuring."""
        return pooling.pooled(self.earlier, self.quads)
