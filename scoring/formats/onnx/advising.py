"""What a team can do about an ONNX model that fails, or that will fail.

Standard library only. Facts come from the file and from the text of onnxruntime's errors.
"""

from __future__ import annotations

import re

from scoring.job import Device, InputSpec, Job, Model
from scoring.sentences import Fact, Sentence, say

DIMENSION = re.compile(r"index: (\d+) Got: (\d+) Expected: (\d+)")
RANK = re.compile(r"Invalid rank for input: .*? Got: (\d+) Expected: (\d+)")
DTYPE = re.compile(r"Unexpected input data type\. Actual: \((\S+)\) ?, expected: \((\S+)\)")
NUMBERS = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
    "tensor(double)": "float64",
}
"""onnxruntime's names of number types, and those of an input spec."""
FREE_BATCH = say(
    'Export with a variable batch size: dynamic_shapes=({0: torch.export.Dim("n", '
    'max=1024)},), or dynamic_axes={"input": {0: "n"}} with dynamo=False.'
)


def notes(model: Model, spec: InputSpec, device: Device) -> tuple[Sentence, ...]:
    """What may make an accepted model fail or be slow, each with what helps."""
    if "float16" not in model.dtypes:
        return ()
    return (say("Its weights are float16, which is not faster on a CPU. Export float32."),)


def advice(code: str, raised: str, *, model: Model, job: Job) -> tuple[Sentence, ...]:
    """What to do about a failure, by its code and the error's text; empty if nothing is known."""
    if code != "wrong_input":
        return ()
    spec = model.input or job.input
    if found := DIMENSION.search(raised):
        dimension, got, expected = map(int, found.groups())
        return about_side(dimension, got, expected, job)
    if found := RANK.search(raised):
        said = say(
            "The model expects %(wanted)s dimensions, but images have %(got)s.",
            wanted=found[2],
            got=found[1],
        )
        return (said,)
    if found := DTYPE.search(raised):
        wanted = NUMBERS.get(found[2].rstrip(")") + ")", found[2])
        said = say(
            "The model expects %(wanted)s, but images are %(dtype)s. Declare dtype "
            "%(wanted)s in the file's metadata featherweight.json, or export it with an "
            "example of %(dtype)s.",
            wanted=wanted,
            dtype=spec.dtype,
        )
        return (said,)
    return ()


def about_side(dimension: int, got: int, expected: int, job: Job) -> tuple[Sentence, ...]:
    """What to do about one side of the input that is fixed to another size."""
    facts: dict[str, Fact] = {"dimension": dimension, "got": got, "expected": expected}
    if dimension == 0:
        batch = say(
            "The model's first dimension, the batch, is fixed to %(expected)s, but batches "
            "have %(got)s."
        )
        return batch.about(**facts), FREE_BATCH
    if dimension == 1:
        return (
            say("The model expects %(expected)s channels, but images have 3, RGB.").about(**facts),
        )
    sides = {
        2: say(
            "The model's dimension 2, the height, is fixed to %(expected)s, but images have "
            "%(got)s."
        ),
        3: say(
            "The model's dimension 3, the width, is fixed to %(expected)s, but images have %(got)s."
        ),
    }
    other = say(
        "The model's dimension %(dimension)s is fixed to %(expected)s, but images have %(got)s."
    )
    declare = say(
        "Declare input_size in the file's metadata featherweight.json: %(least)s to %(most)s "
        "pixels per side.",
        least=job.bounds.min_size,
        most=job.bounds.max_size,
    )
    return sides.get(dimension, other).about(**facts), declare
