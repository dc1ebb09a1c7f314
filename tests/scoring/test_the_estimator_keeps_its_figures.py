"""Recorded quads give the same ratios, intervals and verdicts as before, digit by digit.

`tests.scoring.estimates` tells how the file of figures is made. Nine digits are compared, because
the others depend on the linear algebra of the processor.
"""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from tests.scoring import estimates

DIGITS = 1e-9
KEPT: dict[str, dict[str, Any]] = json.loads(estimates.KEPT.read_text())


@pytest.mark.parametrize("kind", ["estimates", "courses"])
def test_the_figures_are_those_that_were_kept(kind: str) -> None:
    found = json.loads(json.dumps(getattr(estimates, kind)()))
    assert found.keys() == KEPT[kind].keys()
    changed = [
        f"{name}: {figure} was {KEPT[kind][name].get(figure)} and is {value}"
        for name, figures in found.items()
        for figure, value in figures.items()
        if not is_same(value, KEPT[kind][name].get(figure))
    ]
    assert not changed, "\n".join(changed)


def is_same(value: Any, kept: Any) -> bool:
    if isinstance(value, list) and isinstance(kept, list):
        return len(value) == len(kept) and all(map(is_same, value, kept))
    if isinstance(value, float) and isinstance(kept, float | int):
        return math.isclose(value, kept, rel_tol=DIGITS, abs_tol=1e-14)
    return bool(value == kept)
