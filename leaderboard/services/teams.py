"""Teams are made, joined by invitation and left. A person is in one team of a competition."""

from __future__ import annotations

import secrets
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NameTaken, NotAMember, NotFound
from leaderboard.models import (
    Competition,
    Entry,
    FormerName,
    Invitation,
    Membership,
    NamePart,
    Team,
    User,
)
from leaderboard.services import (
    admissions,
    audit,
    bans,
    events,
    invitation_letters,
    locks,
    names,
    organizers,
    reasons,
    versions,
    visibility,
)
from leaderboard.services.audit import Act
from leaderboard.services.events import Event

LONGEST_NAME = 60
MOST_ALIKE = 20
"""Names that are tried for a person who competes alone."""
INVITATION_LIFETIME = timedelta(days=7)


@transaction.atomic
def create(*, competition: Competition, name: str, by: User) -> Team:
    """Make a team and join it."""
    check_joinable(competition, by)
    team = Team(competition=competition)
    give_name(team, name)
    audit.record(Act.TEAM_MADE, team, by=by)
    join(team, by)
    return team


@transaction.atomic
def compete_alone(*, competition: Competition, by: User) -> Team:
    """Make a team of one person, with the user name or one like it."""
    check_joinable(competition, by)
    for suffix in ("", *(f" {number}" for number in range(2, MOST_ALIKE + 1))):
        try:
            return create(
                competition=competition, name=by.username[: LONGEST_NAME - 4] + suffix, by=by
            )
        except NameTaken:
            continue
    raise NameTaken(
        gettext("Many teams have a name like your user name. Choose a name for your team.")
    )


@transaction.atomic
def rename(*, team: Team, name: str, reason: str, by: User) -> None:
    """Give a team another name, as an organizer, with a reason that the team reads."""
    organizers.check_organizer(by, team.competition)
    why = reasons.given(reason)
    team = locks.lock(team)
    former = team.name
    with audit.because(why):
        change_name(team, name, by=by)
    if team.name != former:
        events.tell(Event.TEAM_CHANGED, team, change="renamed", former=former, reason=why)


@transaction.atomic
def invite(*, team: Team, by: User, to: str = "") -> Invitation:
    """A link for one person. It is valid for a week, until its maker leaves or a member revokes
    it.

    `to` names the person by user name or mail address. The person is told by a notice, and by mail
    if no account has confirmed the address. Nobody learns by an address whether it has an account.
    """
    team = locks.lock(team)
    check_member(team, by)
    bans.check(team.competition, by, team)
    check_forming(team.competition)
    team.invitations.filter(accepted_at=None, expires_at__lte=timezone.now()).delete()
    most = team.competition.max_team_size
    if open_invitations(team).count() >= most:
        raise Conflict(
            gettext(
                "%(team)s has %(most)d open invitations. A team can have as many open "
                "invitations as members. Revoke one first."
            )
            % {"team": team, "most": most},
            code="too_many_invitations",
        )
    to = to.strip()
    if is_address := "@" in to:
        invitation_letters.check(team, to, by=by)
    person = named(to) if to else None
    invitation = Invitation.objects.create(
        team=team,
        code=secrets.token_urlsafe(32),
        invited_by=by,
        sent_to=to,
        expires_at=timezone.now() + INVITATION_LIFETIME,
    )
    audit.record(Act.INVITATION_MADE, team, by=by, after={"id": invitation.pk})
    if person:
        events.tell(Event.INVITED, invitation, person=person.pk)
    if is_address:
        invitation_letters.write(invitation, to, is_sent=person is None)
    return invitation


def named(name: str) -> User | None:
    """The person of a user name, or of a mail address that an account has confirmed.

    Anybody can type the address of another person, so an address that nobody confirmed names
    nobody. Raises `NotFound` for an unknown user name.
    """
    if "@" in name:
        confirmed = EmailAddress.objects.filter(verified=True, user__is_active=True)
        address = confirmed.filter(email__iexact=name).select_related("user").first()
        return address.user if address else None
    found = User.objects.filter(is_active=True, username__iexact=name).first()
    if found is None:
        raise NotFound(
            gettext("Nobody on this site has the user name %(name)s.") % {"name": name[:50]},
            code="unknown_person",
        )
    return found


