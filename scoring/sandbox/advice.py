"""What a failed model returned or raised, and what its team can do about it, in words.

Two kinds of facts come in. What the archive says by itself (`formats.torchscript.slips`) is
known before anything runs. What the model returned or raised may be told from the dry run alone:
its images are synthetic or the sample's, which the team has. A process outside the dry run has its
first input from nobody's picture, too, and was given no hidden image yet; of its later ones nothing
is told.
"""

from __future__ import annotations

import re
from typing import get_args

from scoring.errors import ModelFailed
from scoring.job import Dtype, InputSpec, Job, Model
from scoring.sandbox.channel import DIMENSIONS, DTYPES, Kind

QUOTED = 240
"""Characters of an error that are quoted, at most."""
RAISED = re.compile(r"^(?:builtins\.)?((?:\w+\.)*\w*(?:Error|Exception): .*)", re.MULTILINE)
FOLDERS = re.compile(r"(?<![\w.])/(?:[^\s/'\"<>:]+/)+")
DECLARABLE = get_args(Dtype)
NAMES = {
    "float32": ("Float", "float"),
    "float64": ("Double", "double"),
    "float16": ("Half", "c10::Half"),
    "bfloat16": ("BFloat16", "c10::BFloat16"),
    "int64": ("Long", "long", "int64_t"),
    "int32": ("Int", "int"),
    "int8": ("Char", "signed char"),
    "uint8": ("Byte", "unsigned char"),
    "bool": ("Bool", "bool"),
}
"""torch's own names of dtypes, as its errors have them."""
DTYPE_NAME = re.compile(
    r"(?<![\w:])(?:torch\.)?("
    + "|".join(sorted((name for names in NAMES.values() for name in names), key=len, reverse=True))
    + r")(?:Tensor)?(?!\w)"
)
ABOUT_DTYPE = re.compile(
    r"same dtype|scalar type|Input type|mixed dtype|not implemented for '|dtype .*mismatch"
)
ABOUT_DEVICE = re.compile(
    r"support for \w+ devices|'CUDA' backend|CUDA (?:library|driver|error|GPU)|NVIDIA driver"
    r"|with CUDA enabled|Invalid device|cuda\w*Get|Expected all tensors to be on the same device"
)
ABOUT_SIZE = re.compile(
    # torch
    r"shapes? cannot be multiplied|size of (?:the )?tensor|invalid for input of size"
    r"|expected input\[|[Kk]ernel size|is too small|[Ss]izes? .*(?:match|mismatch)"
    r"|(?:shape|size) mismatch|Padding size|but got input of size|Expected .*D .*input"
    r"|Expected size for|to be equal size|inconsistent tensor size|multiply up to the size"
    r"|sum exactly to|exceeds dimension size|out of (?:range|bounds)|does not broadcast"
    r"|[Ss]izes should be greater than 0|spatial (?:size|element)|of sliding blocks"
    r"|expected size of input|expecting embedding dimension|equal to input_size"
    r"|should contain \d+ elements|\d+ elements? in a list"
    # timm, whose sentences begin with "Input height (96)", "height (12)", "patch grid height"
    r"|n[o']t match model|(?:height|width|size|grid|tokens)\b.*\bdivisible by|must match\."
    r"|AssertionError:?$"  # and some have no words: of an input that is all that can be wrong
)
"""What torch 2.13 and timm 1.0 say where an image has another size than the model was made for."""
ABOUT_CHANNELS = re.compile(r"to have (\d+) channels")
ABOUT_TRAINING = re.compile(r"per channel when training")
ABOUT_ARGUMENTS = re.compile(
    r"missing value for argument|Expected a value of type|Expected at most \d+ argument"
)
ABOUT_REACHING_OUT = re.compile(
    r"unable to open file|[Pp]ermission denied|Operation not permitted|No such file"
    r"|Resource temporarily|[Tt]hread creation|(?:create|start|spawn) .{0,20}\bthread"
)


