"""The machine of an evaluation, stored with each report; no names of hosts, users or paths."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Collection
from importlib import metadata
from pathlib import Path
from typing import Any

from scoring import formats
from scoring.job import PROTOCOL, Plan

LIBRARIES = ("featherweight", *formats.libraries(), "numpy", "scikit-learn", "pillow", "timm")
"""Distributions whose versions decide figures."""
FEATURES = {
    "AVX2": {"avx2"},
    "AVX-512": {"avx512f"},
    "VNNI": {"avx512_vnni", "avx_vnni"},
    "AVX512-BF16": {"avx512_bf16"},
    "AMX": {"amx_int8", "amx_bf16"},
}
"""Instructions that decide which number types are fast, and the kernel's words for each."""
FAST_WITH = {"int8": {"VNNI"}, "bfloat16": {"AVX512-BF16", "AMX"}, "float16": set[str]()}
"""By number type: the features of which one makes it faster than float32 on a CPU."""


def fingerprint(plan: Plan) -> dict[str, Any]:
    """The machine, and which part of it is used."""
    return {
        "cpu": cpu_model(),
        "cpu_features": cpu_features(),
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
    return cpu_fact("model name") or platform.machine()


def cpu_features() -> list[str] | None:
    """The instructions of `FEATURES` that this processor has.

    None for a processor of another kind than x86, whose instructions have other names.
    """
    flags = set(cpu_fact("flags").split())
    if not flags:
        return None
    return [name for name, signs in FEATURES.items() if flags & signs]


def is_fast(number_type: str, features: Collection[str]) -> bool | None:
    """Whether a number type is faster than float32 on a CPU with these features.

    None for a number type whose speed does not depend on them.
    """
    wanted = FAST_WITH.get(number_type)
    return None if wanted is None else not wanted.isdisjoint(features)


def cpu_fact(name: str) -> str:
    """What /proc/cpuinfo says of the first processor under a name; empty if it says nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    found = (line.partition(":") for line in lines)
    return next((value.strip() for key, _, value in found if key.strip() == name), "")


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
