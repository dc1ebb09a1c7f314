"""A participant asks the organizers. They answer privately or for everybody."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import BooleanField, Case, F, Q, QuerySet, When
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard import markdown
from leaderboard.errors import Conflict, NotFound, Refused
from leaderboard.models import Competition, Happening, Notice, Question, Role, Team, User
from leaderboard.services import audit, bans, events, locks, notices, organizers, teams
from leaderboard.services.audit import Act
from leaderboard.services.events import Event

LONGEST = 4_000
"""Characters of a question."""
MOST_OPEN = 5
"""Questions of one person in a competition that wait for an answer."""
MOST_OF_A_DAY = 20
"""Questions of one person within 24 hours, in all competitions."""
ANSWERED = ("answer", "is_public", "public_text")


@transaction.atomic
def ask(*, competition: Competition, text: str, by: User, may_be_named: bool = False) -> Question:
    """Ask the organizers something. They are told; the asker's team reads the question, too.

    Raises `NotAllowed` for who is banned, `Refused` for an empty or a long text, and `Conflict` if
    the person has asked too much that is not answered yet.
    """
    team = teams.of(by, competition)
    bans.check(competition, by, team)
    text = text.strip()
    check_text(text)
    locks.lock(by)  # two forms that are sent at once must not both be the last one
    check_number(competition, by)
    made = Question.objects.create(
        competition=competition, team=team, asked_by=by, text=text, may_be_named=may_be_named
    )
    events.tell(Event.ASKED, made, question=made.pk)
    return made


def check_text(text: str) -> None:
    if not text:
        raise Refused(gettext("Write your question first."), code="question_missing")
    if len(text) > LONGEST:
        raise Refused(
            gettext("Your question has %(length)s characters. The limit is %(most)s.")
            % {"length": f"{len(text):,}", "most": f"{LONGEST:,}"},
            code="question_too_long",
        )


def check_number(competition: Competition, by: User) -> None:
    asked = Question.objects.filter(asked_by=by)
    today = asked.filter(asked_at__gt=timezone.now() - timedelta(days=1))
    if asked.open().filter(competition=competition).count() >= MOST_OPEN:
        raise Conflict(
            gettext("%(most)d of your questions wait for an answer. Ask again after the next one.")
            % {"most": MOST_OPEN},
            code="too_many_questions",
        )
    if today.count() >= MOST_OF_A_DAY:
        raise Conflict(
            gettext("A person can ask %(most)d questions within 24 hours. Ask again tomorrow.")
            % {"most": MOST_OF_A_DAY},
            code="too_many_questions",
        )


@transaction.atomic
def answer(*, question: Question, text: str, is_public: bool, public_text: str, by: User) -> None:
    """Answer a question, or correct its answer. The asker's team is told of the first answer.

    `public_text` is the question as everybody reads it; empty: as it was asked. Only public
    answers show it.
    """
    organizers.check_organizer(by, question.competition)
    if not text.strip():
        raise Refused(gettext("Write the answer first."), code="answer_missing")
    row = locks.lock(question)
    was, is_first = audit.state(row, *ANSWERED), not row.is_answered
    row.answer, row.is_public = text.strip(), is_public
    row.public_text = (public_text.strip() or row.text) if is_public else ""
    if is_first:
        row.answered_at, row.answered_by = timezone.now(), by
    else:
        row.edited_at = timezone.now()
    row.save(update_fields=[*ANSWERED, "answered_at", "answered_by", "edited_at"])
    now = audit.state(row, *ANSWERED)
    audit.record(Act.QUESTION_ANSWERED, row, by=by, before=was, after=now)
    if is_first:
        events.tell(Event.ANSWERED, row, question=row.pk)
    else:
        told(row).filter(kind=Notice.Kind.ANSWERED).update(facts=facts(row))


@transaction.atomic
def remove(*, question: Question, by: User) -> None:
    """Delete a question with its answer and its notices. A FAQ entry made of it stays."""
    organizers.check_organizer(by, question.competition)
    was = audit.state(question, "text", *ANSWERED)
    audit.record(Act.QUESTION_REMOVED, question, by=by, before=was)
    told(question).delete()
    question.delete()


def forget(person: User) -> None:
    """Delete what an account that is deleted asked. Public answers stay, with the organizers'
    words for the question and without its asker."""
    asked = Question.objects.filter(asked_by=person)
    for question in asked.filter(Q(answered_at=None) | Q(is_public=False)):
        told(question).delete()
        question.delete()
    asked.update(text=F("public_text"), asked_by=None, team=None, may_be_named=False)


def public(competition: Competition) -> QuerySet[Question]:
    """The public answers of a competition that are no FAQ entries, the newest first."""
    rows = Question.objects.public().filter(competition=competition)
    return rows.select_related("competition", "asked_by").order_by("-answered_at", "-pk")


def own(competition: Competition, person: User) -> QuerySet[Question]:
    """What a person or the person's team asked, the newest first."""
    rows = Question.objects.of(person).filter(competition=competition)
    return rows.select_related("competition", "asked_by")


