"""Eight of the models of `python -m benchmarks.honest`, which tries many more."""

from pathlib import Path

import pytest

from benchmarks import honest
from scoring.job import Job


@pytest.fixture(scope="module")
def honest_job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return honest.prepared(tmp_path_factory.mktemp("honest"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "candidate",
    list(honest.chosen([], quick=True)),
    ids=lambda candidate: f"{candidate.name}, {candidate.form}",
)
def test_an_honest_model_is_scored(
    candidate: honest.Candidate, honest_job: Job, tmp_path: Path
) -> None:
    outcome = honest.tried(candidate, honest_job, tmp_path)
    assert (outcome.code, outcome.message) == ("scored", "")
