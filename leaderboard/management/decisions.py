"""Acts of `manage.py competition` that need more than a competition. Those on rescores are in
`rescores`."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext

from leaderboard.errors import NotFound
from leaderboard.management import rescores
from leaderboard.models import Competition, Submission, Team, User
from leaderboard.services import bans, captains, merging, schedules, submissions

FOR_TEAMS = "the reason, which teams read, as in the panel"
FOR_THE_LOG = "the reason, for the audit log; teams do not read it"


@dataclass(frozen=True)
class Decision:
    """One act: what it does, its arguments, and its function.

    `do` returns what is told beside the state of the competition.
    """

    does: str
    do: Callable[..., dict[str, Any] | None]
    needs: Callable[[CommandParser], None]
    why: str = FOR_TEAMS
    """Who reads the reason."""


# Submissions and teams


def disqualify(competition: Competition, by: User, *, submission: int, why: str) -> None:
    found = submission_of(competition, submission)
    submissions.disqualify(submission=found, reason=why, by=by)


def reinstate(competition: Competition, by: User, *, submission: int, why: str) -> None:
    found = submission_of(competition, submission)
    submissions.reinstate(submission=found, reason=why, by=by)


def submission_of(competition: Competition, pk: int) -> Submission:
    found = competition.submissions.filter(pk=pk).select_related("team", "competition").first()
    if found is None:
        raise NotFound(
            gettext("This competition has no submission #%(number)d.") % {"number": pk},
            code="unknown_submission",
        )
    return found


def ban(competition: Competition, by: User, *, team: str, person: str, why: str) -> None:
    found = merging.named(competition, team)
    bans.ban(team=found, person=member(found, person), reason=why, by=by)


def lift(competition: Competition, by: User, *, team: str, person: str, why: str) -> None:
    if person:
        rows = competition.bans.filter(user__username=person)
    else:
        rows = competition.bans.filter(team=merging.named(competition, team))
    found = rows.select_related("competition", "team", "user").first()
    if found is None:
        raise NotFound(
            gettext("There is no ban of %(name)s.") % {"name": person or team}, code="unknown_ban"
        )
    bans.lift(ban=found, by=by)


def member(team: Team, username: str) -> User | None:
    return captains.find_member(team, username).user if username else None


def merge(
    competition: Competition, by: User, *, into: str, other: str, late: bool, why: str
) -> None:
    into_, other_ = (merging.named(competition, one) for one in (into, other))
    merging.merge(into=into_, other=other_, reason=why, by=by, is_late=late)


def extend(competition: Competition, by: User, *, end: str, why: str) -> None:
    schedules.extend(competition=competition, ends_at=moment(end, competition), by=by)


def moment(text: str, competition: Competition) -> datetime:
    """A time of the command line; without an offset in the time zone of the competition."""
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        said = gettext("Write the time like 2027-01-31T23:59: %(text)s") % {"text": text}
        raise CommandError(said, returncode=2)
    if timezone.is_aware(found):
        return found
    return found.replace(tzinfo=zoneinfo.ZoneInfo(competition.time_zone))


# Arguments


def needs_submission(parser: CommandParser) -> None:
    parser.add_argument("submission", type=int, help="number of the submission")


def needs_team(parser: CommandParser) -> None:
    parser.add_argument("team", help="name of the team")
    parser.add_argument(
        "--person", default="", metavar="USER", help="ban only this person, not the team"
    )


def needs_two(parser: CommandParser) -> None:
    parser.add_argument("into", help="the team that stays")
    parser.add_argument("other", help="the team that merges into it and ends")
    parser.add_argument(
        "--late", action="store_true", help="merge also after the deadline of merges"
    )


def needs_end(parser: CommandParser) -> None:
    parser.add_argument("end", help="the later end, for example 2027-01-31T23:59")


DECISIONS = {
    "rescore": Decision(
        "propose, preview, apply or cancel a formula, or measure all again",
        rescores.rescore,
        rescores.needs_terms,
        "the reason of a new rescore, which everybody reads once it is applied",
    ),
    "disqualify": Decision("take a submission off the boards", disqualify, needs_submission),
    "reinstate": Decision("let a submission count again", reinstate, needs_submission),
    "ban": Decision("keep a team or a member out", ban, needs_team),
    "lift": Decision("end a ban", lift, needs_team, FOR_THE_LOG),
    "merge": Decision("let a team join another one", merge, needs_two),
    "extend": Decision("give all teams a later end", extend, needs_end, FOR_THE_LOG),
}
