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
from scoring.sentences import Sentence, say

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
    quotes = [say("The model's message: “%(quote)s”.", quote=raised)] if raised else []
    has_answered = has_run or (failure.code == "crashed" and last_words is None)
    advice = formats.named(model.format).advice(
        failure.code, raised, model=model, job=job, has_answered=has_answered
    )
    if failure.code == "answers_change":
        quotes = []
    return ModelFailed(failure.code, *failure.said, *quotes, *advice)


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


def returned(numbers: list[int]) -> tuple[Sentence, ...]:
    """What a model returned instead of logits, and what to do.

    `numbers` come from a child's record, which may lie. So every word is from this module, and
    every number can only be a length or a size.
    """
    kind, index, count, *sizes = numbers
    if kind == Kind.TENSOR:
        shape = str(tuple(max(0, size) for size in sizes[: max(0, min(count, DIMENSIONS))]))
        return of_tensor(DTYPES[index] if 0 <= index < len(DTYPES) else "", max(0, count), shape)
    if kind in CONTAINERS:
        one, advice = CONTAINERS[Kind(kind)]
        return one.about(count=max(0, count)), advice
    return OTHERS.get(kind, (say("The model returned no tensor."),))


def of_tensor(dtype: str, count: int, shape: str) -> tuple[Sentence, ...]:
    """What is wrong with a tensor, and what to do.

    `dtype`: empty if it is unknown. `count`: of its dimensions. `shape`: of the first dimensions.
    """
    if not dtype:
        return say(
            "The model returned a tensor of another dtype, shape %(shape)s.", shape=shape
        ), LOGITS
    if dtype not in ("float32", "float64", "float16", "bfloat16"):
        said = say(
            "The model returned a tensor of %(dtype)s, shape %(shape)s.", dtype=dtype, shape=shape
        )
        return said, DEQUANTIZE if dtype in ("quint8", "qint8", "qint32") else LOGITS
    if count == 2:
        return (say("The model returned the shape %(shape)s.", shape=shape),)
    if count > DIMENSIONS:
        said = say(
            "The model returned %(count)s dimensions. These are the first: %(shape)s.",
            count=count,
            shape=shape,
        )
        return said, POOL
    if count == 1:
        return say("The model returned 1 dimension %(shape)s.", shape=shape), KEEP
    said = say("The model returned %(count)s dimensions %(shape)s.", count=count, shape=shape)
    return said, POOL if count else KEEP


LOGITS = say("Return the logits themselves, as float32, before any argmax.")
DEQUANTIZE = say("Dequantize the answer.")
POOL = say("Pool or flatten to (batch, classes).")
KEEP = say("Keep both dimensions of (batch, classes).")
FIRST_ITEM = say("Return only its logits, as in out[0].")
CONTAINERS = {
    Kind.TUPLE: (say("The model returned a tuple of %(count)s."), FIRST_ITEM),
    Kind.LIST: (say("The model returned a list of %(count)s."), FIRST_ITEM),
    Kind.DICT: (
        say("The model returned a dict of %(count)s."),
        say("Return only its logits, as in out['logits']."),
    ),
}
OTHERS: dict[int, tuple[Sentence, ...]] = {
    Kind.NONE: (say("The model returned None."),),
    Kind.NUMBER: (say("The model returned a plain number."),),
    Kind.TEXT: (say("The model returned text."),),
    Kind.NOT_DENSE: (
        say("The model returned a tensor that is sparse, nested or packed. Make it dense."),
    ),
}
