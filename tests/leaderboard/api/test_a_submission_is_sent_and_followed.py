"""From POST to a score, through the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from rest_framework.test import APIClient

from leaderboard.models import Competition, Evaluation, Submission, Team, User
from leaderboard.services import competitions, recording, running, webhooks
from scoring.sentences import say
from tests.leaderboard.api.conftest import API, Upload, client_of
from tests.leaderboard.conftest import SAID, WEAK, failure, finish, report

pytestmark = pytest.mark.django_db


def test_an_upload_is_answered_by_201_and_where_to_look(
    team: Team, client: APIClient, upload: Upload, model: bytes
) -> None:
    answer = upload(model, note="first try", key="run-1")
    body = answer.json()
    assert answer.status_code == 201
    assert body["is_new"] is True
    assert answer["Location"] == body["url"]
    assert client.get(answer["Location"]).json() == {k: body[k] for k in body if k != "is_new"}
    assert (body["state"], body["note"], body["file_name"]) == ("queued", "first try", "model.pt")
    assert body["team"] == {"id": team.pk, "name": "Sorters", "competition": "waste"}
    assert body["queue"] == {"position": 1, "length": 1, "wait_seconds": 0, "is_held": False}
    assert body["static"]["parameters"] == 12
    assert body["score"] is body["quality"] is body["private"] is None
    assert Submission.objects.get().door == "api"


def test_the_same_model_again_is_answered_by_200_and_the_first_submission(
    team: Team, upload: Upload, teammate: User, model: bytes
) -> None:
    first = upload(model).json()
    again = upload(model, by=teammate)
    assert (again.status_code, again.json()["is_new"]) == (200, False)
    assert again.json()["id"] == first["id"]
    assert again["Location"] == first["url"]


def test_an_idempotency_key_makes_a_retry_safe(
    team: Team, upload: Upload, make_model: Callable[..., bytes]
) -> None:
    first = upload(make_model(1), key="run-17")
    assert upload(make_model(1), key="run-17").json()["id"] == first.json()["id"]
    other = upload(make_model(2), key="run-17")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


def test_the_same_model_of_another_team_is_another_submission(
    team: Team, rivals: Team, upload: Upload, rival: User, model: bytes
) -> None:
    assert upload(model).status_code == 201
    assert upload(model, by=rival).status_code == 201


def test_a_score_is_shown_taken_apart(
    team: Team, client: APIClient, upload: Upload, model: bytes
) -> None:
    url = upload(model).json()["url"]
    finish(
        Evaluation.objects.get(submission__team=team), report(quality_public=0.75, time_ratio=0.5)
    )
    body = client.get(url).json()
    assert body["state"] == "scored"
    assert body["score"]["score"] == pytest.approx(0.25 + 0.268941, abs=1e-6)
    assert body["score"]["terms"]["time"] == 0.25
    assert body["score"]["terms"]["quality"] == pytest.approx(0.268941, abs=1e-6)
    assert body["score"]["half_width"] == 0.005
    assert body["quality"] == 0.75
    assert body["f1_by_class"] == {"Metal": 0.75, "Paper": 0.75, "Plastic": 0.75}
    assert (body["time_ratio"], body["half_width"]) == (0.5, 0.01)
    assert (body["seconds_per_image"], body["reference_seconds_per_image"]) == (0.005, 0.01)
    prospect = body["prospect"]
    assert (prospect["rank"], prospect["ranked"], prospect["is_best"]) == (1, 1, True)
    assert prospect["own"] is prospect["change"] is prospect["step"] is None
    assert body["confusion"]["Metal"] == {"Metal": 100, "Paper": 0, "Plastic": 0}
    assert body["queue"] is body["failure"] is body["error"] is None


def test_a_failure_says_what_the_team_should_know(
    team: Team, client: APIClient, upload: Upload, model: bytes
) -> None:
    url = upload(model).json()["url"]
    finish(Evaluation.objects.get(submission__team=team), failure("wrong_output", "Expected 3."))
    body = client.get(url).json()
    assert body["state"] == "failed"
    assert (body["failure"]["code"], body["failure"]["message"]) == ("wrong_output", "Expected 3.")
    assert body["failure"]["command"].startswith("python -m scoring try ")


def test_a_dry_run_and_what_shut_the_model_in_are_told(
    team: Team, client: APIClient, upload: Upload, model: bytes
) -> None:
    url = upload(model).json()["url"]
    body = client.get(url).json()
    assert body["dry_run"] is body["isolation"] is None
    finish(Evaluation.objects.get(submission__team=team), replace(failure(), isolation=WEAK))
    body = client.get(url).json()
    assert body["dry_run"] == {"images": 8, "output": SAID, "is_cut": True}
    assert body["isolation"] == {
        "layers": [],
        "missing": ["filter of system calls (only for computing)"],
        "is_weak": True,
    }


def test_our_own_error_shows_a_fixed_sentence_only(
    team: Team, client: APIClient, upload: Upload, model: bytes
) -> None:
    url = upload(model).json()["url"]
    for _ in range(3):
        claimed = running.claim(team.competition.profile)
        assert claimed
        recording.give_back(claimed, code="internal", said=say("image private/0007.png broke"))
    answer = client.get(url)
    assert answer.json()["state"] == "error"
    assert "because of the service" in answer.json()["error"]
    assert b"private/" not in answer.content


def test_a_running_one_shows_its_progress(
    team: Team, client: APIClient, upload: Upload, model: bytes
) -> None:
    url = upload(model).json()["url"]
    claimed = running.claim(team.competition.profile)
    assert claimed
    claimed.note(stage="timing", percent=40, remaining_seconds=12.0)
    body = client.get(url).json()
    shown = [body[name] for name in ("state", "stage", "percent", "remaining_seconds", "queue")]
    assert shown == ["running", "timing", 40, 12, None]


def test_waiting_for_what_is_finished_takes_no_time(
    team: Team, client: APIClient, scored: Callable[..., Submission]
) -> None:
    submission = scored(team)
    body = client.get(f"{API}/submissions/{submission.pk}?wait=60").json()
    assert body["state"] == "scored"


@pytest.mark.parametrize("wait", ["-1", "61", "soon", "nan"])
def test_a_wait_that_is_no_time_is_refused(
    team: Team, client: APIClient, scored: Callable[..., Submission], wait: str
) -> None:
    answer = client.get(f"{API}/submissions/{scored(team).pk}?wait={wait}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert "wait" in answer.json()["fields"]


def test_the_list_has_my_teams_submissions_only(
    team: Team, rivals: Team, client: APIClient, submit: Callable[..., Submission], rival: User
) -> None:
    mine, other = submit(team), submit(rivals)
    body = client.get(f"{API}/submissions").json()
    assert (body["count"], [one["id"] for one in body["results"]]) == (1, [mine.pk])
    assert client.get(f"{API}/submissions?competition=other").json()["count"] == 0
    theirs = client_of(rival).get(f"{API}/submissions?competition=waste").json()
    assert [one["id"] for one in theirs["results"]] == [other.pk]


def test_a_withdrawn_one_leaves_the_board(
    team: Team, client: APIClient, scored: Callable[..., Submission]
) -> None:
    submission = scored(team)
    body = client.post(f"{API}/submissions/{submission.pk}/withdraw").json()
    assert body["withdrawn_at"]
    assert client.get(f"{API}/competitions/waste/boards/public").json()["count"] == 0


def test_no_door_tells_a_quality_beyond_the_decimals_of_the_pages(
    team: Team, client: APIClient, scored: Callable[..., Submission]
) -> None:
    Competition.objects.update(min_quality=0.75)
    exact = 622 / 839
    submission = scored(Team.objects.get(pk=team.pk), quality_public=exact, time_ratio=0.5)
    told = client.get(f"{API}/submissions/{submission.pk}").json()
    assert told["quality"] == 0.7414
    assert set(told["f1_by_class"].values()) == {0.7414}
    assert told["prospect"]["quality_to_gate"] == 0.0087
    [row] = client.get(f"{API}/competitions/waste/boards/public").json()["results"]
    assert row["quality"] == 0.7414
    for figure in (told["score"]["score"], *told["score"]["terms"].values(), row["score"]):
        assert figure == round(figure, 6)
    assert webhooks.scored(submission.evaluation)["quality"] == 0.7414
    assert webhooks.scored(submission.evaluation)["score"] == told["score"]["score"]


def test_private_figures_are_shown_once_published(
    team: Team, client: APIClient, organizer: User, scored: Callable[..., Submission]
) -> None:
    submission = scored(team, quality_public=0.75, quality_private=0.65, time_ratio=0.5)
    competitions.close(competition=team.competition, by=organizer)
    assert client.get(f"{API}/submissions/{submission.pk}").json()["private"] is None
    competitions.publish(competition=team.competition, by=organizer)
    private = client.get(f"{API}/submissions/{submission.pk}").json()["private"]
    assert private["quality"] == 0.65
    assert private["score"] == pytest.approx(0.25 + 0.731059, abs=1e-6)
