"""What an upload must meet to count in a track: as a question to the database, and in words.

`uploads` and `unmet` say the same of each condition.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext

from leaderboard.errors import Conflict
from leaderboard.models import Competition, Declaration, Submission
from leaderboard.models.tracks import Track
from scoring import formats

SAME_WORK = 0.02
"""By how much of the reference's multiplications those of the same network may differ. Each format
counts its own operators, and a folded layer is one of them."""

NONE = Q(pk=0)
"""No evaluation. Django makes an untyped NULL of a subquery about an empty list, which PostgreSQL
does not compare with a key."""


@dataclass(frozen=True)
class Unmet:
    """Why an upload does not count in a track; an empty code if it does."""

    track: Track
    code: str = ""
    reason: str = ""


def uploads(track: Track, competition: Competition) -> Q:
    """The evaluations whose uploads meet the conditions of a track."""
    found = Q()
    if track.formats:
        found &= Q(submission__format__in=track.formats)
    if track.number_types:
        found &= Q(submission__number_type__in=track.number_types)
    if track.max_parameters is not None:
        found &= Q(submission__parameters__lte=track.max_parameters)
    if track.max_bytes is not None:
        found &= Q(submission__size_bytes__lte=track.max_bytes)
    if track.reference_network:
        found &= of_reference(competition)
    return found


def of_reference(competition: Competition) -> Q:
    """The evaluations of the reference's network with whatever weights.

    Multiplications that nothing could count leave the shapes of the weights to decide.
    """
    structure = competition.reference.structure if competition.reference else ""
    if not structure:
        return NONE
    found = Q(submission__structure=structure)
    if work := same_work(competition):
        found &= Q(macs=None) | Q(macs__range=work)
    return found


def same_work(competition: Competition) -> tuple[float, float] | None:
    """The least and the most multiplications of the reference's network; None if the reference's
    are not known."""
    macs = competition.calibration.macs if competition.calibration else None
    return None if macs is None else (macs * (1 - SAME_WORK), macs * (1 + SAME_WORK))


def of(submission: Submission) -> list[Unmet]:
    """Each track of the competition, with what keeps a submission from counting there."""
    competition = submission.competition
    if not competition.tracks:
        return []
    declared = Declaration.objects.filter(team=submission.team_id, revoked_at=None)
    declared_for = set(declared.values_list("track", flat=True))
    macs = submission.evaluation.macs
    return [unmet(track, submission, macs, declared_for) for track in competition.all_tracks]


def unmet(track: Track, submission: Submission, macs: int | None, declared_for: set[str]) -> Unmet:
    """The first condition of a track that a submission does not meet."""
    facts = {"formats": ", ".join(formats.title(one) for one in track.formats)}
    if track.formats and submission.format not in track.formats:
        said = gettext("This track takes models of these formats: %(formats)s.") % facts
        return Unmet(track, code="track_format", reason=said)
    if track.number_types and submission.number_type not in track.number_types:
        facts["types"] = ", ".join(track.number_types)
        said = gettext("This track takes models of these number types: %(types)s.") % facts
        return Unmet(track, code="track_number_type", reason=said)
    if track.max_parameters is not None and submission.parameters > track.max_parameters:
        facts["most"] = f"{track.max_parameters:,}"
        said = gettext("This track takes models of at most %(most)s parameters.") % facts
        return Unmet(track, code="track_parameters", reason=said)
    if track.max_bytes is not None and submission.size_bytes > track.max_bytes:
        facts["most"] = f"{track.max_bytes:,}"
        said = gettext("This track takes files of at most %(most)s bytes.") % facts
        return Unmet(track, code="track_bytes", reason=said)
    if track.reference_network and (found := other_network(track, submission, macs)):
        return found
    if track.declared and track.slug not in declared_for:
        said = gettext("The team has not declared that it belongs to this track.")
        return Unmet(track, code="track_not_declared", reason=said)
    return Unmet(track)


def other_network(track: Track, submission: Submission, macs: int | None) -> Unmet | None:
    """Why a submission is not of the reference's network; None if it is."""
    competition = submission.competition
    structure = competition.reference.structure if competition.reference else ""
    if not submission.structure or not structure:
        said = gettext(
            "It is not known which network this is: its file or that of the reference shows no "
            "weights of two or more dimensions."
        )
        return Unmet(track, code="track_network_unknown", reason=said)
    if submission.structure != structure:
        said = gettext("This is not the reference's network: its weights have other shapes.")
        return Unmet(track, code="track_network", reason=said)
    work = same_work(competition)
    if work and macs is not None and not work[0] <= macs <= work[1]:
        facts = {"macs": f"{macs:,}", "percent": f"{100 * SAME_WORK:g}"}
        said = gettext(
            "The weights have the shapes of the reference's, but the network computes something "
            "else: %(macs)s multiplications for one image differ from the reference's by more than "
            "%(percent)s %%. The input size, the strides and the layers that run must be the same."
        )
        return Unmet(track, code="track_work", reason=said % facts)
    return None


def check_reference(competition: Competition) -> None:
    """Raises `Conflict` if a track is of the reference's network, and that is not known."""
    if not any(one.reference_network for one in competition.all_tracks):
        return
    if competition.reference and not competition.reference.structure:
        raise Conflict(
            gettext(
                "The file of the reference shows no weights of two or more dimensions, so no track "
                "can be of its network."
            ),
            code="reference_network_unknown",
        )
