"""The machine of an evaluation, stored with each report; no names of hosts, users or paths."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from scoring import formats
from scoring.job import PROTOCOL, Plan

LIBRARIES = ("featherweight", *formats.libraries(), "numpy", "scikit-learn", "pillow", "timm")
"""Distributions whose versions decide figures."""


def fingerprint(plan: Plan) -> dict[str, Any]:
    """The machine, and which part of it is used."""
    return {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "architecture": platform.machine(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "device": plan.device,
        "threads": plan.threads,
        "gpu": gpu_model() if plan.device == "cuda" else None,
        "image": os.environ.get("FEATHERWEIGHT_IMAGE"),
    }


def versions() -> dict[str, str]:
    """Versions that decide figures: of the measuring, and of the libraries."""
    found = {"protocol": str(PROTOCOL)}
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


def cpu_model() -> str:
    """The processor's name in /proc/cpuinfo; else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def gpu_model() -> str | None:
    """The GPU's name and the driver's version; None without nvidia-smi."""
    return gpu_facts("name,driver_version")


def gpu_clocks() -> str | None:
    """The GPU's clocks and temperature now; None without nvidia-smi."""
    return gpu_facts("clocks.sm,clocks.mem,temperature.gpu")


def gpu_facts(fields: str) -> str | None:
    """Facts of nvidia-smi, or None. torch is not asked, because it starts CUDA in this process."""
    query = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None
