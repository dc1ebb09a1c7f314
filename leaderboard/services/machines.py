"""The machine that measures, as participants may know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leaderboard.models import Competition
from scoring import hardware


@dataclass(frozen=True)
class Machine:
    """A worker's processor and libraries. It has no name of a host, and no kernel."""

    cpu: str
    features: tuple[str, ...] | None = None
    """Instructions of x86 that decide which number types are fast. None: unknown, or not x86."""
    cores: int | None = None
    memory_bytes: int | None = None
    gpu: str = ""
    python: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of the libraries that run models."""

    @property
    def lacks_vnni(self) -> bool:
        """Whether int8 is known to be slow here."""
        return self.is_fast("int8") is False

    @property
    def has_vnni(self) -> bool:
        """Whether int8 is known to be fast here."""
        return self.is_fast("int8") is True

    def is_fast(self, number_type: str) -> bool | None:
        """Whether a number type is faster here than float32. None: unknown, or float32 itself."""
        return None if self.features is None else hardware.is_fast(number_type, self.features)


def of(competition: Competition) -> Machine | None:
    """The machine of a competition: the worker seen last, else the one of the calibration.

    None before any worker has run.
    """
    worker = competition.profile.workers.order_by("-seen_at").first()
    if worker:
        return machine(worker.fingerprint, worker.versions)
    report = competition.calibration.report() if competition.calibration else None
    return machine(report.hardware, report.versions) if report else None


def machine(found: Mapping[str, Any], versions: Mapping[str, str]) -> Machine | None:
    """A machine by its fingerprint; None for an empty one."""
    if not found.get("cpu"):
        return None
    # Where a GPU computes, nothing follows from the processor's instructions.
    features = None if found.get("gpu") else found.get("cpu_features")
    return Machine(
        cpu=found["cpu"],
        features=None if features is None else tuple(features),
        cores=found.get("cores"),
        memory_bytes=found.get("memory_bytes"),
        gpu=found.get("gpu") or "",
        python=found.get("python", ""),
        versions=dict(versions),
    )
