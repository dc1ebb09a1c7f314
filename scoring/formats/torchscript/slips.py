"""What an archive's code says that makes honest models fail: devices that are baked in, layers in
training mode. Advice only: nothing is refused for it, since such code may never run.

Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

DEVICE = re.compile(r'torch\.device\("([a-z]{1,20}(?::\d{1,3})?)"\)')
CUDA = re.compile(r"(?<![\w.])torch\.cuda\(")
CALL = re.compile(
    r"(?<![\w.])torch\.((?:alpha_|feature_|feature_alpha_|native_)?dropout_?|batch_norm"
    r"|native_batch_norm|lstm|gru|rnn_tanh|rnn_relu|scaled_dot_product_attention)\(|(_\d{1,6})\("
)
FUNCTION = re.compile(  # bounded: a long name would be read anew from each of its letters
    r"(_\d{1,6}) = __torch__\.torch\.nn\.functional\.(?:___torch_mangle_\d{1,6}\.)?"
    r"(\w{0,20}dropout\w{0,3})[ \t]{0,9}$",
    re.MULTILINE,
)
MAX_CALLS, MAX_CALL = 2_000, 2_000
"""Calls of an archive, and characters of one, that are taken apart."""


def devices(sources: Iterable[str]) -> tuple[str, ...]:
    """Devices other than the CPU that the code names, sorted."""
    found: set[str] = set()
    for source in sources:
        found |= {name for name in DEVICE.findall(source) if name not in ("cpu", "meta")}
        if CUDA.search(source):
            found.add("cuda")
    return tuple(sorted(found))[:8]


def in_training(sources: Iterable[str]) -> tuple[str, ...]:
    """Kinds of layers that the code applies in training mode whatever the model's mode is, sorted:
    those of a model that was traced or frozen so, or that asks for it by itself."""
    found = (trains(name, given) for source in sources for name, given in calls(source))
    return tuple(sorted({kind for kind in islice(found, MAX_CALLS) if kind}))


def calls(source: str) -> Iterator[tuple[str, list[str]]]:
    """Calls of what has a training mode: the operator and its arguments."""
    for function in re.split(r"^[ \t]*def ", source, flags=re.MULTILINE):
        dropouts = {alias for alias, _ in FUNCTION.findall(function)}
        for call in CALL.finditer(function):
            name, alias = call.groups()
            if name or alias in dropouts:
                yield name or "dropout", arguments(function[call.end() : call.end() + MAX_CALL])


def trains(operator: str, given: list[str]) -> str:
    """The kind of layer that a call applies in training mode, or nothing."""
    if "dropout" in operator:
        return "dropout" if given[2:3] == ["True"] and is_some(given[1]) else ""
    if "batch_norm" in operator:
        # Without running statistics it takes those of the batch in any mode, as it was made to.
        return "batch norm" if given[5:6] == ["True"] and given[3] != "None" else ""
    if operator == "scaled_dot_product_attention":
        return "dropout" if len(given) > 4 and is_some(given[4]) else ""
    return "dropout" if given[6:7] == ["True"] and is_some(given[5]) else ""


def is_some(share: str) -> bool:
    """Whether the text is a number above 0."""
    try:
        return float(share) > 0
    except ValueError:
        return False


def arguments(text: str) -> list[str]:
    """Arguments of a call, from behind its bracket on; what stands in brackets is left as it is."""
    found, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        if letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        if depth < 0 or (letter == "," and not depth):
            found.append(text[start:place].strip())
            start = place + 1
        if depth < 0:
            break
    return found
