"""Every hostile archive through the engine: it ends as it must, and nothing else happens."""

from __future__ import annotations

import json
import os
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import scoring
from scoring import formats
from scoring.errors import ModelFailed, Rejected
from scoring.job import Job, Report
from scoring.sandbox import areas, outputs, parent, processes, sealing
from scoring.timing.runner import Synthetic
from tests.hostile import making
from tests.hostile.archives import ATTACKS, Attack
from tests.hostile.conftest import LIMITS, MOST_SECONDS, PATIENT, SPEC, descendants, untouched
from tests.hostile.making import CLASSES, HIDDEN, SHOWN, Place

SEEN = f"SEEN-{HIDDEN}"
"""What models say of a hidden image."""


def ending(report: Report) -> str:
    if report.failure is None:
        return report.status
    return "failed" if report.isolation else "refused"


def text_of(report: Report) -> str:
    return json.dumps(report.to_json(), ensure_ascii=False)


@pytest.mark.usefixtures("shared_sandbox")
@pytest.mark.parametrize("name", ATTACKS)
def test_an_upload_ends_as_it_must(name: str, job: Job, place: Place, tmp_path: Path) -> None:
    attack = ATTACKS[name]
    fills_memory = "out_of_memory" in attack.codes
    limits = PATIENT if fills_memory and "timeout" not in str(attack.codes) else LIMITS
    (tmp_path / "upload.pt").write_bytes(attack.write(place))
    before, start = descendants(os.getpid()), time.monotonic()
    with untouched(place):
        report = scoring.evaluate(replace(job, submission=tmp_path / "upload.pt", limits=limits))
    assert time.monotonic() - start < MOST_SECONDS
    assert descendants(os.getpid()) == before
    assert_ended(report, attack)
    for secret in (SEEN, making.SECRET):
        assert secret not in text_of(report)
    for ours in ("Traceback", str(tmp_path), str(place.secret.parent), str(job.reference.parent)):
        assert ours not in text_of(replace(report, dry_run=None))


def assert_ended(report: Report, attack: Attack) -> None:
    code = report.failure.code if report.failure else ""
    assert report.status in ("scored", "failed")
    if attack.ending in ("scored", "refused"):
        assert ending(report) == attack.ending, report.failure
    if code or attack.ending == "failed":
        assert code in attack.codes, report.failure


@pytest.mark.parametrize(
    "name", [name for name, attack in ATTACKS.items() if attack.ending == "refused"]
)
def test_what_the_gate_refuses_the_sandbox_withstands(
    name: str, box: parent.Sandbox, place: Place, tmp_path: Path
) -> None:
    """The gate may not understand every attack, so the sandbox must hold without it."""
    attack = ATTACKS[name]
    path = tmp_path / "upload.pt"
    path.write_bytes(attack.write(place))
    with pytest.raises(Rejected):
        formats.inspect(path)
    before = descendants(os.getpid())
    model = sealing.handed_over(path)
    try:
        with untouched(place):
            found = outcome(box, model)
    finally:
        model.close()
    assert found in attack.alone
    assert descendants(os.getpid()) == before


def outcome(box: parent.Sandbox, model: sealing.SealedModel) -> str:
    allowance = processes.Allowance(LIMITS.total_seconds)
    example = Synthetic(SPEC, 0).call()
    try:
        with (
            closing(areas.Area(SPEC, len(CLASSES))) as area,
            box.child(model, area, allowance, example),
        ):
            return "answered"
    except ModelFailed as failure:
        return failure.code


@pytest.mark.usefixtures("shared_sandbox")
def test_what_is_said_on_the_sample_is_shown_capped_and_printable(
    job: Job, place: Place, tmp_path: Path
) -> None:
    def said(name: str) -> scoring.job.DryRun:
        (tmp_path / f"{name}.pt").write_bytes(ATTACKS[name].write(place))
        report = scoring.evaluate(replace(job, submission=tmp_path / f"{name}.pt"))
        assert report.dry_run
        return report.dry_run

    assert f"SEEN-{SHOWN}" in said("prints what it sees").output
    assert f"SEEN-{SHOWN}" in said("warns of what it sees").output
    assert "SEEN-" in said("raises what it sees").output
    odd = said("prints control characters").output
    assert f"SEEN-{SHOWN}" in odd
    assert all(one.isprintable() or one in "\n\t" for one in odd)
    for name in ("prints without end", "prints a long string at once"):
        flood = said(name)
        assert flood.is_cut
        assert len(flood.output.encode()) <= outputs.OUTPUT_BYTES
