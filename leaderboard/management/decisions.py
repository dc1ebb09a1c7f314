"""Acts of `manage.py competition` that need more than a competition: rescores, submissions, teams,
the end."""

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
from leaderboard.models import Competition, Rescore, Submission, Team, User
from leaderboard.services import bans, captains, merging, moves, rescoring, schedules, submissions

Facts = dict[str, Any]


@dataclass(frozen=True)
class Decision:
    """One act: what it does, its arguments, and its function.

    `do` returns what is told beside the state of the competition.
    """

    does: str
    do: Callable[..., Facts | None]
    needs: Callable[[CommandParser], None]


# Rescores


def rescore(competition: Competition, by: User, *, what: str, why: str, **options: Any) -> Facts:
    """Propose another formula, show its preview, apply it or cancel it."""
    if what == "propose":
        return told(rescoring.propose(rescore=proposal(competition, why, options), by=by))
    waits = rescoring.waiting(competition)
    if waits is None:
        raise NotFound(
            gettext(
                "No rescore is waiting for a decision. Propose one first: manage.py "
                "competition rescore."
            ),
            code="no_rescore",
        )
    if what == "apply":
        rescoring.apply(rescore=waits, by=by)
    elif what == "cancel":
        rescoring.cancel(rescore=waits, by=by)
    waits.refresh_from_db()
    return told(waits)


def proposal(competition: Competition, why: str, options: Facts) -> Rescore:
    """The formula of today, changed by the numbers that were given."""
    fields = {
        name: getattr(competition, name) if options[name] is None else options[name]
        for name in ("time_weight", "k", "quality_ref", "min_quality")
    }
    gains = competition.only_real_gains
    return Rescore(competition=competition, why=why, only_real_gains=gains, **fields)


def told(rescore: Rescore) -> Facts:
    """A rescore and the rows of its preview, for programs."""
    rows = [
        {
            "team": one.pair.team,
            "rank_before": one.rank_before,
            "rank_after": one.rank_after,
            "score_before": str(one.pair.before.score),
            "score_after": str(one.pair.after.score),
        }
        for one in moves.of(rescore)
    ]
    return {"rescore": {"id": rescore.pk, "state": rescore.state, "rows": rows}}


def needs_formula(parser: CommandParser) -> None:
    steps = ("propose", "preview", "apply", "cancel")
    parser.add_argument(
        "what", choices=steps, help="preview: only show the rescore that waits for a decision"
    )
    for name in ("time-weight", "k", "quality-ref", "min-quality"):
        parser.add_argument(
            f"--{name}", type=float, help="new value to propose (default: the current value)"
        )


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
    "rescore": Decision("propose, preview, apply or cancel a formula", rescore, needs_formula),
    "disqualify": Decision("take a submission off the boards", disqualify, needs_submission),
    "reinstate": Decision("let a submission count again", reinstate, needs_submission),
    "ban": Decision("keep a team or a member out", ban, needs_team),
    "lift": Decision("end a ban", lift, needs_team),
    "merge": Decision("let a team join another one", merge, needs_two),
    "extend": Decision("give all teams a later end", extend, needs_end),
}
