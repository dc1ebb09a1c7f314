"""The first teams of the private board hand in code or a report, and organizers verify them.

A team that is refused, misses the date or withdraws keeps its row on the private board and has no
rank there. `placing` writes the row; a dated note says so to everybody. Each of these steps can be
taken back.

What teams hand in is stored and never opened here. Only organizers get it, as a download.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO

from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.validators import URLValidator
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard import bodies
from leaderboard.errors import Conflict, NotFound, Refused, TooLarge
from leaderboard.models import Competition, Entry, RankNote, Team, User, Verification
from leaderboard.services import (
    audit,
    events,
    files,
    locks,
    organizers,
    placing,
    preparing,
    previews,
    privileges,
    rankings,
    teams,
    versions,
)
from leaderboard.services.audit import SERVICE, Act
from leaderboard.services.events import Event

State = Verification.State
Board = Entry.Board
MOST_BYTES = 200_000_000
"""Most bytes of one file. A team links to a larger one."""
MOST_TEAMS = 100
FOLDER = "verification"
KINDS = {b"PK\x03\x04": ".zip", b"%PDF-": ".pdf"}
"""How files begin that a team may hand in, and how they are named here."""
ACTS = {
    State.ASKED: Act.VERIFICATION_ASKED,
    State.HANDED_IN: Act.VERIFICATION_HANDED_IN,
    State.VERIFIED: Act.TEAM_VERIFIED,
    State.REFUSED: Act.VERIFICATION_REFUSED,
    State.MISSED: Act.VERIFICATION_MISSED,
    State.WITHDRAWN: Act.VERIFICATION_WITHDRAWN,
}


# Organizers


@transaction.atomic
def ask(
    *, competition: Competition, count: int, due_at: datetime, wish: str, by: User
) -> list[Verification]:
    """Ask the first teams of the private board to hand in code or a report until a date.

    Teams that were asked before are left out. Asked again after ranks have moved, it reaches the
    teams that moved up. Before the publication each asked team learns that it is among the first:
    so the competition cannot be reopened after this, and no selection changes.
    """
    organizers.check_organizer(by, competition)
    row = locks.lock(competition)
    if row.state not in (Competition.State.CLOSED, Competition.State.PUBLISHED):
        raise Conflict(
            gettext("Close the competition first. Until then, the winners are not known."),
            code="wrong_competition_state",
        )
    preparing.check_none(row)
    if unfinished := preparing.unfinished(row):
        raise Conflict(
            gettext("%(evaluations)s must end first.") % {"evaluations": unfinished},
            code="evaluations_unfinished",
        )
    check_due(due_at)
    asked = set(row.verifications.values_list("team", flat=True))
    made = [
        Verification.objects.create(
            competition=row, team_id=team, rank=rank, due_at=due_at, wish=wish.strip()[:1000]
        )
        for rank, team in first(row, min(count, MOST_TEAMS))
        if team not in asked
    ]
    for one in made:
        after = {"state": one.state, "rank": one.rank, "due_at": due_at.isoformat()}
        audit.record(ACTS[State.ASKED], one, by=by, after=after)
        tell(one)
    if made:
        versions.change(row.pk, {Board.PRIVATE})
    return made


def first(competition: Competition, count: int) -> list[tuple[int, int]]:
    """Rank and team of the first rows of the private board, also before its publication."""
    if competition.is_published:
        rows = rankings.rows(competition, Board.PRIVATE, count=count)
        return [(row.rank, row.entry.team_id) for row in rows if row.rank]
    ranked = previews.ranked(previews.private(competition)[:count])
    return [(rank, entry.team_id) for rank, entry in ranked if rank]


def ask_again(*, verification: Verification, due_at: datetime, reason: str, by: User) -> None:
    """Ask a team once more, with another date. A row that had lost its rank has it again."""
    check_due(due_at)
    decide(verification, State.ASKED, reason=reason, by=by, due_at=due_at)


def verify(*, verification: Verification, reason: str = "", by: User) -> None:
    """Accept what the team handed in. A reason is needed if the team had lost its rank."""
    decide(verification, State.VERIFIED, reason=reason, by=by)


def refuse(*, verification: Verification, reason: str, by: User) -> None:
    """Take the rank of the team, for a reason that everybody reads."""
    decide(verification, State.REFUSED, reason=reason, by=by)


@transaction.atomic
def decide(
    verification: Verification, state: State, *, reason: str, by: User, **fields: datetime
) -> None:
    organizers.check_organizer(by, verification.competition)
    reason = reason.strip()[:300]
    locks.lock(verification.competition)
    row = locks.lock(verification)
    if not reason and not (row.is_ranked and state == State.VERIFIED):
        raise Refused(gettext("Give a reason. Everybody reads it."), code="reason_missing")
    move(row, state, reason=reason, by=by, decided_at=timezone.now(), **fields)


def check_due(due_at: datetime) -> None:
    if due_at <= timezone.now():
        raise Refused(gettext("Choose a date in the future."), code="date_passed")


# The team


@transaction.atomic
def withdraw(*, verification: Verification, by: User) -> None:
    """Note that the team hands in nothing. It loses its rank."""
    teams.check_member(verification.team, by)
    locks.lock(verification.competition)
    move(locks.lock(verification), State.WITHDRAWN, by=by, decided_at=timezone.now())


def hand_in(
    *, verification: Verification, upload: File[bytes] | None, link: str, note: str, by: User
) -> None:
    """Store what the team shows, until the date. A later file takes the place of an earlier one.

    Raises `Refused`; nothing is stored then.
    """
    teams.check_member(verification.team, by)
    check_takes(verification)
    link = checked(link.strip())
    if upload is None:
        if not (link or verification.file):
            raise Refused(gettext("Send a file, or the link of a repository."), code="nothing_sent")
        store(verification, link=link, note=note, by=by)
        return
    if upload.size is None or upload.size > MOST_BYTES:
        raise too_large()
    with files.received(upload, max_bytes=MOST_BYTES) as file:
        kept = files.keep(file, folder=FOLDER, suffix=kind_of(file.path))
    store(
        verification,
        link=link,
        note=note,
        by=by,
        file=kept,
        file_name=file.name[:200],
        sha256=file.sha256,
        size_bytes=file.size_bytes,
    )


@transaction.atomic
def store(verification: Verification, *, link: str, note: str, by: User, **file: object) -> None:
    row = locks.lock(verification)
    check_takes(row)
    row.link, row.note = link, note.strip()[:1000]
    row.handed_in_at, row.handed_in_by = timezone.now(), by
    for name, value in file.items():
        setattr(row, name, value)
    move(row, State.HANDED_IN, by=by)


def check_takes(verification: Verification) -> None:
    if not verification.takes_files:
        raise Conflict(
            gettext("Nothing can be handed in any more. Ask the organizers for a later date."),
            code="verification_over",
        )


def checked(link: str) -> str:
    """A link that may stand on a page. Raises `Refused`."""
    if link:
        try:
            URLValidator(schemes=["https"])(link[:501])
        except ValidationError as error:
            raise Refused(
                gettext("Write the whole address of the repository. It begins with https://."),
                code="bad_link",
            ) from error
    if len(link) > 500:
        raise Refused(gettext("The link may have at most 500 characters."), code="bad_link")
    return link


def kind_of(path: Path) -> str:
    """The ending for a received file, by its first bytes. Raises `Refused`."""
    with path.open("rb") as file:
        found = beginning(file)
    if found is None:
        raise Refused(
            gettext("Send a zip or a PDF. Other files are not accepted."), code="not_zip_or_pdf"
        )
    return found


def beginning(file: IO[bytes]) -> str | None:
    start = file.read(8)
    return next((ending for mark, ending in KINDS.items() if start.startswith(mark)), None)


def check_size(size: int, **arguments: object) -> None:
    """Raises `TooLarge` for a body that is too large for any file here."""
    if size > MOST_BYTES + bodies.FORM_BYTES:
        raise too_large()


def too_large() -> TooLarge:
    said = gettext("The file can have at most %(limit)d MB. Send a link of a repository instead.")
    return TooLarge(said % {"limit": MOST_BYTES / 1e6})


# Time


def miss_due() -> None:
    """Mark the teams that handed in nothing until their date.

    A worker's role may not. The site's own process comes here, too.
    """
    due = Verification.objects.filter(state=State.ASKED, due_at__lte=Now())
    keys = list(due.order_by("due_at").values_list("pk", flat=True))
    if not keys or not privileges.may_update(Verification):
        return
    for key in keys:
        with transaction.atomic():
            found = due.select_related("competition").filter(pk=key).first()
            if found is None:
                continue
            locks.lock(found.competition)
            row = locks.lock(found)
            if row.state == State.ASKED and row.due_at <= timezone.now():
                move(row, State.MISSED, by=SERVICE, decided_at=timezone.now())


# One copy of the rule


def move(
    row: Verification, state: State, *, by: User | str, reason: str = "", **fields: object
) -> None:
    """Change the state of a locked row, with its note, its audit entry and its notices. Raises
    `Conflict` if there is no such step."""
    if state not in Verification.TRANSITIONS[State(row.state)]:
        raise Conflict(
            gettext("This is not possible now. State: %(state)s.")
            % {"state": row.get_state_display()},
            code="wrong_verification_state",
        )
    was, was_ranked = audit.state(row, "state", "due_at"), row.is_ranked
    row.state, row.reason = state, reason
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    audit.record(
        ACTS[state], row, by=by, before=was, after=audit.state(row, "state", "due_at"), why=reason
    )
    if row.is_ranked != was_ranked:
        RankNote.objects.create(
            competition=row.competition,
            team=row.team,
            state=state,
            is_ranked=row.is_ranked,
            reason=reason,
        )
    if state != State.HANDED_IN:
        tell(row)
    if row.is_ranked != was_ranked:
        placing.place(row.team)
    else:
        versions.change(row.competition_id, {Board.PRIVATE})  # it shows the state


def tell(row: Verification) -> None:
    """Tell the team what is asked of it, or what was decided."""
    events.tell(
        Event.VERIFICATION,
        row.team,
        state=row.state,
        reason=row.reason,
        wish=row.wish,
        end=row.due_at.isoformat(),
    )


# Reading


def own(team: Team) -> Verification:
    """What a team was asked. Raises `NotFound`."""
    found = Verification.objects.filter(team=team).select_related("team", "competition").first()
    if found is None:
        raise NotFound(
            gettext("Your team was not asked to hand in anything."), code="no_verification"
        )
    return found


def of(competition: Competition) -> Mapping[int, Verification]:
    """All that were asked, by team: at most some hundred. Empty if no team was."""
    rows = Verification.objects.filter(competition=competition).select_related("team")
    return {one.team_id: one for one in rows}


def notes(competition: Competition) -> list[RankNote]:
    """How ranks of the private board moved, the newest first."""
    return list(competition.rank_notes.select_related("team"))
