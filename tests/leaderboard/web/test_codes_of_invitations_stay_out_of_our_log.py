"""Django logs the path of an error. The code of an invitation is left out of it."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from leaderboard.models import User


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """What the site's own handler writes."""
    written = io.StringIO()
    ours = next(one for one in logging.getLogger().handlers if one.name == "stderr")
    handler = logging.StreamHandler(written)
    handler.setFormatter(ours.formatter)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


def test_not_where_it_is_unknown_nor_in_the_page_before_a_sign_in(
    browser: Callable[..., Client], outsider: User, said: io.StringIO
) -> None:
    for address in (
        "/invitations/a-Secret_Code/",
        "/invitations/a-Secret_Code/nothing",
        "/accounts/nothing/?next=%2Finvitations%2Fa-Secret_Code%2F",
    ):
        assert browser(outsider).get(address).status_code == 404
    try:
        raise ValueError("https://example.org/invitations/a-Secret_Code/")
    except ValueError:
        logging.getLogger("leaderboard").exception("Broken: /invitations/a-Secret_Code/")
    assert said.getvalue().count("invitations/-") >= 4
    assert "Secret" not in said.getvalue()
