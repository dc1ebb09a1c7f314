import json

import pytest

from scoring.job import Job, Report


def test_a_job_comes_back_the_same(job: Job) -> None:
    assert Job.from_json(json.loads(json.dumps(job.to_json()))) == job


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(ValueError, match="speed"):
        Report.from_json({"status": "scored", "speed": 1})
