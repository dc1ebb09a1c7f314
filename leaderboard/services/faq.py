"""What is asked often: entries of a competition's page of questions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext

from leaderboard.errors import Conflict
from leaderboard.models import Competition, FaqEntry, Question, User
from leaderboard.services import audit, locks, organizers
from leaderboard.services.audit import Act

TEXTS = ("question", "answer", "position")
LONGEST = 300
"""Characters of an entry's question."""


@dataclass(frozen=True)
class Words:
    """An entry without its row. A list of them has their order."""

    question: str
    answer: str


@transaction.atomic
def save(*, entry: FaqEntry, by: User) -> None:
    """Save a new entry, or another text of one."""
    organizers.check_organizer(by, entry.competition)
    row = FaqEntry.objects.filter(pk=entry.pk).first()
    was = audit.state(row, *TEXTS) if row else {}
    entry.save()
    audit.record(Act.FAQ_SAVED, entry, by=by, before=was, after=audit.state(entry, *TEXTS))


@transaction.atomic
def remove(*, entry: FaqEntry, by: User) -> None:
    """Delete an entry. A public answer that it was made of stands on the page again."""
    organizers.check_organizer(by, entry.competition)
    audit.record(Act.FAQ_REMOVED, entry, by=by, before=audit.state(entry, *TEXTS))
    entry.delete()


@transaction.atomic
def make_of(*, question: Question, by: User) -> FaqEntry:
    """Make the last entry of a public answer. Raises `Conflict` if there is none."""
    organizers.check_organizer(by, question.competition)
    row = locks.lock(question)
    if not (row.is_answered and row.is_public):
        raise Conflict(
            gettext("Answer the question publicly first. Then it can be an entry of the FAQ."),
            code="answer_not_public",
        )
    if FaqEntry.objects.filter(source=row).exists():
        raise Conflict(gettext("This answer is already an entry of the FAQ."), code="faq_already")
    entry = FaqEntry(
        competition=row.competition,
        question=shortened(row.public_text),
        answer=row.answer,
        position=after_the_last(row.competition),
        source=row,
    )
    save(entry=entry, by=by)
    return entry


def shortened(text: str) -> str:
    """A text as one line that an entry can hold."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def after_the_last(competition: Competition) -> int:
    return (of(competition).aggregate(last=Max("position"))["last"] or 0) + 1


@transaction.atomic
def replace(*, competition: Competition, wanted: Iterable[Words], by: User) -> None:
    """Have exactly these entries, in this order. Raises `NotAllowed`.

    An entry whose question stays is the same row, so that the answer that it was made of is not
    shown twice.
    """
    rows = {entry.question: entry for entry in of(competition)}
    for position, words in enumerate(wanted, start=1):
        entry = rows.pop(words.question, None) or FaqEntry(
            competition=competition, question=words.question
        )
        if entry.pk is None or (entry.answer, entry.position) != (words.answer, position):
            entry.answer, entry.position = words.answer, position
            save(entry=entry, by=by)
    for entry in rows.values():
        remove(entry=entry, by=by)


def of(competition: Competition) -> QuerySet[FaqEntry]:
    """The entries of a competition in their order."""
    return FaqEntry.objects.filter(competition=competition)


def words(competition: Competition) -> list[Words]:
    """The texts of a competition's entries in their order."""
    return [Words(one.question, one.answer) for one in of(competition)]
