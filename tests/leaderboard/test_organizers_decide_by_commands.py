"""Rescores, disqualifications, bans, merges and a later end by `manage.py competition`."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from leaderboard.models import AuditEntry, Competition, Submission, Team, User
from tests.leaderboard.api.conftest import API, client_of
from tests.leaderboard.contest.console import run

pytestmark = pytest.mark.django_db


def code_of(*arguments: str) -> tuple[str, int]:
    """The code and the exit code of what is refused."""
    out = io.StringIO()
    with pytest.raises(CommandError) as refusal:
        call_command("competition", *arguments, "--json", stdout=out)
    printed = out.getvalue()
    return json.loads(printed)["code"] if printed else "", refusal.value.returncode


def test_each_decision_is_a_command(
    organizer: User, team: Team, rivals: Team, scored: Callable[..., Submission]
) -> None:
    submission, other = scored(team, seed=1, time_ratio=0.5), scored(rivals, seed=2, time_ratio=0.6)
    number, why = str(submission.pk), ("--why", "A copy.")

    def act(*arguments: str) -> Any:
        return run("competition", *arguments, *why)

    assert code_of("disqualify", "waste", number) == ("reason_missing", 1)
    assert code_of("disqualify", "waste", "0", *why) == ("unknown_submission", 1)
    assert code_of("reinstate", "waste", number, *why) == ("not_disqualified", 1)
    act("disqualify", "waste", number)
    assert code_of("disqualify", "waste", number, "--why", "Other.") == ("disqualified_already", 1)
    submission.refresh_from_db()
    assert submission.disqualified_reason == "A copy."
    act("reinstate", "waste", number)
    submission.refresh_from_db()
    assert (submission.disqualified_at, submission.reinstated_reason) == (None, "A copy.")
    told = client_of(organizer).get(f"{API}/submissions/{number}").json()
    assert (told["disqualified_reason"], told["reinstated_reason"]) == ("", "A copy.")
    act("ban", "waste", "Sorters")
    assert code_of("ban", "waste", "sorters", *why) == ("banned_already", 1)
    act("lift", "waste", "Sorters")
    assert AuditEntry.objects.get(act="ban_lifted").why == "A copy."
    act("ban", "waste", "Sorters", "--person", "owner")
    assert code_of("lift", "waste", "Sorters", *why) == ("unknown_ban", 1)
    act("lift", "waste", "Sorters", "--person", "owner")

    assert code_of("rescore", "waste", "apply", *why) == ("no_rescore", 1)
    proposed = act("rescore", "waste", "propose", "--time-weight", "0.1")["rescore"]
    assert (proposed["state"], len(proposed["rows"])) == ("preview", 2)
    out = io.StringIO()
    call_command("competition", "rescore", "waste", "preview", stdout=out)
    assert "Sorters" in out.getvalue()
    assert act("rescore", "waste", "cancel")["rescore"]["state"] == "cancelled"
    measured = act("rescore", "waste", "measure", "--all")["rescore"]
    assert (measured["state"], measured["rows"]) == ("measuring", [])
    assert measured["measuring"]["reference"] == "queued"
    assert code_of("rescore", "waste", "apply") == ("rescore_unfinished", 1)
    for step in ("pause", "resume", "retry", "let-failed-fail", "keep-failed", "cancel"):
        act("rescore", "waste", step)
    for option, code in (("--dataset", "unknown_dataset"), ("--profile", "unknown_profile")):
        assert code_of("rescore", "waste", "measure", option, "none", *why) == (code, 1)
    assert code_of("rescore", "waste", "measure", "--reference", "none", *why) == ("", 2)
    act("rescore", "waste", "propose", "--time-weight", "0.1")
    assert act("rescore", "waste", "apply")["rescore"]["state"] == "applied"
    assert Competition.objects.get().time_weight == 0.1

    act("extend", "waste", "2099-01-31T23:59")
    ends_at = Competition.objects.get().ends_at
    assert ends_at
    assert ends_at.year == 2099
    assert code_of("extend", "waste", "tomorrow", *why) == ("", 2)
    act("merge", "waste", "Sorters", rivals.name, "--late")
    other.refresh_from_db()
    assert other.team == team
    assert not AuditEntry.objects.filter(act="teams_merged").exclude(why="A copy.").exists()
    assert AuditEntry.objects.get(act="teams_merged").by == organizer