def explained(
    failure: ModelFailed,
    last_words: str | None,
    *,
    model: Model,
    job: Job,
    has_run: bool = False,
) -> ModelFailed:
    """A failure with what the model raised and what can be done about it.

    `last_words`: what it said at the end of a dry run that failed; None where it failed elsewhere.
    `has_run`: whether it passed a dry run before. Then no device that it names is the cause.
    """
    if failure.code == "answers_change":
        return with_words(failure, found_in_training(model))
    if failure.code not in ("wrong_input", "load_failed", "crashed"):
        return failure
    raised = quoted(last_words or "")
    quote = f"It said: “{raised}”." if raised else ""
    has_answered = has_run or (failure.code == "crashed" and last_words is None)
    return with_words(failure, quote, hint(failure.code, raised, model, job, has_answered))


def with_words(failure: ModelFailed, *words: str) -> ModelFailed:
    message = " ".join(word for word in (failure.message, *words) if word)
    return ModelFailed(failure.code, message)


def quoted(said: str) -> str:
    """The error at the end of what a model said, in one printable line of bounded length, without
    the folders of files."""
    found = list(RAISED.finditer(said))
    text = said[found[-1].start(1) :] if found else said.rstrip().rpartition("\n")[2]
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    line = FOLDERS.sub("…/", line)
    if len(line) > QUOTED:
        line = line[: QUOTED - 1].rstrip() + "…"
    return line


def hint(code: str, raised: str, model: Model, job: Job, has_answered: bool) -> str:
    """What to do about an error by its text. Where there is none, by what the archive says, unless
    the model has answered, as it could not do on a device that is not there."""
    named = () if has_answered else model.devices
    if job.plan.device == "cpu" and (ABOUT_DEVICE.search(raised) if raised else named):
        return (
            f"The model names the device {', '.join(model.devices) or 'cuda'}; here it runs on the "
            "CPU. Export it there: torch.load(..., map_location='cpu'), model.cpu() before "
            "torch.jit.trace or script, and device=x.device for tensors made in forward."
        )
    if code != "wrong_input":
        return ""
    spec = model.input or job.input
    if ABOUT_DTYPE.search(raised):
        return about_dtype(raised, spec, model)
    if (channels := ABOUT_CHANNELS.search(raised)) and channels[1] != "3":
        return f"Images have 3 channels, RGB; make {channels[1]} of them inside the model."
    if ABOUT_TRAINING.search(raised):
        return "Call model.eval() before you trace, script or freeze it."
    if ABOUT_ARGUMENTS.search(raised):
        return "A model takes one tensor: the batch of images."
    if ABOUT_REACHING_OUT.search(raised):
        return "A model may not open files or start threads (torch.jit.fork); have it do without."
    if ABOUT_SIZE.search(raised):
        least, most = job.bounds.min_size, job.bounds.max_size
        return (
            f"If it was made for images of another size than {spec.height} x {spec.width}, declare "
            f"input_size in the archive's featherweight.json: {least} to {most} pixels per side."
        )
    return ""


def about_dtype(raised: str, spec: InputSpec, model: Model) -> str:
    """What to do about a model that wants numbers of another kind than it is fed."""
    named = {
        dtype
        for word in DTYPE_NAME.findall(raised)
        for dtype, names in NAMES.items()
        if word in names
    }
    wanted = sorted((named - {spec.dtype}) & set(model.dtypes))
    if not wanted:  # no weights are of that kind, so the model makes such numbers itself
        return "Numbers of two kinds meet inside the model: cast one to the other."
    declarable = [dtype for dtype in wanted if dtype in DECLARABLE]
    if len(wanted) == 1 and declarable:
        return (
            f"If it wants {wanted[0]}, declare dtype {wanted[0]} in the archive's "
            f"featherweight.json, or cast inside the model: x.to(torch.{wanted[0]})."
        )
    what = f"{wanted[0]} cannot be declared. Cast" if len(wanted) == 1 else "Cast"
    cast = f"x.to(torch.{wanted[0]})" if len(wanted) == 1 else "x.to(self.weight.dtype)"
    return f"{what} inside the model, {cast}, or export it as float32: model.float()."


def found_in_training(model: Model) -> str:
    """Which layers of an archive are in training mode, where its code says so."""
    if not model.in_training:
        return ""
    return f"In this file, in training mode: {', '.join(model.in_training)}."


def returned(numbers: list[int]) -> str:
    """What came instead of logits, and what to do, from a child's record, which may lie: each word
    is one of ours, each number a length or a size."""
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
