"""What a team can do about a TorchScript model that fails, or that will fail.

Standard library only. Facts come from the archive (`slips`) and from the text of torch's errors.
"""

from __future__ import annotations

import re
from typing import get_args

from scoring.job import Device, Dtype, InputSpec, Job, Model
from scoring.sentences import Sentence, say

RANDOM = frozenset(
    f"aten::{name}"
    for name in (
        *("rand", "rand_like", "randn", "randn_like", "randint", "randint_like", "randperm"),
        *("bernoulli", "bernoulli_", "multinomial", "normal", "normal_", "uniform_", "random_"),
    )
)
"""Operators that draw random numbers."""
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
"""torch's own names of dtypes in its errors, by our name."""
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
    r"|AssertionError:?$"  # without words: only the input's size can be wrong then
)
"""Errors of torch 2.13 and timm 1.0 about images of another size than the model was made for."""
ABOUT_CHANNELS = re.compile(r"to have (\d+) channels")
ABOUT_TRAINING = re.compile(r"per channel when training")
ABOUT_ARGUMENTS = re.compile(
    r"missing value for argument|Expected a value of type|Expected at most \d+ argument"
)
ABOUT_REACHING_OUT = re.compile(
    r"unable to open file|[Pp]ermission denied|Operation not permitted|No such file"
    r"|Resource temporarily|[Tt]hread creation|(?:create|start|spawn) .{0,20}\bthread"
)


def notes(model: Model, spec: InputSpec, device: Device) -> tuple[Sentence, ...]:
    """What may make an accepted archive fail in an evaluation, each with what helps."""
    found = []
    if model.devices and device == "cpu":
        found.append(
            say(
                "Its code names the device %(devices)s. This fails when the model runs on "
                "the CPU. Export the model on the CPU: model.cpu(), and device=x.device for "
                "tensors made in forward.",
                devices=", ".join(model.devices),
            )
        )
    if model.in_training:
        found.append(
            say(
                "Its code runs layers in training mode, so its answers change: %(layers)s. "
                "Call model.eval() before you trace, script or freeze it.",
                layers=", ".join(model.in_training),
            )
        )
    if drawn := sorted(RANDOM & set(model.operators)):
        found.append(
            say(
                "Its code draws random numbers (%(drawn)s). A model whose answers change "
                "when it is asked again gets no score.",
                drawn=", ".join(drawn),
            )
        )
    if "float64" in model.dtypes and "float32" not in model.dtypes:
        found.append(
            say(
                "Its weights are float64, but images are %(dtype)s. Cast inside the model, "
                "x.to(torch.float64), or export it as float32: model.float().",
                dtype=spec.dtype,
            )
        )
    return tuple(found)


def advice(
    code: str, raised: str, *, model: Model, job: Job, has_answered: bool
) -> tuple[Sentence, ...]:
    """What to do about a failure, by its code and the error's text; empty if nothing is known.

    Without a text, a device that the archive names is the likely cause. A model that has answered
    found all its devices, so then the device is not the cause.
    """
    if code == "answers_change":
        return found_in_training(model)
    named = () if has_answered else model.devices
    if job.plan.device == "cpu" and (ABOUT_DEVICE.search(raised) if raised else named):
        return (DEVICE.about(devices=", ".join(model.devices) or "cuda"),)
    if code != "wrong_input":
        return ()
    spec = model.input or job.input
    if ABOUT_DTYPE.search(raised):
        return (about_dtype(raised, spec, model),)
    if (channels := ABOUT_CHANNELS.search(raised)) and channels[1] != "3":
        return (CHANNELS.about(channels=channels[1]),)
    least, most = job.bounds.min_size, job.bounds.max_size
    by_error = (
        (ABOUT_TRAINING, EVAL),
        (ABOUT_ARGUMENTS, ONE_TENSOR),
        (ABOUT_REACHING_OUT, CLOSED),
        (ABOUT_SIZE, SIZE.about(height=spec.height, width=spec.width, least=least, most=most)),
    )
    return next(((said,) for error, said in by_error if error.search(raised)), ())


DEVICE = say(
    "The model names the device %(devices)s, but here it runs on the CPU. Export the model "
    "on the CPU: torch.load(..., map_location='cpu'), model.cpu() before torch.jit.trace or "
    "script, and device=x.device for tensors made in forward."
)
CHANNELS = say("Images have 3 channels, RGB. Make %(channels)s of them inside the model.")
EVAL = say("Call model.eval() before you trace, script or freeze it.")
ONE_TENSOR = say("A model takes one tensor: the batch of images.")
CLOSED = say(
    "A model must not open files or start threads (torch.jit.fork). Change it so that it "
    "does neither."
)
SIZE = say(
    "If the model was made for images of another size than %(height)s x %(width)s, declare "
    "input_size in the archive's featherweight.json: %(least)s to %(most)s pixels per side."
)


def about_dtype(raised: str, spec: InputSpec, model: Model) -> Sentence:
    """What to do if the model wants another dtype than its images have."""
    named = {
        dtype
        for word in DTYPE_NAME.findall(raised)
        for dtype, names in NAMES.items()
        if word in names
    }
    wanted = sorted((named - {spec.dtype}) & set(model.dtypes))
    if not wanted:  # no weights have that dtype, so the model makes such numbers itself
        return say("Two types of numbers are mixed inside the model. Cast one to the other.")
    if len(wanted) > 1:
        return say(
            "Cast inside the model, x.to(self.weight.dtype), or export it as float32: "
            "model.float()."
        )
    if wanted[0] in DECLARABLE:
        return say(
            "If the model needs %(dtype)s, declare dtype %(dtype)s in the archive's "
            "featherweight.json, or cast inside the model: x.to(torch.%(dtype)s).",
            dtype=wanted[0],
        )
    return say(
        "%(dtype)s cannot be declared. Cast inside the model, x.to(torch.%(dtype)s), or export it "
        "as float32: model.float().",
        dtype=wanted[0],
    )


def found_in_training(model: Model) -> tuple[Sentence, ...]:
    """Which kinds of layers the archive's code applies in training mode; empty if none."""
    if not model.in_training:
        return ()
    layers = ", ".join(model.in_training)
    return (say("Layers in training mode in this file: %(layers)s.", layers=layers),)
