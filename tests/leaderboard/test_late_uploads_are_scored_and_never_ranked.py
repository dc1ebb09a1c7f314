"""After the end a competition may take late uploads: they have a score, and no board shows them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from leaderboard.errors import CompetitionNotOpen, Refused
from leaderboard.models import Competition, Entry, Submission, Team, User
from leaderboard.services import (
    competitions,
    histories,
    preparing,
    prospects,
    selections,
    telling,
)
from tests.leaderboard.conftest import finish, report
from tests.leaderboard.web.conftest import browser, see, send, text

__all__ = ["browser", "see", "send"]


@pytest.fixture
def over(competition: Competition) -> Competition:
    """A competition whose end has passed. Late uploads are possible for a day."""
    now = timezone.now()
    Competition.objects.update(ends_at=now - timedelta(hours=1), late_until=now + timedelta(days=1))
    competition.refresh_from_db()
    return competition


def entries() -> list[Any]:
    return list(Entry.objects.order_by("pk").values())


def test_a_late_upload_has_a_score_and_no_rank(
    see: Any, scored: Any, team: Team, rivals: Team, owner: User, competition: Competition
) -> None:
    in_time = scored(team, 1, time_ratio=0.9)
    scored(rivals, 2, time_ratio=0.8)
    assert not in_time.is_late
    boards = entries()
    now = timezone.now()
    Competition.objects.update(ends_at=now, late_until=now + timedelta(days=1))
    team.competition.refresh_from_db()
    overview = text(see(owner, "/competitions/waste/"))
    assert "Upload late" in overview
    assert "They are scored and never ranked" in overview
    assert "are late: they are scored" in text(see(owner, "/competitions/waste/submit/"))
    late = scored(team, 3, time_ratio=0.1, quality_private=0.41234)
    assert late.is_late
    assert late.evaluation.score_public == pytest.approx(0.55)
    assert entries() == boards
    assert [one.score for one in histories.steps(team)] == [0.95]
    assert prospects.of(late) is None
    with pytest.raises(Refused, match="Only scored submissions of your team"):
        selections.choose(team=team, submission_ids=[late.pk], by=owner)

    page = text(see(owner, late.get_absolute_url()))
    assert "This submission is late" in page
    assert "0.5500" in page
    row = text(see(owner, "/competitions/waste/submissions/"))
    assert row.count('badge badge-late">late') == 1
    assert f'value="{late.pk}"' not in row  # it cannot be selected
    told = see(owner, f"/api/v2/submissions/{late.pk}").json()
    assert told["is_late"] is True
    assert told["prospect"] is None
    assert see(None, "/api/v2/competitions/waste").json()["accepts_late"] is True
    telling.go_on(seconds=60)
    assert "uploaded after the end" in text(see(owner, "/notices/"))


def test_publication_waits_for_no_late_upload_and_reveals_none_on_the_boards(
    submit: Any, scored: Any, team: Team, over: Competition, organizer: User
) -> None:
    late = submit(team, 1)
    competitions.close_ended()
    over.refresh_from_db()
    assert preparing.unfinished(over) == ""
    assert competitions.publish(competition=over, by=organizer)
    team.competition.refresh_from_db()
    later = submit(team, 2)
    for one in (late, later):
        finish(one.latest_evaluation, report())
        assert Submission.objects.get(pk=one.pk).evaluation.state == "scored"
    assert not entries()


def test_late_uploads_end_too_and_no_one_is_late_before_the_end(
    submit: Any, team: Team, over: Competition, organizer: User
) -> None:
    Competition.objects.update(late_until=timezone.now())
    team.competition.refresh_from_db()
    with pytest.raises(CompetitionNotOpen, match="has ended"):
        submit(team, 1)
    Competition.objects.update(
        ends_at=timezone.now() + timedelta(days=1), late_until=timezone.now() + timedelta(days=2)
    )
    team.competition.refresh_from_db()
    assert not submit(team, 2).is_late
    competitions.pause(competition=team.competition, message="", by=organizer)
    with pytest.raises(CompetitionNotOpen, match="paused"):
        submit(team, 3)