def open_invitations(team: Team) -> QuerySet[Invitation]:
    """The invitations that still let somebody join."""
    waiting = team.invitations.filter(accepted_at=None, expires_at__gt=timezone.now())
    return waiting.filter(invited_by__is_active=True).select_related("invited_by")


@transaction.atomic
def revoke_invitation(*, team: Team, invitation_pk: int, by: User) -> None:
    """Revoke an open invitation; any member may. Raises `NotFound` for a used one or another
    team's."""
    team = locks.lock(team)
    check_member(team, by)
    removed, _ = team.invitations.filter(pk=invitation_pk, accepted_at=None).delete()
    if not removed:
        raise unusable()
    audit.record(Act.INVITATION_REVOKED, team, by=by, before={"id": invitation_pk})


@transaction.atomic
def accept(*, code: str, by: User) -> Team:
    """Join the team of an invitation."""
    invitation = find_invitation(code)
    team = locks.lock(invitation.team)
    check_joinable(team.competition, by)
    bans.check(team.competition, by, team)
    if team.memberships.count() >= team.competition.max_team_size:
        raise Conflict(
            gettext("%(team)s is full. A team can have at most %(most)d members.")
            % {"team": team, "most": team.competition.max_team_size},
            code="team_full",
        )
    used = Invitation.objects.filter(pk=invitation.pk, accepted_at=None).update(
        accepted_at=timezone.now(), accepted_by=by
    )
    if not used:
        raise unusable()
    audit.record(Act.INVITATION_USED, team, by=by, after={"id": invitation.pk})
    join(team, by)
    return team


@transaction.atomic
def leave(*, team: Team, by: User) -> None:
    """Leave a team. All its open invitations end, because each member knows their codes, and so do
    the person's webhooks. Submissions stay the team's, so the last member of a team with
    submissions stays."""
    team = locks.lock(team)
    check_member(team, by)
    bans.check_team(team)
    if team.competition.is_published:
        raise Conflict(
            gettext("The competition is over. Its teams can no longer change."),
            code="competition_over",
        )
    if team.memberships.count() == 1 and team.submissions.exists():
        raise Conflict(
            gettext(
                "You are the last member of a team with submissions. Invite another person before "
                "you leave."
            ),
            code="last_member",
        )
    team.memberships.filter(user=by).delete()
    audit.record(Act.MEMBER_LEFT, team, by=by, before={"member": by.username})
    team.invitations.filter(accepted_at=None).delete()
    team.webhooks.filter(created_by=by).delete()
    if not pass_on(team):
        team.delete()


def pass_on(team: Team) -> bool:
    """Make the earliest member the captain of a team without one. Returns False if the team has no
    member."""
    first = team.memberships.order_by("joined_at", "pk").first()
    if first and not team.memberships.filter(is_captain=True).exists():
        team.memberships.filter(pk=first.pk).update(is_captain=True)
    return first is not None


@transaction.atomic
def show_member(*, team: Team, by: User, is_shown: bool) -> None:
    """Let the team's public page name a member or not, as that member wants it."""
    check_member(team, by)
    team.memberships.filter(user_id=by.pk).update(is_shown=is_shown)


def shown(competition: Competition, pk: int, *, to: User | AnonymousUser) -> Team:
    """A team that has a public page: it has been on the public board, or the reader is a member.
    Where scores are hidden, nobody else learns who is on the board."""
    of_competition = Team.objects.filter(competition=competition, pk=pk)
    own = Q(memberships__user=to.pk) if to.is_authenticated else Q(pk__in=[])
    if not visibility.hides_from(competition, to):
        own |= Q(entries__board=Entry.Board.PUBLIC)
    team = of_competition.filter(own).distinct().first()
    if team is None:
        raise NotFound(gettext("There is no such team on the board."))
    team.competition = competition
    return team


