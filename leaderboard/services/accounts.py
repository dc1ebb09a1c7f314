"""A person takes a copy of the account, or deletes it.

What remains of a deleted account: the rows of its teams on boards and their submissions, and public
answers to its questions, without a name of the person, and what the audit log says of acts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext
from zipstream import ZIP_STORED, ZipStream  # type: ignore[import-untyped]

from leaderboard.errors import Conflict, Refused
from leaderboard.models import (
    Competition,
    Evaluation,
    Guest,
    Invitation,
    Letter,
    Membership,
    Notice,
    PartialUpload,
    Question,
    Role,
    Submission,
    Team,
    Trial,
    User,
)
from leaderboard.services import (
    audit,
    bans,
    files,
    locks,
    notice_words,
    rankings,
    teams,
    tokens,
    versions,
)
from leaderboard.services import questions as asked
from leaderboard.services.audit import Act

ANONYMOUS = "deleted-{number}"
"""The name of a team that has no member left, by its key."""
CHUNK = 500
"""Rows of a list that are read at a time."""


# A copy


def copy(person: User) -> ZipStream:
    """Everything of an account as a zip of JSON and files. Its bytes are made while they are
    read, so that a copy of any size costs little memory."""
    made = ZipStream(compress_type=ZIP_STORED, sized=True)
    made.add(text(account(person)), "account.json")
    lists: dict[str, Callable[[User], Iterable[dict[str, Any]]]] = {
        "teams.json": memberships,
        "submissions.json": submissions,
        "trials.json": trials,
        "notices.json": notices,
        "questions.json": questions,
        "invitations.json": invitations,
        "taken_invitations.json": taken_invitations,
        "applications.json": applications,
    }
    for name, rows in lists.items():
        made.add(text(list(rows(person))), name)
    for one in Submission.objects.filter(uploaded_by=person).iterator(CHUNK):
        if path := model_name(one):
            made.add(files.pieces(one.file), path, size=one.size_bytes)
    return made


def model_name(submission: Submission) -> str | None:
    """The name of a model in the copy. None if its file was deleted."""
    if not submission.file or not default_storage.exists(str(submission.file)):
        return None
    return f"models/{submission.pk}-{plain(submission.file_name)}"


def account(person: User) -> dict[str, Any]:
    """What the account itself holds. A token is shown by its first letters, because the rest is a
    hash."""
    addresses = EmailAddress.objects.filter(user=person)
    return {
        "username": person.username,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "addresses": [{"email": one.email, "verified": one.verified} for one in addresses],
        "joined_at": stamp(person.date_joined),
        "last_login": stamp(person.last_login),
        "language": person.language,
        "language_of_browser": person.seen_language,
        "quiet_on_pages": person.quiet_on_pages,
        "quiet_by_mail": person.quiet_by_mail,
        "tokens": [
            {
                "name": one.name,
                "token_key": one.token_key,
                "scope": one.scope,
                "competition": one.competition.slug if one.competition else None,
                "created_at": stamp(one.created),
                "expires_at": stamp(one.expiry),
                "used_at": stamp(one.used_at),
            }
            for one in tokens.of(person)
        ],
    }


def memberships(person: User) -> Iterator[dict[str, Any]]:
    for one in person.memberships.select_related("team", "competition"):
        yield {
            "team": one.team.name,
            "competition": one.competition.slug,
            "joined_at": stamp(one.joined_at),
            "is_captain": one.is_captain,
            "is_shown": one.is_shown,
            "rules_sha256": one.rules_sha256,
        }


def submissions(person: User) -> Iterator[dict[str, Any]]:
    """What the person sent, with the figures that teams see."""
    rows = Submission.objects.filter(uploaded_by=person).select_related("competition", "team")
    counting = Evaluation.objects.filter(submission__uploaded_by=person, counts=True)
    by_submission = {one.submission_id: one for one in counting}
    for one in rows.iterator(CHUNK):
        yield {
            "id": one.pk,
            "competition": one.competition.slug,
            "team": one.team.name,
            "file_name": one.file_name,
            "model": model_name(one),
            "sha256": one.sha256,
            "size_bytes": one.size_bytes,
            "format": one.format,
            "note": one.note,
            "branch": one.branch,
            "uploaded_at": stamp(one.uploaded_at),
            "selected_at": stamp(one.selected_at),
            "withdrawn_at": stamp(one.withdrawn_at),
            "disqualified_at": stamp(one.disqualified_at),
            "disqualified_reason": one.disqualified_reason,
            "reinstated_reason": one.reinstated_reason,
            **figures(one.competition, by_submission.get(one.pk)),
        }


def figures(competition: Competition, evaluation: Evaluation | None) -> dict[str, Any]:
    """Score, quality and time. Those of the private split only once its board is published."""
    if evaluation is None or competition.hides_scores:
        return {}
    found: dict[str, Any] = {"time_ratio": evaluation.time_ratio}
    for split in ("public", "private") if competition.is_published else ("public",):
        quality = getattr(evaluation, f"quality_{split}")
        found[f"quality_{split}"] = None if quality is None else rankings.told(quality)
        found[f"score_{split}"] = getattr(evaluation, f"score_{split}")
    return found


def trials(person: User) -> Iterator[dict[str, Any]]:
    for one in Trial.objects.filter(uploaded_by=person).select_related("competition"):
        yield {
            "competition": one.competition.slug,
            "file_name": one.file_name,
            "uploaded_at": stamp(one.uploaded_at),
            "state": one.state,
        }


def notices(person: User) -> Iterator[dict[str, Any]]:
    for one in Notice.objects.filter(user=person).select_related("competition").iterator(CHUNK):
        title, said = notice_words.said(one)
        yield {
            "title": title,
            "text": said,
            "created_at": stamp(one.created_at),
            "read_at": stamp(one.read_at),
        }


def questions(person: User) -> Iterator[dict[str, Any]]:
    """What the person asked organizers, with their answers."""
    rows = Question.objects.filter(asked_by=person).select_related("competition")
    for one in rows.iterator(CHUNK):
        yield {
            "competition": one.competition.slug,
            "text": one.text,
            "may_be_named": one.may_be_named,
            "asked_at": stamp(one.asked_at),
            "answer": one.answer,
            "is_public": one.is_public,
            "answered_at": stamp(one.answered_at),
        }


def invitations(person: User) -> Iterator[dict[str, Any]]:
    """The invitations that the person sent."""
    for one in Invitation.objects.filter(invited_by=person).select_related("team"):
        yield {
            "team": one.team.name,
            "sent_to": one.sent_to,
            "created_at": stamp(one.created_at),
            "accepted_at": stamp(one.accepted_at),
        }


def taken_invitations(person: User) -> Iterator[dict[str, Any]]:
    """The invitations that the person took up: those of teams and those of organizers."""
    of_teams = Invitation.objects.filter(accepted_by=person).select_related("team__competition")
    for one in of_teams:
        yield {
            "competition": one.team.competition.slug,
            "team": one.team.name,
            "sent_to": one.sent_to,
            "accepted_at": stamp(one.accepted_at),
        }
    for guest in Guest.objects.filter(accepted_by=person).select_related("competition"):
        yield {
            "competition": guest.competition.slug,
            "team": None,
            "sent_to": guest.address,
            "accepted_at": stamp(guest.accepted_at),
        }


def applications(person: User) -> Iterator[dict[str, Any]]:
    for one in person.applications.select_related("competition"):
        yield {
            "competition": one.competition.slug,
            "state": one.state,
            "answers": one.answers,
            "applied_at": stamp(one.applied_at),
            "reason": one.reason,
            "decided_at": stamp(one.decided_at),
        }


def text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode()


def stamp(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def plain(name: str) -> str:
    """The name of a file without its folders."""
    return name.replace("/", "_").replace("\\", "_")


# The end


def check_deletable(person: User) -> None:
    """Raises `Refused` where the end of the account would break something, saying what to do."""
    acts = Role.objects.filter(user=person, kind__in=Role.ACTING)
    if person.is_superuser or acts.exists():
        raise Refused(
            gettext(
                "This account organizes competitions. Ask another organizer to take these rights "
                "from it first."
            ),
            code="account_organizes",
        )
    for one in person.memberships.select_related("team", "competition"):
        if breaks(one):
            raise Conflict(
                gettext(
                    "You are the last member of %(team)s, which takes part in "
                    "%(competition)s. Invite another person, withdraw its submissions, or "
                    "wait until the final ranking is published."
                )
                % {"team": one.team.name, "competition": one.competition.title},
                code="account_in_use",
            )


def breaks(membership: Membership) -> bool:
    """Whether a team in a running competition would be on its board without a member."""
    team = membership.team
    is_last = team.memberships.count() == 1
    is_running = not membership.competition.is_published
    return is_last and is_running and team.submissions.in_the_running().exists()


@transaction.atomic
def delete(person: User, *, by: User | str) -> None:
    """Delete an account for good. `by`: the person, or an operator's console.

    In each team the captain passes on. A team without another member keeps its rows under a name
    that tells nothing, or ends if it has sent nothing.
    """
    mine = Team.objects.filter(memberships__user=person).order_by("pk")
    locked = [locks.lock(team) for team in mine]
    check_deletable(person)
    audit.record(Act.ACCOUNT_DELETED, None, by=by, subject=str(person.pk))
    bans.keep(person)
    renamed = set()
    for team in locked:
        if abandon(team, person):
            renamed.add(team.competition_id)
    Trial.objects.filter(uploaded_by=person).update(file_name="")
    PartialUpload.objects.filter(begun_by=person).delete()
    forget_invitations(person)
    asked.forget(person)
    person.delete()
    for competition in sorted(renamed):
        versions.change(competition)


def forget_invitations(person: User) -> None:
    """Remove what invitations and their notices say of a person: names and addresses."""
    confirmed = EmailAddress.objects.filter(user=person, verified=True)
    addresses = list(confirmed.values_list("email", flat=True))
    is_meant = Q(accepted_by=person) | Q(sent_to__iexact=person.username)
    for address in addresses:
        is_meant |= Q(sent_to__iexact=address)
        Guest.objects.filter(address__iexact=address).delete()
        Letter.objects.filter(address__iexact=address).delete()
    Invitation.objects.filter(is_meant).update(sent_to="")
    Notice.objects.filter(kind=Notice.Kind.INVITED, facts__by_id=person.pk).delete()


def abandon(team: Team, person: User) -> bool:
    """Take a person out of a locked team. Returns whether the team has another name now."""
    team.memberships.filter(user=person).delete()
    team.invitations.filter(accepted_at=None).delete()
    if teams.pass_on(team):
        return False
    if not team.submissions.exists():
        team.delete()
        return False
    teams.give_name(team, ANONYMOUS.format(number=team.pk))
    team.former_names.all().delete()
    team.webhooks.all().delete()
    team.submissions.update(note="", branch="", file_name="")
    return True
