"""Rows keep templates and facts. Each reader gets the sentence in the own language."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from leaderboard import sentences
from leaderboard.locale import catalogues
from leaderboard.models import Evaluation, Submission, Team, User
from scoring.job import Failure
from scoring.sentences import Sentence, say
from tests.leaderboard.conftest import failure, finish

PLACEHOLDER = re.compile(r"%\((\w+)\)[sdg]")
SAID = (
    say("The record %(name)s cannot be read.", name="'data/7 %s'"),
    say("Save and upload the model again."),
)
ENGLISH = "The record 'data/7 %s' cannot be read. Save and upload the model again."
KOREAN = "'data/7 %s' 레코드를 읽을 수 없습니다. 모델을 다시 저장해서 업로드하십시오."


@pytest.fixture
def failed(team: Team, submit: Callable[..., Submission]) -> Submission:
    submission = submit(team)
    finish(submission.latest_evaluation, replace(failure(), failure=Failure("truncated_zip", SAID)))
    return submission


@pytest.mark.parametrize(("language", "message"), [("en", ENGLISH), ("ko", KOREAN)])
@pytest.mark.django_db
def test_a_stored_failure_is_read_in_two_languages(
    failed: Submission, owner: User, settings: Any, language: str, message: str
) -> None:
    settings.LANGUAGES = [("en", "English"), ("ko", "한국어")]
    client = Client(headers={"accept-language": language})
    client.force_login(owner)
    page = client.get(failed.get_absolute_url()).content.decode()
    assert message in page.replace("&#x27;", "'")
    body = client.get(f"/api/v2/submissions/{failed.pk}").json()
    assert (body["failure"]["code"], body["failure"]["message"]) == ("truncated_zip", message)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            "wrong_output",
            say(
                "The model must return one float tensor of shape %(wanted)s, one logit for each "
                "class.",
                wanted="(8, 6)",
            ),
        ),
        (
            "wrong_input",
            say("The model raised an error on its first input, %(fed)s.", fed="(8, 3, 64, 64)"),
        ),
    ],
)
@pytest.mark.django_db
def test_a_failed_model_is_explained_in_korean_before_its_code(
    team: Team, owner: User, submit: Callable[..., Submission], code: str, told: Sentence
) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, replace(failure(), failure=Failure(code, (told,))))
    client = Client(headers={"accept-language": "ko"})
    client.force_login(owner)
    page = client.get(submission.get_absolute_url()).content.decode()
    with translation.override("ko"):
        korean = sentences.said(told)
    assert korean != str(told)
    assert str(told) not in page
    assert f"{korean} <small><code>{code}</code></small>" in page


@pytest.mark.django_db
def test_a_row_holds_no_finished_sentence(failed: Submission) -> None:
    evaluation = Evaluation.objects.get(submission=failed)
    assert [Sentence.from_json(one) for one in evaluation.failure_said] == list(SAID)


def test_a_sentence_without_a_translation_stays_english() -> None:
    with translation.override("ko"):
        assert sentences.said(say("No catalogue has %(this)s.", this="x")) == "No catalogue has x."


@pytest.mark.parametrize("code", catalogues.languages())
def test_each_translation_of_the_engine_takes_the_facts_of_its_sentence(code: str) -> None:
    for message in catalogues.read(code):
        if message.id and any(place.startswith("scoring/") for place, _ in message.locations):
            facts = dict.fromkeys(PLACEHOLDER.findall(str(message.id)), 1)
            assert str(message.id) % facts
            assert str(message.string) % facts
