"""What a team can do about a TorchScript model that fails, or that will fail.

Standard library only. Facts come from the archive (`slips`) and from the text of torch's errors.
"""

from __future__ import annotations

import re
from typing import get_args

from scoring.job import Device, Dtype, InputSpec, Job, Model

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


def notes(model: Model, spec: InputSpec, device: Device) -> tuple[str, ...]:
    """What may make an accepted archive fail in an evaluation, each with what helps."""
    found = []
    if model.devices and device == "cpu":
        found.append(
            f"Its code names the device {', '.join(model.devices)}; where it runs on the CPU that "
            "fails. Export it there: model.cpu(), and device=x.device for tensors made in forward."
        )
    if model.in_training:
        found.append(
            f"Its code applies {' and '.join(model.in_training)} in training mode, so that its "
            "answers change. Call model.eval() before you trace, script or freeze it."
        )
    if drawn := sorted(RANDOM & set(model.operators)):
        found.append(
            f"Its code draws random numbers ({', '.join(drawn)}). A model whose answers change "
            "when it is asked again has no score."
        )
    if "float64" in model.dtypes and "float32" not in model.dtypes:
        found.append(
            f"Its weights are float64, and images come as {spec.dtype}. Cast inside the model, "
            "x.to(torch.float64), or export it as float32: model.float()."
        )
    return tuple(found)


def advice(code: str, raised: str, *, model: Model, job: Job, has_answered: bool) -> str:
    """What to do about a failure, by its code and the error's text; empty if nothing is known.

    Without a text, a device that the archive names is the likely cause. A model that has answered
    found all its devices, so then the device is not the cause.
    """
    if code == "answers_change":
        return found_in_training(model)
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
    """What to do if the model wants another dtype than its images have."""
    named = {
        dtype
        for word in DTYPE_NAME.findall(raised)
        for dtype, names in NAMES.items()
        if word in names
    }
    wanted = sorted((named - {spec.dtype}) & set(model.dtypes))
    if not wanted:  # no weights have that dtype, so the model makes such numbers itself
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
    """Which kinds of layers the archive's code applies in training mode; empty if none."""
    if not model.in_training:
        return ""
    return f"In this file, in training mode: {', '.join(model.in_training)}."
