"""An organizer at the panel, and what they send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from leaderboard.models import User
from tests.leaderboard.answers import Answer


@pytest.fixture
def panel(organizer: User) -> Client:
    client = Client()
    client.force_login(organizer)
    return client


@pytest.fixture
def press(panel: Client) -> Callable[..., Answer]:
    """Press a button of a row: its page asks first, then the form is sent."""

    def press(obj: Any, step: str, **fields: Any) -> Answer:
        url = reverse(f"admin:leaderboard_{obj._meta.model_name}_{step}", args=[obj.pk])
        assert panel.get(url).status_code == 200
        return panel.post(url, fields, follow=True)

    return press
