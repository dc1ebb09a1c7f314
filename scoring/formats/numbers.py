"""The number type of a model, in one word: int8, float16, bfloat16, float32 and others.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Collection

NARROWEST_FIRST = {
    "int8": ("int8", "uint8", "qint8", "quint8"),
    "float16": ("float16",),
    "bfloat16": ("bfloat16",),
    "float32": ("float32",),
    "float64": ("float64",),
}
"""A number type, and the dtypes of weights that show it. Other dtypes hold shapes, places, scales
or masks as a rule."""


def number_type(dtypes: Collection[str]) -> str:
    """The narrowest number type among the dtypes of a model's weights.

    A quantized model keeps scales in float32 beside weights in int8: it counts as int8. Of dtypes
    that the table does not know, all are named. Empty for a model without weights.
    """
    known = (one for one, signs in NARROWEST_FIRST.items() if not set(signs).isdisjoint(dtypes))
    return next(known, ", ".join(sorted(dtypes)))
