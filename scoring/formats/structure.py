"""A fingerprint of a network's structure that is the same in every format and number type.

Formats lay the same weights out differently: a matrix can stand transposed, a layer can have sides
of 1 that another format leaves out, and batch norms can be folded into convolutions. So the
fingerprint is of the sorted shapes of all weights, without sides of 1, without what has fewer than
two sides then (biases, batch norms, scales of int8), and without a matrix's order of sides.

It does not tell strides or which layers run: `Model.macs` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

Shape = tuple[int, ...]
NO_WEIGHTS = frozenset(("int64", "int32", "bool"))
"""Number types of shapes, places and masks. As weights they have one side at most: biases of int8.
"""


def fingerprint(shapes: Iterable[Shape]) -> str:
    """SHA-256 of the shapes, as hexadecimal digits; empty if there is no shape of two sides."""
    counted = sorted(plain for shape in shapes if len(plain := without_layout(shape)) > 1)
    if not counted:
        return ""
    return hashlib.sha256(repr(counted).encode()).hexdigest()


def without_layout(shape: Shape) -> Shape:
    """A shape as every format would tell it."""
    sides = tuple(side for side in shape if side != 1)
    return tuple(sorted(sides)) if len(sides) == 2 else sides
