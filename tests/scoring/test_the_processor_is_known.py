"""The instructions of a processor decide which number types are fast. They are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scoring import hardware
from scoring.job import Plan

EPYC = "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx2 avx512f avx512_vnni\n"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    def as_if(text: str) -> None:
        monkeypatch.setattr(Path, "read_text", lambda path: text)

    return as_if


def test_features_are_read_from_what_the_kernel_says(told: Any) -> None:
    told(EPYC)
    assert hardware.cpu_model() == "AMD EPYC"
    assert hardware.cpu_features() == ["AVX2", "AVX-512", "VNNI"]
    told("processor\t: 0\nflags\t\t: fpu sse2\n")
    assert hardware.cpu_features() == []


def test_of_an_arm_processor_nothing_is_said(told: Any) -> None:
    told("processor\t: 0\nFeatures\t: fp asimd asimddp\n")
    assert hardware.cpu_features() is None


def test_a_report_names_them() -> None:
    assert hardware.fingerprint(Plan())["cpu_features"] == hardware.cpu_features()


def test_number_types_are_fast_by_their_instructions() -> None:
    assert hardware.is_fast("int8", ["AVX2", "VNNI"]) is True
    assert hardware.is_fast("int8", ["AVX2"]) is False
    assert hardware.is_fast("bfloat16", ["AMX"]) is True
    assert hardware.is_fast("float16", ["AMX"]) is False
    assert hardware.is_fast("float32", []) is None
