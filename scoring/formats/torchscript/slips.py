"""Slips in an archive's code that make honest models fail: fixed devices, layers in training mode.

Standard library only. Nothing is refused for a slip, because such code may never run.
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
FUNCTION = re.compile(  # bounded, or a long name would be read again from each letter
    r"(_\d{1,6}) = __torch__\.torch\.nn\.functional\.(?:___torch_mangle_\d{1,6}\.)?"
    r"(\w{0,20}dropout\w{0,3})[ \t]{0,9}$",
    re.MULTILINE,
)
MAX_CALLS, MAX_CALL = 2_000, 2_000
"""Calls of an archive that are read, and characters of one call."""


def devices(sources: Iterable[str]) -> tuple[str, ...]:
    """Devices other than the CPU that the code names, sorted; at most eight."""
    found: set[str] = set()
    for source in sources:
        found |= {name for name in DEVICE.findall(source) if name not in ("cpu", "meta")}
        if CUDA.search(source):
            found.add("cuda")
    return tuple(sorted(found))[:8]


def in_training(sources: Iterable[str]) -> tuple[str, ...]:
    """Kinds of layers that the code applies in training mode in any mode of the model, sorted.

    The model was traced or frozen in training mode, or its code asks for it.
    """
    found = (trains(name, given) for source in sources for name, given in calls(source))
    return tuple(sorted({kind for kind in islice(found, MAX_CALLS) if kind}))


def calls(source: str) -> Iterator[tuple[str, list[str]]]:
    """Calls of operators that have a training mode: the operator and its arguments."""
    for function in re.split(r"^[ \t]*def ", source, flags=re.MULTILINE):
        dropouts = {alias for alias, _ in FUNCTION.findall(function)}
        for call in CALL.finditer(function):
            name, alias = call.groups()
            if name or alias in dropouts:
                yield name or "dropout", arguments(function[call.end() : call.end() + MAX_CALL])


def trains(operator: str, given: list[str]) -> str:
    """The kind of layer that a call applies in training mode; empty if it does not."""
    if "dropout" in operator:
        return "dropout" if given[2:3] == ["True"] and is_some(given[1]) else ""
    if "batch_norm" in operator:
        # Without running statistics a batch norm always uses the batch's: that is no slip.
        return "batch norm" if given[5:6] == ["True"] and given[3] != "None" else ""
    if operator == "scaled_dot_product_attention":
        return "dropout" if len(given) > 4 and is_some(given[4]) else ""
    return "dropout" if given[6:7] == ["True"] and is_some(given[5]) else ""


def is_some(share: str) -> bool:
    """Whether a text is a number above 0."""
    try:
        return float(share) > 0
    except ValueError:
        return False


def arguments(text: str) -> list[str]:
    """Arguments of a call. `text` begins behind the call's opening bracket."""
    found, depth, start = [], 0, 0
    for index, letter in enumerate(text):
        if letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        if depth < 0 or (letter == "," and not depth):
            found.append(text[start:index].strip())
            start = index + 1
        if depth < 0:
            break
    return found
