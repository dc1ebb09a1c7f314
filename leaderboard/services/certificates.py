"""Certificates of a published result, for the members of a team."""

from __future__ import annotations

from django.conf import settings
from django.utils import formats
from django.utils.translation import get_language, gettext

from leaderboard import certificates
from leaderboard.certificates import Certificate
from leaderboard.errors import NotFound
from leaderboard.models import Entry, Team, User, Verification
from leaderboard.rounding import QUALITY_DECIMALS, interval, rounded
from leaderboard.services import rankings, snapshots, visibility


def of(*, team: Team, by: User) -> bytes:
    """The PDF of one member, in the language of the request. Raises `NotFound` before the
    publication, for a team without a score, and for a winner who was asked for a verification
    and is not verified."""
    competition = team.competition
    entry = entry_for(team)
    assert competition.published_at
    told = Certificate(
        heading=gettext("Certificate"),
        person=by.get_full_name() or by.get_username(),
        sentence=gettext("took part as a member of %(team)s in") % {"team": team},
        competition=competition.title,
        figure=rank_of(entry),
        lines=lines(entry),
        language=get_language() or "en",
        made_at=competition.published_at,
    )
    return certificates.pdf(told)


def entry_for(team: Team) -> Entry:
    """The entry whose figures stand in a team's certificates. Raises `NotFound` as `of` does."""
    visibility.check_board(team.competition, Entry.Board.PRIVATE)
    entry = rankings.entry_of(team, Entry.Board.PRIVATE)
    if entry is None:
        sentence = gettext("A certificate is for teams with a score on the private board.")
        raise NotFound(sentence, code="no_certificate")
    asked = Verification.objects.filter(team=team).first()
    if asked and asked.state != Verification.State.VERIFIED:
        sentence = gettext("You get the certificate when the organizers have verified your team.")
        raise NotFound(sentence, code="not_verified")
    return entry


def is_there(team: Team | None) -> bool:
    """Whether the members of a team get a certificate now."""
    if team is None or not team.competition.is_published:
        return False
    try:
        entry_for(team)
    except NotFound:
        return False
    return True


def rank_of(entry: Entry) -> str:
    standing = rankings.Standing(entry.competition, entry.board)
    rank = standing.rank(entry)
    if rank is None:
        return gettext("%(teams)d teams") % {"teams": len(standing)}
    return gettext("Rank %(rank)d of %(teams)d") % {"rank": rank, "teams": len(standing)}


def in_tracks(team: Team) -> list[str]:
    """The team's ranks in the tracks of the competition."""
    told = []
    for track in team.competition.all_tracks:
        entry = rankings.entry_of(team, Entry.Board.PRIVATE, track.slug)
        if entry is None or not entry.is_ranked:
            continue
        standing = rankings.Standing(team.competition, Entry.Board.PRIVATE, track=track.slug)
        facts = {"rank": standing.rank(entry), "teams": len(standing), "track": track.title}
        told.append(gettext("Rank %(rank)d of %(teams)d in the track %(track)s") % facts)
    return told


def lines(entry: Entry) -> list[str]:
    """The figures of the final ranking, and where they can be checked."""
    competition = entry.competition
    assert competition.published_at
    facts = {
        "score": interval(entry.score, entry.score_half_width, 4),
        "quality": rounded(entry.quality, QUALITY_DECIMALS),
        "ratio": rounded(entry.time_ratio, 3),
    }
    day = formats.date_format(competition.published_at, "DATE_FORMAT")
    told = [
        gettext("Score %(score)s (lower is better), quality %(quality)s, time ratio %(ratio)s")
        % facts,
        gettext("Final ranking published on %(day)s") % {"day": day},
    ]
    told += in_tracks(entry.team)
    if made := snapshots.latest(competition):
        address = f"{settings.SITE_URL}{competition.get_absolute_url()}snapshot/"
        told += [
            gettext("Check it at %(address)s") % {"address": address},
            f"SHA-256 {made.sha256}",
        ]
    return told
