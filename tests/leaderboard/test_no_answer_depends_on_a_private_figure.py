"""Before the publication no answer to a participant depends on a figure of the private split: no
order, filter, page, picture or ETag.

Every address is asked, all private figures are changed, and every address is asked again.
`make sweep` does so in each state of a competition, and as a rival too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from leaderboard.models import Competition, Evaluation, Submission, Team, User
from leaderboard.services import choices, competitions, placing, submissions, telling
from tests.leaderboard.api.conftest import API
from tests.leaderboard.conftest import rewrite, told
from tests.leaderboard.test_a_blind_competition_tells_no_score import (
    LEFT_OUT,
    addresses,
    reader,
)
from tests.sweep import IS_WHOLE

pytestmark = pytest.mark.django_db
BOARD = "/competitions/waste/boards/public"


@pytest.fixture
def sent(
    competition: Competition, team: Team, rivals: Team, scored: Callable[..., Submission]
) -> Submission:
    """On the public board the rivals lead; on the private one the team does."""
    scored(rivals, seed=1, quality_public=0.83, quality_private=0.61, time_ratio=0.4)
    scored(team, seed=2, quality_public=0.74, quality_private=0.81, time_ratio=0.6)
    gone = scored(team, seed=4, quality_public=0.78, quality_private=0.71, time_ratio=0.7)
    submissions.withdraw(submission=gone, by=gone.uploaded_by)
    best = scored(team, seed=3, quality_public=0.76, quality_private=0.72, time_ratio=0.5)
    telling.go_on(seconds=60)
    return best


def asked(sent: Submission) -> Iterator[str]:
    yield from (url for url in addresses(sent) if not url.endswith(LEFT_OUT))
    for sort in choices.COLUMNS:
        yield f"{API}{BOARD}?sort={sort}&limit=1"
        yield f"{BOARD}/?sort=-{sort}&q=s"
    yield f"{API}/submissions?limit=1"
    yield f"{BOARD}/?rank=1"
    yield f"{BOARD}/?tied=1"
    yield f"/competitions/waste/teams/{sent.team_id}/badge.svg"
    yield f"/competitions/waste/teams/{sent.team_id}/card.png"
    yield "/competitions/waste/race/?by=score"
    yield "/competitions/waste/submissions/?state=scored"


def turn_over() -> None:
    """Give all private figures other values, and let the private board follow."""
    before = private_order()
    for number, one in enumerate(Evaluation.objects.exclude(score_private=None).order_by("pk")):
        quality = 0.4 + number / 10
        Evaluation.objects.filter(pk=one.pk).update(
            quality_private=quality, score_private=one.score_private / (number + 2)
        )
        found = told(one)
        found["splits"]["private"].update(quality=quality, accuracy=quality, confusion=[[number]])
        rewrite(one, found)
    placing.place(*Team.objects.all())
    assert private_order() != before


def private_order() -> list[int]:
    scored = Evaluation.objects.exclude(score_private=None).order_by("score_private")
    return list(scored.values_list("submission", flat=True))


@pytest.mark.parametrize("state", ["open", "frozen", "closed"] if IS_WHOLE else ["closed"])
def test_nobody_learns_by_any_address(
    sent: Submission,
    rival: User,
    owner: User,
    organizer: User,
    state: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    competition = sent.competition
    if state == "frozen":
        Competition.objects.update(freezes_at=timezone.now() - timedelta(minutes=1))
        placing.place(*Team.objects.all())
    if state == "closed":
        competitions.close(competition=competition, by=organizer)
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)  # plots have an axis of time
    readers = {"member": reader(owner)} | ({"rival": reader(rival)} if IS_WHOLE else {})

    def bodies() -> dict[tuple[str, str], Any]:
        return {(who, url): one.get(url) for who, one in readers.items() for url in asked(sent)}

    bodies()  # a first visit notes the language, and takes notices as read
    before = bodies()
    turn_over()
    after = bodies()
    assert [key for key in before if before[key] != after[key]] == []
