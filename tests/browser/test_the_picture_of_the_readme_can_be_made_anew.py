"""`python -m benchmarks.picture` takes a picture of a board with many teams."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.db import transaction

from benchmarks import picture


@pytest.mark.django_db(transaction=True)
def test_the_picture_of_a_board(chromium: Any, live_server: Any) -> None:
    with transaction.atomic():
        address = picture.fill(12, random.Random(7))
    board = picture.taken(live_server.url + address, chromium)
    assert board.width >= 1000
    assert board.height > 1000  # a row for each team, beside the chart
    assert len(board.convert("RGB").getcolors(1 << 24) or []) > 100  # and no empty page
