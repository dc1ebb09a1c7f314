"""Whether a person may take part in a competition, by the choice of its organizers.

Every way into a team asks `check`. Nobody who is in a team is put out by it.
"""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext

from leaderboard.errors import NotAllowed
from leaderboard.models import Application, Competition, Guest, User
from leaderboard.services import locks

Admission = Competition.Admission
State = Application.State


def check(competition: Competition, person: User) -> None:
    """Raises `NotAllowed` for a person who is not admitted, saying what to do.

    Call it in the transaction that lets the person join. Until that ends, the organizers cannot
    refuse an application.
    """
    if application := application_of(competition, person):
        locks.share(application)
    if hurdle := hurdle_of(competition, person):
        raise hurdle


def hurdle_of(competition: Competition, person: User | AnonymousUser) -> NotAllowed | None:
    """What keeps a person out of a competition; None if nothing does."""
    admission = Admission(competition.admission)
    if admission == Admission.OPEN or is_guest(competition, person):
        return None
    if admission == Admission.APPROVAL:
        return not_accepted(application_of(competition, person))
    if admission == Admission.INVITATION:
        text = gettext(
            "Only people whom the organizers invite can take part. Open the link of your "
            "invitation while you are signed in."
        )
        return NotAllowed(text, code="invitation_needed")
    return None if has_address(competition, person) else no_address(competition)


def not_accepted(application: Application | None) -> NotAllowed | None:
    """Why an application keeps its person out: it is missing, waits or was refused."""
    if application is None:
        text = gettext(
            "The organizers choose who takes part. Apply on the page “Join” of the competition."
        )
        return NotAllowed(text, code="application_needed")
    if application.state == State.WAITING:
        text = gettext("Your application is waiting for a decision. The organizers were notified.")
        return NotAllowed(text, code="application_waiting")
    if application.state == State.REFUSED:
        text = gettext("The organizers refused your application: %(reason)s")
        return NotAllowed(text % {"reason": application.reason}, code="application_refused")
    return None


def no_address(competition: Competition) -> NotAllowed:
    domains = ", ".join(f"@{one}" for one in competition.domain_list)
    text = gettext(
        "Only people with an address at %(domains)s can take part. Add such an address to your "
        "profile and confirm it."
    )
    return NotAllowed(text % {"domains": domains}, code="address_needed")


def has_address(competition: Competition, person: User | AnonymousUser) -> bool:
    """Whether a person has confirmed an address of one of the competition's domains."""
    confirmed = EmailAddress.objects.filter(user=person.pk, verified=True)
    domains = {one.rpartition("@")[2].lower() for one in confirmed.values_list("email", flat=True)}
    return bool(domains.intersection(competition.domain_list))


def is_guest(competition: Competition, person: User | AnonymousUser) -> bool:
    """Whether a person took up an invitation of the organizers."""
    if not person.is_authenticated:
        return False
    return Guest.objects.filter(competition=competition, accepted_by=person.pk).exists()


def application_of(competition: Competition, person: User | AnonymousUser) -> Application | None:
    return Application.objects.filter(competition=competition, user=person.pk).first()
