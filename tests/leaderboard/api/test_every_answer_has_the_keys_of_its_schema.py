"""An answer and its schema have the same keys, at every depth."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from leaderboard.models import Announcement, Baseline, Competition, FaqEntry, Submission, Team, User
from leaderboard.services import (
    announcements,
    competitions,
    partial_uploads,
    questions,
    submissions,
    teams,
    telling,
    trials,
    webhooks,
)
from tests.leaderboard.api.conftest import API, ask

pytestmark = pytest.mark.django_db

KEYED = re.compile(r"/(\w+)/{id}")
MAIN = (
    *("/me", "/competitions", "/competitions/{slug}", "/competitions/{slug}/boards/{board}"),
    *("/competitions/{slug}/admission", "/competitions/{slug}/race", "/notices/choices"),
    *("/competitions/{slug}/teams/{team_pk}", "/teams/{id}/tracks"),
    "/competitions/{slug}/baselines/{baseline_pk}",
    *("/competitions/{slug}/announcements", "/notices", "/submissions", "/submissions/{id}"),
    *("/submissions/{id}/measurement", "/teams/{id}/verification"),
    *("/competitions/{slug}/questions", "/competitions/{slug}/faq"),
    *("/teams", "/teams/{id}", "/teams/{id}/invitations", "/teams/{id}/selections", "/tokens"),
    *(
        "/trials/{id}",
        "/competitions/{slug}/uploads",
        "/uploads/{key}",
        "/teams/{id}/webhooks",
        "/teams/{id}/webhooks/{webhook_pk}/deliveries",
    ),
)


def test_answers_have_the_keys_of_the_schema(
    client: APIClient,
    competition: Competition,
    team: Team,
    rivals: Team,
    owner: User,
    organizer: User,
    scored: Callable[..., Submission],
    submit: Callable[..., Submission],
    make_model: Callable[..., bytes],
    baseline: Callable[..., Baseline],
) -> None:
    beside = baseline("MobileNetV3")
    scored(rivals, seed=1, quality_public=0.9)
    best, queued = scored(team, seed=2), submit(team, seed=3)
    hook = webhooks.add(team=team, url="https://hook.example", events=["scored"], by=owner)
    webhooks.ping(webhook=hook, by=owner)
    teams.invite(team=team, by=owner)
    file = SimpleUploadedFile("model.pt", make_model(seed=9))
    trial = trials.begin(competition=competition, team=team, upload=file, by=owner)
    upload = partial_uploads.begin(
        competition=competition, by=owner, size_bytes=9, file_name="m", purpose="submission"
    )
    news = Announcement(competition=competition, title="News", text="Good.")
    announcements.announce(announcement=news, by=organizer)
    asked = questions.ask(competition=competition, text="Why?", by=owner)
    questions.answer(question=asked, text="So.", is_public=True, public_text="", by=organizer)
    FaqEntry.objects.create(competition=competition, question="Where?", answer="Here.")
    ask(team)
    telling.go_on(seconds=60)
    schema = client.get(f"{API}/schema?format=json").json()

    def compared(board: str, submission: Submission) -> set[str]:
        """The addresses whose answers were read."""
        seen = set()
        for path, methods in schema["paths"].items():
            words = {"slug": "waste", "board": board, "webhook_pk": hook.pk}
            words |= {"key": upload.key, "team_pk": team.pk, "baseline_pk": beside.pk}
            if noun := KEYED.match(path.removeprefix(API)):
                keys = {"submissions": submission.pk, "teams": team.pk, "trials": trial.pk}
                words |= {"id": keys[noun[1]]} if noun[1] in keys else {}
            shape = shape_of(methods.get("get", {}))
            if shape and set(re.findall(r"{(\w+)}", path)) <= words.keys():
                answer = client.get(path.format(**words))
                if path.endswith("/snapshot") and answer.status_code == 404:  # not made yet
                    continue
                assert answer.status_code == 200, path
                assert list(differences(answer.json(), shape, schema, path)) == []
                seen.add(path.removeprefix(API))
        return seen

    assert not set(MAIN) - compared("public", queued)
    submissions.withdraw(submission=queued, by=owner)
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    assert not set(MAIN) - compared("private", best)


def shape_of(operation: dict[str, Any]) -> Any:
    """The shape of a JSON answer; None without one."""
    content = operation.get("responses", {}).get("200", {}).get("content", {})
    return content.get("application/json", {}).get("schema")


def differences(found: Any, shape: Any, schema: Any, place: str) -> Iterator[str]:
    """Each place at which an answer has other keys than its shape."""
    while "$ref" in shape or "allOf" in shape:
        ref = shape["$ref"] if "$ref" in shape else shape["allOf"][0]["$ref"]
        shape = schema["components"]["schemas"][ref.rpartition("/")[2]]
    if isinstance(found, list):
        for one in found:
            yield from differences(one, shape["items"], schema, f"{place}[]")
    elif isinstance(found, dict) and "properties" in shape:
        told = {name for name, one in shape["properties"].items() if not one.get("writeOnly")}
        if found.keys() != told:
            yield f"{place}: {sorted(found.keys() ^ told)}"
        for name in found.keys() & told:
            yield from differences(
                found[name], shape["properties"][name], schema, f"{place}.{name}"
            )
