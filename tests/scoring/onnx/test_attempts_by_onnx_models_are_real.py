"""An attempt of the self-test must succeed without a sandbox, or it proves nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

from scoring import formats
from scoring.formats.contract import Attempt
from scoring.job import Plan
from scoring.sandbox import selftest

ONNX = formats.named("onnx")
PROGRAM = """
import os, sys
os.chdir("/")
from scoring import formats
import torch
model = formats.runtime("onnx", "cpu").load(sys.stdin.buffer.read())
assert model(torch.ones(1, 3, 8, 8)).shape == (1, 2)
print(len(os.listdir("/proc/self/task")))
"""


def run_unlocked(attempt: Attempt) -> subprocess.CompletedProcess[bytes]:
    root = str(Path(__file__).parents[3])
    variables = {"PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=attempt.archive,
        env={**variables, "HOME": "/nonexistent"},
        capture_output=True,
        check=False,
    )


def test_every_kind_of_attempt_succeeds_in_a_plain_process() -> None:
    with selftest.baits() as (secret, victim):
        attempts = list(ONNX.attempts(secret, victim, is_gpu=False))[:3]  # the others: another file
        for attempt in attempts:
            done = run_unlocked(attempt)
            assert done.returncode == 0, done.stderr[-500:]
            assert done.stdout == b"1\n"  # no thread that nobody asked for
            assert selftest.snapshot(victim) == {"file": bytes(8)}


def test_a_file_made_by_hand_is_one_that_onnxruntime_loads() -> None:
    model = formats.runtime("onnx", "cpu").load(ONNX.honest())
    assert model(torch.ones(1, 3, 8, 8)).shape == (1, 2)


def test_the_sandbox_holds_them_also_with_threads() -> None:
    assert selftest.breaches(Plan(threads=2)) == ()
