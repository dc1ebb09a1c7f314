"""What organizers decide about a team is told to it, with the reason, and stands in the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from leaderboard.models import AuditEntry, Notice, Submission, Team, User
from leaderboard.services import notice_words, telling

pytestmark = pytest.mark.django_db


def test_each_decision_is_told_with_its_reason(
    press: Callable[..., Any],
    team: Team,
    owner: User,
    teammate: User,
    scored: Callable[..., Submission],
) -> None:
    submission = scored(team)

    def told(reader: User) -> list[tuple[str, str]]:
        telling.go_on(seconds=60)
        rows = Notice.objects.filter(user=reader, kind="team_changed").order_by("pk")
        said = [notice_words.said(one) for one in rows]
        rows.delete()
        return said

    page = press(team, "remove_member").content.decode()
    assert "required" in page, "no member is chosen before"
    assert "required" in press(submission, "disqualify").content.decode()
    press(submission, "disqualify", reason="A copy.")
    assert "required" in press(submission, "reinstate").content.decode()
    press(submission, "reinstate", reason="It was none.")
    press(team, "ban", who="", reason="Two teams.")
    press(team.competition.bans.get(), "lift")
    press(team, "pass_on", username="teammate", reason="Asked for.")
    press(team, "ban", who=str(owner.pk), reason="Two accounts.")
    telling.go_on(seconds=60)  # while the person is a member
    press(team, "remove_member", username="owner", reason="Two accounts.")
    press(team.competition.bans.get(), "lift")
    number = submission.pk
    titles = [
        f"Submission #{number} of Sorters is disqualified",
        f"Submission #{number} of Sorters counts again",
        "The organizers banned Sorters from Waste sorting",
        "The ban of Sorters from Waste sorting is lifted",
        "teammate is now the captain of Sorters",
        "The organizers banned owner from Waste sorting",
        "The organizers removed owner from Sorters",
        "The ban of owner from Waste sorting is lifted",
    ]
    said = told(owner)
    assert [title for title, _ in said] == titles
    for (_, text), reason in zip(said, ("A copy.", "It was none.", "Two teams."), strict=False):
        assert text.endswith(reason)
    assert [title for title, _ in told(teammate)] == titles[:-1]  # a ban of a person who left

    kept = AuditEntry.objects.filter(act__in=("captain_changed", "member_removed"))
    assert set(kept.values_list("act", "by_name", "why")) == {
        ("captain_changed", "organizer", "Asked for."),
        ("member_removed", "organizer", "Two accounts."),
    }
    assert list(team.memberships.values_list("user", "is_captain")) == [(teammate.pk, True)]
    assert (
        "last member"
        in press(team, "remove_member", username="teammate", reason="R").content.decode()
    )
    assert "already" in press(team, "pass_on", username="teammate", reason="R").content.decode()

    client = Client()
    client.force_login(teammate)
    assert (
        "let it count again: It was none."
        in client.get(submission.get_absolute_url()).content.decode()
    )
    User.objects.filter(pk=teammate.pk).update(quiet_on_pages=["team_changed"])
    press(submission, "disqualify", reason="A copy.")
    assert told(teammate) == []
