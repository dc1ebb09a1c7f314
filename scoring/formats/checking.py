"""The static report of a model file: what the gate says of it, and what will make it fail later.

Standard library only, so that a participant's machine can make it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scoring.formats.torchscript import archive
from scoring.job import Device, InputBounds, InputSpec, Json, Limits, Model

RANDOM = frozenset(
    f"aten::{name}"
    for name in (
        *("rand", "rand_like", "randn", "randn_like", "randint", "randint_like", "randperm"),
        *("bernoulli", "bernoulli_", "multinomial", "normal", "normal_", "uniform_", "random_"),
    )
)


@dataclass(frozen=True)
class Checked(Json):
    """A file that the gate accepts."""

    model: Model
    declared: dict[str, Any] | None
    notes: tuple[str, ...]
    """What may make it fail in an evaluation, each with what helps."""

    def to_json(self) -> dict[str, Any]:
        found = {"declared": self.declared, "notes": list(self.notes)}
        return {"status": "accepted", **self.model.to_json(), **found}


def check(
    file: Path,
    *,
    default: InputSpec | None = None,
    bounds: InputBounds | None = None,
    device: Device = "cpu",
) -> Checked:
    """What the site's gate says of a file. Raises `Rejected` with the code of its refusal.

    `default` and `bounds` are the competition's, where they are known.
    """
    limit = Limits().unpacked_bytes
    model = archive.check(file, max_unpacked_bytes=limit, device=device)
    declared = archive.declaration(file)
    spec = archive.input_spec(default or InputSpec(), declared, bounds or InputBounds())
    if default:
        model = replace(model, input=spec)
    return Checked(model, declared, notes(model, spec, device))


def notes(model: Model, spec: InputSpec, device: Device) -> tuple[str, ...]:
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


def table(checked: Checked) -> str:
    """The report for people."""
    model, spec = checked.model, checked.model.input
    lines = [
        f"sha256      {model.sha256}",
        f"bytes       {model.bytes:,}",
        f"parameters  {model.parameters:,} (buffers included)",
        f"dtypes      {', '.join(model.dtypes)}",
        f"operators   {', '.join(model.operators)}",
        f"declared    {json.dumps(checked.declared) if checked.declared else 'nothing'}",
    ]
    if spec:
        shape = f"{spec.batch_size} x 3 x {spec.height} x {spec.width}"
        lines.append(f"input       {spec.dtype} {shape}")
    lines += [f"note        {note}" for note in checked.notes]
    return "\n".join(lines)
