"""A direct upload ends once, whatever answers are lost and whoever else asks at the same time."""

from __future__ import annotations

from typing import Any

import pytest

from leaderboard.models import Competition, PartialUpload, Submission, Team, User
from leaderboard.services import competitions, partial_uploads
from leaderboard.services.objects import ObjectStorage
from tests.leaderboard.api.conftest import API
from tests.leaderboard.api.test_files_may_lie_in_a_bucket import TUS, Sender, is_refused, sender
from tests.leaderboard.bucket import bucket, server

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bucket")]


__all__ = ["bucket", "sender", "server"]


def test_a_lost_answer_of_the_end_is_given_again(
    sender: Sender, team: Team, model: bytes, organizer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    Competition.objects.update(submissions_per_day=1)
    sender.send(model)
    with monkeypatch.context() as killed:
        killed.setattr(partial_uploads, "end", lambda upload: None)
        first = sender.end()
    assert first.status_code == 201
    assert PartialUpload.objects.get().submission is None
    competitions.pause(competition=team.competition, message="", by=organizer)
    again = sender.end()
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


def test_two_requests_at_one_time_do_not_mix(
    sender: Sender, model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender.send(model)
    upload = PartialUpload.objects.get()
    address = f"{API}/uploads/{sender.key}"
    with partial_uploads.held(upload):
        for answer in (
            sender.end(),
            sender.end("trial"),
            sender.client.delete(address, headers=TUS),
        ):
            assert is_refused(answer, 423, "upload_busy")
    fetch = ObjectStorage.fetch

    def late(there: ObjectStorage, name: str, target: Any) -> None:
        fetch(there, name, target)
        there.delete(name)  # by another machine, which knows no lock of this one

    with monkeypatch.context() as raced:
        raced.setattr(ObjectStorage, "fetch", late)
        assert is_refused(sender.end(), 404, "unknown_upload")
    assert is_refused(sender.end("trial"), 404, "unknown_upload")
    assert not Submission.objects.exists()

    sender.send(model)
    complete = ObjectStorage.complete

    def twice(there: ObjectStorage, *told: Any) -> None:
        complete(there, *told)
        complete(there, *told)

    monkeypatch.setattr(ObjectStorage, "complete", twice)
    assert sender.end().status_code == 201, "another machine was quicker"
