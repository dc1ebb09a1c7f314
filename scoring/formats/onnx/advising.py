"""What a team can do about an ONNX model that fails, or that will fail.

Standard library only. Facts come from the file and from the text of onnxruntime's errors.
"""

from __future__ import annotations

import re

from scoring.job import Device, InputSpec, Job, Model

DIMENSION = re.compile(r"index: (\d+) Got: (\d+) Expected: (\d+)")
RANK = re.compile(r"Invalid rank for input: .*? Got: (\d+) Expected: (\d+)")
DTYPE = re.compile(r"Unexpected input data type\. Actual: \((\S+)\) ?, expected: \((\S+)\)")
NUMBERS = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
    "tensor(double)": "float64",
}
"""onnxruntime's names of number types, and ours."""
SIDES = ("the batch", "the channels", "the height", "the width")
FREE_BATCH = (
    'Export with a free batch: dynamic_shapes=({0: torch.export.Dim("n", max=1024)},), or '
    'dynamic_axes={"input": {0: "n"}} with dynamo=False.'
)


def notes(model: Model, spec: InputSpec, device: Device) -> tuple[str, ...]:
    """What may make an accepted model fail or be slow, each with what helps."""
    found = []
    if "float16" in model.dtypes:
        found.append("Its weights are float16, which is not faster on a CPU. Export float32.")
    return tuple(found)


def advice(code: str, raised: str, *, model: Model, job: Job) -> str:
    """What to do about a failure, by its code and the error's text; empty if nothing is known."""
    if code != "wrong_input":
        return ""
    spec = model.input or job.input
    if found := DIMENSION.search(raised):
        place, got, expected = map(int, found.groups())
        return about_side(place, got, expected, job)
    if found := RANK.search(raised):
        return f"The model takes {found[2]} dimensions; images come with {found[1]}."
    if found := DTYPE.search(raised):
        wanted = NUMBERS.get(found[2].rstrip(")") + ")", found[2])
        return (
            f"The model takes {wanted}; images come as {spec.dtype}. Declare dtype {wanted} in the "
            "file's metadata featherweight.json, or export it with an example of "
            f"{spec.dtype}."
        )
    return ""


def about_side(place: int, got: int, expected: int, job: Job) -> str:
    """What to do about one side of the input that is fixed to another size."""
    if place == 0:
        return (
            f"The model's first dimension, the batch, is fixed to {expected}; batches of {got} "
            f"come. {FREE_BATCH}"
        )
    if place == 1:
        return f"The model takes {expected} channels; images have 3, RGB."
    name = SIDES[place] if place < len(SIDES) else f"dimension {place}"
    least, most = job.bounds.min_size, job.bounds.max_size
    return (
        f"The model's dimension {place}, {name}, is fixed to {expected}; images have {got}. "
        f"Declare input_size in the file's metadata featherweight.json: {least} to {most} pixels "
        "per side."
    )
