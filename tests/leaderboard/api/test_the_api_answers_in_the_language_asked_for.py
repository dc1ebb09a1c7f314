"""Sentences follow the header Accept-Language; codes, names of fields and numbers never do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rest_framework.test import APIClient

from leaderboard.models import Competition, Submission, Team
from scoring.report import Failure
from scoring.sentences import Sentence
from tests.leaderboard.conftest import failure, finish

KOREAN = {"Accept-Language": "ko-KR,ko;q=0.9,en;q=0.5"}


@pytest.fixture(autouse=True)
def _languages(settings: Any) -> None:
    settings.LANGUAGES = [("en", "English"), ("ko", "Korean")]


def test_a_refusal_is_said_in_the_language(client: APIClient, competition: Competition) -> None:
    address = f"/api/v2/competitions/{competition.slug}/boards/private"
    english, korean = client.get(address).json(), client.get(address, headers=KOREAN).json()
    assert english["code"] == korean["code"] == "board_not_published"
    assert (
        english["detail"] == "You can see the private board when the organizers have published it."
    )
    assert korean["detail"] == "비공개 순위표는 주최자가 발표한 뒤에 볼 수 있습니다."


def test_facts_stand_in_the_sentence(anonymous: APIClient, competition: Competition) -> None:
    answer = anonymous.get("/api/v2/competitions/wsate", headers=KOREAN).json()
    assert answer["detail"] == "wsate 대회가 없습니다. waste 대회를 찾으셨습니까?"


@pytest.mark.parametrize(
    ("address", "code", "detail"),
    [
        ("/api/v2/nowhere", "not_found", "이 주소에 내용이 없거나"),
        ("/api/v2/me", "not_authenticated", "프로필 페이지에서 만들 수"),
    ],
)
@pytest.mark.django_db
def test_problems_of_no_service_too(
    anonymous: APIClient, address: str, code: str, detail: str
) -> None:
    answer = anonymous.get(address, headers=KOREAN).json()
    assert answer["code"] == code
    assert detail in answer["detail"]


def test_a_failure_is_said_in_the_language(
    client: APIClient, team: Team, submit: Callable[..., Submission]
) -> None:
    submission = submit(team)
    said = "featherweight.json is not JSON."  # as the engine says it
    found = Failure("bad_declaration", (Sentence(said),))
    finish(submission.latest_evaluation, replace(failure(), failure=found))
    address = f"/api/v2/submissions/{submission.pk}"
    english = client.get(address).json()["failure"]
    korean = client.get(address, headers=KOREAN).json()["failure"]
    assert english["code"] == korean["code"] == "bad_declaration"
    assert english["message"] == said
    assert korean["message"].startswith("featherweight.json")
    assert korean["message"] != english["message"]


def test_fields_and_states_are_the_same_in_each_language(
    client: APIClient, team: Team, scored: Callable[..., Submission]
) -> None:
    address = f"/api/v2/submissions/{scored(team).pk}"
    english, korean = client.get(address).json(), client.get(address, headers=KOREAN).json()
    assert english.keys() == korean.keys()
    said = {
        "doing": None,
        "isolation": None,
        "prospect": None,
    }  # sentences, in the language asked for
    assert {**korean, **said} == {**english, **said}
    assert korean["isolation"]["is_weak"] == english["isolation"]["is_weak"]
    assert korean["isolation"]["layers"] != english["isolation"]["layers"]
    assert korean["prospect"].keys() == english["prospect"].keys()
    assert korean["prospect"]["advice"] != english["prospect"]["advice"]


def test_another_language_than_there_is_gives_english(
    anonymous: APIClient, competition: Competition
) -> None:
    answer = anonymous.get("/api/v2/nowhere", headers={"Accept-Language": "fr"}).json()
    assert answer["detail"].startswith("There is nothing at this address")
