"""The static report of a model file: the gate's facts, and what may make the model fail later.

Standard library only, so that a participant's machine can make it.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scoring import formats
from scoring.dataclass_json import Json
from scoring.job import Device, InputBounds, InputSpec, Model
from scoring.sentences import Sentence, say


@dataclass(frozen=True)
class Checked(Json):
    """A file that the gate accepts."""

    model: Model
    """With its input spec if the competition is known."""
    declared: dict[str, Any] | None
    notes: tuple[Sentence, ...]
    """What may make it fail in an evaluation, each with what helps."""

    def to_json(self) -> dict[str, Any]:
        """The model's facts, the declaration and the notes in one object."""
        notes = [note.to_json() for note in self.notes]
        found = {"declared": self.declared, "notes": notes}
        return {"status": "accepted", **self.model.to_json(), **found}


def check(
    file: Path,
    *,
    default: InputSpec | None = None,
    bounds: InputBounds | None = None,
    device: Device = "cpu",
) -> Checked:
    """What the site's gate says of a file. Raises `Rejected` with the code of its refusal.

    `default` and `bounds`: the competition's input spec and bounds, if they are known.
    """
    found = formats.inspect(file, default=default, bounds=bounds, device=device)
    model, spec = found.model, found.model.input
    assert spec is not None
    notes = found.format.notes(model, spec, device)
    return Checked(model if default else replace(model, input=None), found.declared, notes)


def table(checked: Checked, speak: Callable[[Sentence], str] = str) -> str:
    """The report for people, with one fact on each line. `speak` says it in a language."""
    model, spec = checked.model, checked.model.input
    parameters = say("%(number)s (buffers included)", number=f"{model.parameters:,}")
    nothing = say("nothing")
    rows = [
        (say("SHA-256"), model.sha256),
        (say("bytes"), f"{model.bytes:,}"),
        (say("parameters"), speak(parameters)),
        (say("number types"), ", ".join(model.dtypes)),
        *quantization(model, speak),
        *network(model),
        (say("operators"), ", ".join(model.operators)),
        (say("declared"), json.dumps(checked.declared) if checked.declared else speak(nothing)),
    ]
    if spec:
        shape = f"{spec.batch_size} x 3 x {spec.height} x {spec.width}"
        rows.append((say("input"), f"{spec.dtype} {shape}"))
    rows += [(say("notes"), speak(note)) for note in checked.notes]
    return "\n".join(f"{padded(speak(name))}{value}" for name, value in rows)


def network(model: Model) -> list[tuple[Sentence, str]]:
    """The row that is the same for copies of a network with other weights or number types."""
    return [(say("network"), model.structure)] if model.structure else []


def quantization(model: Model, speak: Callable[[Sentence], str]) -> list[tuple[Sentence, str]]:
    """The row about int8, if the model has any."""
    if not model.quantized_layers:
        return []
    told = say(
        "%(quantized)s of %(layers)s layers; fast with VNNI",
        quantized=model.quantized_layers,
        layers=model.layers,
    )
    return [(say("int8"), speak(told))]


def padded(name: str) -> str:
    """A name as wide as the column of names. Korean letters are two columns wide."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in name)
    return name.ljust(14 - wide)
