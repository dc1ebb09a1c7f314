"""Redis carries knocks and counts of requests: people upload and sign in while it is away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from celery import Celery
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.test import APIClient

from leaderboard import queue
from leaderboard.models import Submission, Team, User
from leaderboard.services import tokens

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def no_redis(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = NOWHERE
    backend = "leaderboard.cache.ForgivingRedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": NOWHERE}}
    monkeypatch.setattr(queue, "app", Celery(broker=NOWHERE))


@pytest.mark.django_db(transaction=True)  # for what happens after the commit
def test_a_model_is_uploaded(team: Team, owner: User, model: bytes) -> None:
    client = APIClient()
    _, secret = tokens.issue(user=owner, name="tests")
    client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    upload = {"file": SimpleUploadedFile("model.pt", model)}
    answer = client.post("/api/v2/competitions/waste/submissions", upload)
    assert answer.status_code == 201, answer.content
    assert Submission.objects.get().latest_evaluation.state == "queued"


@pytest.mark.parametrize("password", ["a-long-passphrase", "a-wrong-passphrase"])
def test_people_sign_in(owner: User, password: str) -> None:
    client = Client()
    answer = client.post("/accounts/login/", {"login": "owner", "password": password})
    assert answer.status_code == (302 if password == "a-long-passphrase" else 200)
    assert ("_auth_user_id" in client.session) == (answer.status_code == 302)


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (lambda: cache.get("key", "missing"), "missing"),
        (lambda: cache.get_many(["key"]), {}),
        (lambda: cache.has_key("key"), False),
        (lambda: cache.add("key", 1), True),
        (lambda: cache.set("key", 1), None),
        (lambda: cache.set_many({"key": 1}), []),
        (lambda: cache.touch("key"), False),
        (lambda: cache.get_or_set("key", 7), 7),
        (lambda: cache.delete("key"), False),
        (lambda: cache.delete_many(["key"]), None),
        (lambda: cache.clear(), False),
    ],
)
def test_the_cache_answers_as_an_empty_one(call: Callable[[], Any], answer: Any) -> None:
    assert call() == answer


def test_nothing_is_counted() -> None:
    with pytest.raises(ValueError, match="not found"):
        cache.incr("key")
