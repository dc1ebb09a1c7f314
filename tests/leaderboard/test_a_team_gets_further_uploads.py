"""Organizers give one team further uploads until a date; they count under the team's own lock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from leaderboard.errors import NotAllowed, QuotaExceeded, Refused
from leaderboard.models import (
    AuditEntry,
    Competition,
    Evaluation,
    Extra,
    Notice,
    Submission,
    Team,
    User,
)
from leaderboard.services import extras, quotas, submissions, telling
from tests.leaderboard.admin.conftest import panel, press
from tests.leaderboard.api.conftest import API, client_of
from tests.leaderboard.web.conftest import browser, see, text

__all__ = ["browser", "panel", "press", "see"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def tight(team: Team) -> Team:
    """One upload a day."""
    Competition.objects.update(submissions_per_day=1)
    return Team.objects.get(pk=team.pk)


def test_they_are_used_after_the_limit_and_told_where_the_quota_stands(
    tight: Team, press: Any, see: Any, submit: Callable[..., Submission], owner: User
) -> None:
    submit(tight, seed=1)
    with pytest.raises(QuotaExceeded):
        submit(tight, seed=2)
    press(tight, "more_uploads", uploads=2, until="2099-01-01T00:00", reason="Our disk was full.")
    extra = Extra.objects.get()
    assert extra.until.year in (
        2098,
        2099,
    )
    for page in ("submit", "submissions"):
        assert "2 (Our disk was full.)" in text(see(owner, f"/competitions/waste/{page}/"))
    found = client_of(owner).get(f"{API}/competitions/waste").json()["my_quota"]
    assert (found["left"], found["extras"][0]["reason"]) == (2, "Our disk was full.")
    used = submit(tight, seed=2)
    assert used.extra == extra
    quota = quotas.of(tight, tight.competition)
    assert (quota.used, quota.left, quota.tightest.left) == (1, 1, 0)
    submit(tight, seed=3)
    with pytest.raises(QuotaExceeded):
        submit(tight, seed=4)
    # A fault of ours gives the further upload back.
    Evaluation.objects.filter(submission=used).update(state="error")
    assert submit(tight, seed=4).extra == extra
    entry = AuditEntry.objects.get(act="uploads_given")
    assert (entry.subject, entry.why, entry.after["uploads"]) == (
        "Sorters",
        "Our disk was full.",
        2,
    )
    telling.go_on(seconds=60)
    told = Notice.objects.get(user=owner, kind="team_changed")
    assert told.facts["uploads"] == 2


def test_they_end_and_can_be_taken_back(
    tight: Team, press: Any, submit: Callable[..., Submission], organizer: User
) -> None:
    submit(tight, seed=1)

    def give(**fields: Any) -> Extra:
        tomorrow = timezone.now() + timedelta(days=1)
        wishes: dict[str, Any] = {"uploads": 1, "until": tomorrow, "reason": "Why"}
        return extras.give(team=tight, by=organizer, **wishes | fields)

    late = give()
    Extra.objects.filter(pk=late.pk).update(until=timezone.now())
    with pytest.raises(QuotaExceeded):
        submit(tight, seed=2)
    give(uploads=3)
    soon = give(until=timezone.now() + timedelta(hours=1))
    assert submit(tight, seed=2).extra == soon  # the first to end is used first
    press(tight, "take_back", audit_why="By mistake")
    with pytest.raises(QuotaExceeded):
        submit(tight, seed=3)
    entry = AuditEntry.objects.get(act="uploads_taken_back")
    assert (entry.before, entry.why) == ({"uploads": 3}, "By mistake")
    for fields, code in (
        ({"reason": " "}, "reason_missing"),
        ({"uploads": 0}, "bad_uploads"),
        ({"until": timezone.now()}, "time_passed"),
    ):
        with pytest.raises(Refused) as refusal:
            give(**fields)
        assert refusal.value.code == code


def test_they_count_as_those_who_upload_see_them(
    tight: Team, submit: Callable[..., Submission], organizer: User, owner: User
) -> None:
    with pytest.raises(NotAllowed):
        extras.give(team=tight, uploads=1, until=timezone.now(), reason="Me", by=owner)
    extras.give(
        team=tight,
        uploads=1,
        until=timezone.now() + timedelta(days=1),
        reason="Why",
        by=organizer,
    )
    submit(tight, seed=1)
    assert submissions.quota(tight, tight.competition).left == 1
    tomorrow = timezone.now() + timedelta(hours=23, minutes=59)
    assert submissions.quota(tight, tight.competition, now=tomorrow).left in (1, 2)
    Competition.objects.update(ends_at=timezone.now())  # they do not reach beyond the end
    with pytest.raises(Refused, match="ended"):
        submit(Team.objects.get(pk=tight.pk), seed=2)
