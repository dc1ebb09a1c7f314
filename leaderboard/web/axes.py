"""The axes of a plot: pixels of values, and round values to write beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

TICKS = 8


@dataclass(frozen=True)
class Axis:
    low: float
    high: float
    is_log: bool
    start: float
    """The pixel of `low`; `end` is the pixel of `high`."""
    end: float

    def at(self, value: float) -> float:
        """The pixel of a value. A value beyond the axis gets the pixel of the end of the axis."""
        value = min(max(value, self.low), self.high)
        share = (self.scaled(value) - self.scaled(self.low)) / (
            self.scaled(self.high) - self.scaled(self.low)
        )
        return round(self.start + share * (self.end - self.start), 1)

    def value(self, pixel: float) -> float:
        share = (pixel - self.start) / (self.end - self.start)
        low, high = self.scaled(self.low), self.scaled(self.high)
        found = low + share * (high - low)
        return math.exp(found) if self.is_log else found

    def scaled(self, value: float) -> float:
        return math.log(value) if self.is_log else value

    def scale(self, value: float) -> float:
        """Pixels for each unit, at a value."""
        share = abs(self.end - self.start) / (self.scaled(self.high) - self.scaled(self.low))
        return share / value if self.is_log else share

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    def ticks(self) -> list[tuple[float, str]]:
        """Round values with their pixels."""
        steps = decades if self.is_log else multiples
        values = steps(self.low, self.high, TICKS)
        return [(self.at(one), f"{one:.4g}") for one in values if self.holds(one)]


def decades(low: float, high: float, number: int) -> Iterator[float]:
    """The values 1, 2 and 5 of each power of ten between two others. If the powers are many, only
    the 1."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for power in powers:
        for one in (1, 2, 5) if len(powers) <= number else (1,):
            if low <= one * 10.0**power <= high:
                yield round(one * 10.0**power, 10)


def multiples(low: float, high: float, number: int) -> Iterator[float]:
    """Round values between two others, about `number` of them."""
    rough = (high - low) / number
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(one * power for one in (1, 2, 5, 10) if one * power >= rough)
    first = math.ceil(low / step)
    for count in range(first, math.floor(high / step) + 1):
        yield round(count * step, 10)
