"""Owners give people roles in their competition, and end them."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NotAllowed, NotFound
from leaderboard.models import Competition, Role, User
from leaderboard.models.organizers import is_owner
from leaderboard.services import audit, locks, teams


@transaction.atomic
def give(*, competition: Competition, to: str, kind: str, by: User) -> Role:
    """Make a person, named by user name or confirmed address, owner, organizer or viewer."""
    check_owner(by, competition)
    person = teams.named(to.strip())
    if person is None:
        raise NotFound(
            gettext("No account has confirmed the address %(address)s.") % {"address": to[:100]},
            code="unknown_person",
        )
    locks.lock(competition)
    if Role.objects.filter(competition=competition, user=person).exists():
        raise Conflict(
            gettext("%(person)s already has a role in this competition. Change that role.")
            % {"person": person},
            code="role_given",
        )
    role = Role.objects.create(competition=competition, user=person, kind=kind, given_by=by)
    audit.record(audit.Act.ROLE_GIVEN, role, by=by, after={"kind": kind})
    return role


@transaction.atomic
def change(*, role: Role, kind: str, by: User) -> None:
    """Replace a role by another kind of role."""
    check_owner(by, role.competition)
    was = audit.state(locks.lock(role), "kind")
    if was["kind"] == kind:
        return
    role.kind = kind
    role.save(update_fields=["kind"])
    audit.record(audit.Act.ROLE_GIVEN, role, by=by, before=was, after={"kind": kind})


@transaction.atomic
def end(*, role: Role, by: User) -> None:
    """Take a role back. The person sees only what participants see from then on."""
    check_owner(by, role.competition)
    audit.record(audit.Act.ROLE_ENDED, role, by=by, before={"kind": role.kind})
    role.delete()


def check_owner(by: User, competition: Competition) -> None:
    if not is_owner(by, competition.pk):
        raise NotAllowed(
            gettext("Only an owner of the competition gives and ends roles."), code="not_owner"
        )
