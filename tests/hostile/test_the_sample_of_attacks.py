"""The attacks of the folder `shared/attacks` end as their list says."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

import scoring
from scoring import training
from scoring.images import sets
from scoring.job import InputSpec, Job, Split

SCRIPT = Path(__file__).resolve().parents[3] / "shared" / "attacks" / "make_attacks.py"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason=f"there is no {SCRIPT.name} here")


@cache
def expected() -> dict[str, str]:
    """The list of the attacks' own script. The script is not run, because it would make
    archives."""
    if not SCRIPT.exists():
        return {}
    for statement in ast.parse(SCRIPT.read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "EXPECTED":
            return dict(ast.literal_eval(statement.value))
    raise AssertionError("the script lists no endings")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attacks")
    subprocess.run(
        [sys.executable, SCRIPT, folder / "made", folder / "canary"],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    return folder


@pytest.fixture(scope="module")
def job_of_ten(job: Job, made: Path) -> Job:
    """The attacks answer with ten logits."""
    digits = training.write_digits(made / "digits.zip", job.input.height)
    shares = {"sample": 0.1, "public": 0.02, "private": 0.02}
    for name, images in sets.share(
        sets.catalogue(digits, verify=False).images, shares, seed=1
    ).items():
        sets.pack(digits, images, made / f"{name}.zip")
    return replace(
        job,
        reference=made / "made" / "benign.pt",
        splits=tuple(Split(name, made / f"{name}.zip") for name in ("public", "private")),
        classes=tuple("0123456789"),
        input=InputSpec(height=job.input.height, width=job.input.width),
        sample=made / "sample.zip",
    )


@pytest.mark.usefixtures("shared_sandbox")
@pytest.mark.parametrize("name", expected())
def test_each_ends_as_listed(name: str, job_of_ten: Job, made: Path) -> None:
    canary = made / "canary"
    report = scoring.evaluate(replace(job_of_ten, submission=made / "made" / f"{name}.pt"))
    assert (
        report.status
        in {
            "scored": ("scored",),
            "refused": ("failed",),
            "failed": ("failed",),
            "contained": ("scored", "failed"),
        }[expected()[name]]
    ), report.failure
    if expected()[name] == "refused":
        # Or FAILED before the first answer: the loader of torch may refuse it.
        assert report.failure
        assert report.isolation is None or report.failure.code == "load_failed"
    assert {path.name for path in canary.iterdir()} == {"labels.bin", "victim", "fifo"}
    assert (canary / "labels.bin").read_bytes() == bytes(range(100, 164))
    assert (canary / "victim").read_bytes() == bytes(8)
    assert str(list(range(100, 108)))[1:-1] not in str(report.dry_run)