def of(user: User, competition: Competition) -> Team | None:
    """The team of a person in a competition, if there is one."""
    if not user.is_authenticated:
        return None
    return Team.objects.filter(competition=competition, memberships__user=user).first()


def own(user: User, competition: Competition) -> Team:
    """The team of a person in a competition. Raises `NotAMember`."""
    team = of(user, competition)
    if team is None:
        raise NotAMember(
            gettext("You are not in a team of %(competition)s yet. Create or join a team first.")
            % {"competition": competition}
        )
    return team


def find_invitation(code: str) -> Invitation:
    """A usable invitation. Raises `NotFound`, and never tells why a code cannot be used."""
    known = Invitation.objects.select_related("team__competition", "invited_by")
    invitation = known.filter(code=code).first()
    if invitation is None or not invitation.is_usable:
        raise unusable()
    return invitation


def check_member(team: Team, user: User) -> None:
    if not team.has_member(user):
        raise not_a_member(team)


def not_a_member(team: Team) -> NotAMember:
    return NotAMember(
        gettext("You are not a member of %(team)s. Ask a member for an invitation.")
        % {"team": team}
    )


def check_joinable(competition: Competition, user: User) -> None:
    """Raises `Conflict` for a competition that takes no members, or a person who has a team, and
    `NotAllowed` for a person whom the organizers keep out."""
    check_forming(competition)
    bans.check(competition, user)
    if of(user, competition):
        raise Conflict(
            gettext("You are already in a team of this competition. Leave that team first."),
            code="already_in_a_team",
        )
    admissions.check(competition, user)


def check_forming(competition: Competition) -> None:
    """Raises `Conflict` before a competition opens and once its final ranking is published."""
    if competition.state in (Competition.State.DRAFT, Competition.State.PUBLISHED):
        raise Conflict(
            gettext("Teams can be created only while the competition runs."),
            code="competition_not_open",
        )


def give_name(team: Team, name: str) -> None:
    """Name a team. Raises `BadName` for an unreadable name, and `NameTaken` for one like another
    team's."""
    team.name = names.clean(
        name, longest=LONGEST_NAME, what=gettext("A team's name"), code="bad_team_name"
    )
    team.skeleton = names.skeleton(team.name)
    try:
        with transaction.atomic():
            team.save(update_fields=["name", "skeleton"] if team.pk else None)
            team.name_parts.all().delete()
            NamePart.objects.bulk_create(
                NamePart(team=team, competition_id=team.competition_id, text=text)
                for text in names.parts(team.name)
            )
    except IntegrityError as error:
        raise NameTaken(
            gettext(
                "There is already a team named %(name)s, or a team whose name looks the "
                "same. Choose another name."
            )
            % {"name": team.name}
        ) from error


def change_name(team: Team, name: str, *, by: User) -> None:
    """Give a locked team another name, and keep the former one with its end."""
    former = Team.objects.values_list("name", flat=True).get(pk=team.pk)
    give_name(team, name)
    if team.name != former:
        FormerName.objects.create(team=team, name=former)
        was, now = {"name": former}, {"name": team.name}
        audit.record(Act.TEAM_RENAMED, team, by=by, before=was, after=now)
        versions.change_names(team.competition_id)


def unusable() -> NotFound:
    return NotFound(
        gettext("This invitation is unknown, used, revoked or expired. Ask for a new one."),
        code="invitation_unusable",
    )


def join(team: Team, user: User) -> None:
    """Write a membership. The first member is the captain. To join is to accept the rules."""
    try:
        with transaction.atomic():
            Membership.objects.create(
                team=team,
                user=user,
                competition_id=team.competition_id,
                is_captain=not team.memberships.exists(),
                rules_sha256=team.competition.rules_sha256,
            )
    except IntegrityError as error:  # two requests join in the same moment
        raise Conflict(
            gettext("You are already in a team of this competition. Leave that team first."),
            code="already_in_a_team",
        ) from error
    audit.record(Act.MEMBER_JOINED, team, by=user, after={"member": user.username})
