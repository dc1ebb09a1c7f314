"""What a failed model returned or raised, and what its team can do about it, in words.

Only facts that give no hidden image away are told. These are:

- what the archive says without being run,
- what the model returned or raised in the dry run: its images are synthetic or of the sample,
- what a process returned to its first input, which is synthetic: no hidden image came before.
"""

from __future__ import annotations

import re

from scoring import formats
from scoring.errors import ModelFailed
from scoring.job import Job, Model
from scoring.sandbox.channel import DIMENSIONS, DTYPES, Kind

ADVISED = ("answers_change", "crashed", "load_failed", "wrong_input")
"""Codes of failures for which a format may know what helps."""
QUOTED = 240
"""Characters of an error that are quoted, at most."""
RAISED = re.compile(r"^(?:builtins\.)?((?:\w+\.)*\w*(?:Error|Exception): .*)", re.MULTILINE)
FOLDERS = re.compile(r"(?<![\w.])/(?:[^\s/'\"<>:]+/)+")


def explained(
    failure: ModelFailed,
    last_words: str | None,
    *,
    model: Model,
    job: Job,
    has_run: bool = False,
) -> ModelFailed:
    """A failure with what the model raised and what its team can do about it.

    `last_words`: the end of the model's output in a dry run that failed; None for a failure
    elsewhere. `has_run`: whether the model passed a dry run before.
    """
    if failure.code not in ADVISED:
        return failure
    raised = quoted(last_words or "")
    quote = f"It said: “{raised}”." if raised and failure.code != "answers_change" else ""
    has_answered = has_run or (failure.code == "crashed" and last_words is None)
    advice = formats.named(model.format).advice(
        failure.code, raised, model=model, job=job, has_answered=has_answered
    )
    return with_words(failure, quote, advice)


def with_words(failure: ModelFailed, *words: str) -> ModelFailed:
    """The failure with more sentences; empty ones are left out."""
    message = " ".join(word for word in (failure.message, *words) if word)
    return ModelFailed(failure.code, message)


def quoted(said: str) -> str:
    """The error at the end of a model's output, in one printable line without files' folders.

    The line has at most `QUOTED` characters.
    """
    found = list(RAISED.finditer(said))
    text = said[found[-1].start(1) :] if found else said.rstrip().rpartition("\n")[2]
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    line = FOLDERS.sub("…/", line)
    if len(line) > QUOTED:
        line = line[: QUOTED - 1].rstrip() + "…"
    return line


def returned(numbers: list[int]) -> str:
    """What a model returned instead of logits, and what to do.

    `numbers` come from a child's record, which may lie. So every word is from this module, and
    every number can only be a length or a size.
    """
    kind, place, count, *sizes = numbers
    if kind == Kind.TENSOR:
        shape = tuple(max(0, size) for size in sizes[: max(0, min(count, DIMENSIONS))])
        dtype = DTYPES[place] if 0 <= place < len(DTYPES) else "another dtype"
        if dtype not in ("float32", "float64", "float16", "bfloat16"):
            advice = TO_DO.get(
                dtype, "Return the logits themselves, as float32, before any argmax."
            )
            return f"it returned a tensor of {dtype}, shape {shape}. {advice}"
        if count != 2:
            dimensions = f"{max(0, count)} dimension{'s'[: count != 1]}"
            more = ", of which these are the first" if count > DIMENSIONS else ""
            to_do = "Pool or flatten to" if count > 2 else "Keep both of"
            return f"it returned {dimensions} {shape}{more}. {to_do} (batch, classes)."
        return f"it returned shape {shape}."
    if kind in CONTAINERS:
        one, advice = CONTAINERS[Kind(kind)]
        return f"it returned a {one} of {max(0, count)}. {advice}"
    return OTHERS.get(kind, "it returned no tensor.")


TO_DO = {
    "quint8": "Dequantize the answer.",
    "qint8": "Dequantize the answer.",
    "qint32": "Dequantize the answer.",
}
CONTAINERS = {
    Kind.TUPLE: ("tuple", "Return its logits alone, as in out[0]."),
    Kind.LIST: ("list", "Return its logits alone, as in out[0]."),
    Kind.DICT: ("dict", "Return its logits alone, as in out['logits']."),
}
OTHERS: dict[int, str] = {
    Kind.NONE: "it returned None.",
    Kind.NUMBER: "it returned a plain number.",
    Kind.TEXT: "it returned a text.",
    Kind.NOT_DENSE: "it returned a tensor that is sparse, nested or packed. Make it dense.",
}
