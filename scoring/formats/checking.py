"""The static report of a model file: the gate's facts, and what may make the model fail later.

Standard library only, so that a participant's machine can make it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scoring import formats
from scoring.dataclass_json import Json
from scoring.job import Device, InputBounds, InputSpec, Model
from scoring.sentences import Sentence


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
    """The report for people, one fact a line. `speak` says the notes in a language."""
    model, spec = checked.model, checked.model.input
    lines = [
        f"sha256      {model.sha256}",
        f"bytes       {model.bytes:,}",
        f"parameters  {model.parameters:,} (buffers included)",
        f"dtypes      {', '.join(model.dtypes)}",
        *quantization(model),
        f"operators   {', '.join(model.operators)}",
        f"declared    {json.dumps(checked.declared) if checked.declared else 'nothing'}",
    ]
    if spec:
        shape = f"{spec.batch_size} x 3 x {spec.height} x {spec.width}"
        lines.append(f"input       {spec.dtype} {shape}")
    lines += [f"note        {speak(note)}" for note in checked.notes]
    return "\n".join(lines)


def quantization(model: Model) -> list[str]:
    """The line about int8, if the model has any."""
    if not model.quantized_layers:
        return []
    return [f"int8        {model.quantized_layers} of {model.layers} layers; fast with VNNI"]
