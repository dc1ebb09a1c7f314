"""A fixed piece of arithmetic whose time says how much of its core the machine grants just now.

The reference's time alone cannot tell whether others take its memory or the other half of its core,
and networks of different character mind the one and the other differently. This stays within the
innermost cache and minds the core alone; `scoring.timing.ratios` regresses on both. Only what
it takes in the reference's process is believed.
"""

from __future__ import annotations

import torch

NUMBERS = 4000
"""float32: half of a cache of 32 KiB, with the results all of it."""
TURNS = 1000
"""A few milliseconds."""


class Probe:
    def __init__(self) -> None:
        self.numbers = torch.linspace(-1.0, 1.0, NUMBERS)
        self.results = torch.empty(NUMBERS)

    def run(self) -> None:
        for _ in range(TURNS):
            torch.exp(self.numbers, out=self.results)