def find(competition: Competition, pk: int, person: User | AnonymousUser) -> Question:
    """One question that a person may read. Raises `NotFound`."""
    rows = Question.objects.visible_to(person).filter(competition=competition)
    found = rows.select_related("competition", "asked_by").filter(pk=pk).first()
    if found is None:
        raise NotFound(
            gettext("There is no such question, or it is not public."), code="unknown_question"
        )
    return found


def readable(competition: Competition, person: User | AnonymousUser) -> QuerySet[Question]:
    """What a participant reads: public answers, and the questions of the own teams, marked
    `is_mine`."""
    mine = Question.objects.of(person).order_by().values("pk")
    rows = Question.objects.filter(competition=competition)
    seen = rows.filter(Q(is_public=True, answered_at__isnull=False) | Q(pk__in=mine))
    is_mine = Case(When(pk__in=mine, then=True), default=False, output_field=BooleanField())
    return seen.select_related("competition", "asked_by").annotate(is_mine=is_mine)


def is_own(question: Question, person: User | AnonymousUser) -> bool:
    """Whether a person, or a team of the person, asked it."""
    return Question.objects.of(person).filter(pk=question.pk).exists()


def number_open(competition: Competition | None) -> int:
    """How many questions wait for an answer, of a competition or of the whole site."""
    rows = Question.objects.open()
    return (rows.filter(competition=competition) if competition else rows).count()


def readers(team: Team | None, asker: User | None) -> QuerySet[User]:
    """Who reads a private answer: the asker and the members of the asker's team."""
    found = User.objects.none()
    if team:
        found = found | User.objects.filter(memberships__team=team)
    return found | User.objects.filter(pk=asker.pk) if asker else found


def answerers(competition: Competition) -> QuerySet[User]:
    """Who is told of a question: those who run the competition, else the operators."""
    running = User.objects.filter(roles__competition=competition, roles__kind__in=Role.ACTING)
    return running if running.exists() else User.objects.filter(is_superuser=True)


def told(question: Question) -> QuerySet[Notice]:
    return Notice.objects.filter(competition=question.competition_id, facts__question=question.pk)


def facts(question: Question) -> dict[str, object]:
    """The facts of a notice about a question."""
    return {
        "question": question.pk,
        "asked": str(question),
        "text": markdown.plain(question.answer or question.text),
    }


# What is told. `telling` calls these in the transaction that deletes the happening.


def tell_asked(happening: Happening) -> None:
    """Tell those who run the competition, unless the question was removed meanwhile."""
    competition = happening.competition
    rows = Question.objects.open().select_related("competition")
    if question := rows.filter(pk=happening.facts["question"]).first():
        notices.give(
            Notice.Kind.ASKED,
            to=answerers(competition),
            competition=competition,
            path=reverse("admin:leaderboard_question_change", args=[question.pk]),
            **facts(question),
        )


def tell_answered(happening: Happening) -> None:
    """Tell the asker and the asker's team."""
    rows = Question.objects.select_related("competition", "team", "asked_by")
    if question := rows.filter(pk=happening.facts["question"]).first():
        notices.give(
            Notice.Kind.ANSWERED,
            to=readers(question.team, question.asked_by),
            competition=happening.competition,
            path=question.get_absolute_url(),
            **facts(question),
        )
