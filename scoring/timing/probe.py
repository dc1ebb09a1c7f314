"""A fixed piece of arithmetic whose time says how fast its core is at the moment.

Other programs slow a model by using its memory or the other half of its core. Networks differ in
what slows them. The reference's time alone cannot tell the two apart. The probe stays within the
innermost cache, so only the core slows it; `scoring.timing.correction` regresses on both times.
Only probes in the reference's process count.
"""

from __future__ import annotations

import torch

NUMBERS = 4000
"""float32 numbers: they fill half of a cache of 32 KiB, and with the results all of it."""
TURNS = 1000
"""Rounds: a few milliseconds."""


class Probe:
    """The arithmetic with its own memory."""

    def __init__(self) -> None:
        self.numbers = torch.linspace(-1.0, 1.0, NUMBERS)
        self.results = torch.empty(NUMBERS)

    def run(self) -> None:
        for _ in range(TURNS):
            torch.exp(self.numbers, out=self.results)
