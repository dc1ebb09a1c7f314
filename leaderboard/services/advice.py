"""Advice on what would improve a scored submission most, by the figures of the board."""

from __future__ import annotations

from django.db.models import Count
from django.utils.translation import gettext

from leaderboard.models import Competition, Entry, Evaluation, Submission
from leaderboard.models.entry import EntryQuerySet
from leaderboard.rounding import QUALITY_DECIMALS
from leaderboard.sentences import said
from leaderboard.services import prospects
from leaderboard.services.prospects import Prospect, Rivals
from leaderboard.sizes import milliseconds, rounded
from scoring import formats, formula


def of(submission: Submission, prospect: Prospect) -> list[str]:
    """The advice for the team, the sentence about the largest gain first."""
    evaluation = submission.evaluation
    if prospect.quality_to_gate:
        return [to_the_gate(submission.competition, prospect.quality_to_gate)]
    rivals = prospect.rivals
    found = [larger_term(evaluation, rivals.entries), unused(submission, rivals)]
    return [sentence for sentence in found if sentence]


def to_the_gate(competition: Competition, missing: float) -> str:
    return gettext(
        "%(metric)s must rise by %(missing)s to pass the gate. Then the model gets a rank."
    ) % {
        "metric": metric(competition),
        "missing": rounded(missing, QUALITY_DECIMALS),
    }


def larger_term(evaluation: Evaluation, rivals: EntryQuerySet) -> str:
    """A sentence about the term of the score with the larger possible gain; may be empty.

    Another team's model shows the gain: it is better in this term and no worse in the other.
    """
    time_ratio, quality = evaluation.time_ratio or 0.0, evaluation.quality_public or 0.0
    shown = rivals.select_related("team", "evaluation")
    faster = shown.filter(quality__gte=quality).order_by("time_ratio").first()
    better = shown.filter(time_ratio__lte=time_ratio).order_by("-quality").first()
    by_time = time_gain(evaluation, faster)
    by_quality = quality_gain(evaluation, better)
    if faster and by_time > max(0.0, by_quality):
        return slow(evaluation, faster)
    if better and by_quality > 0:
        return inaccurate(evaluation, better)
    if not rivals.exists():
        return ""
    return gettext("No other model is clearly faster at this quality, or better at this speed.")


def slow(evaluation: Evaluation, rival: Entry) -> str:
    competition = evaluation.competition
    return gettext(
        "This model is slow for its %(metric)s. The %(metric)s of the model of %(team)s is "
        "not lower, and it needs %(time)s per image instead of %(own)s."
    ) % {
        "metric": metric(competition),
        "team": rival.team,
        "time": per_image(competition, rival.time_ratio),
        "own": per_image(competition, evaluation.time_ratio or 0.0),
    }


def inaccurate(evaluation: Evaluation, rival: Entry) -> str:
    return gettext(
        "This model is inaccurate for its time. The model of %(team)s is not slower, and its "
        "%(metric)s is %(quality)s instead of %(own)s."
    ) % {
        "metric": metric(evaluation.competition),
        "team": rival.team,
        "quality": rounded(rival.quality, QUALITY_DECIMALS),
        "own": rounded(evaluation.quality_public or 0.0, QUALITY_DECIMALS),
    }


def time_gain(evaluation: Evaluation, rival: Entry | None) -> float:
    """What the score gains at a rival's time; 0 if both times differ by noise only."""
    if rival is None:
        return 0.0
    less = (evaluation.time_ratio or 0.0) - rival.time_ratio
    own, other = evaluation.half_width or 0.0, rival.evaluation.half_width or 0.0
    if less <= 0 or formula.is_tied(less, own, other):
        return 0.0
    return evaluation.competition.time_weight * less


def quality_gain(evaluation: Evaluation, rival: Entry | None) -> float:
    """What the score gains at a rival's quality."""
    if rival is None:
        return 0.0
    assert evaluation.quality_ref is not None
    terms = [
        formula.quality_term(
            quality, quality_ref=evaluation.quality_ref, k=evaluation.competition.k
        )
        for quality in (evaluation.quality_public or 0.0, rival.quality)
    ]
    return terms[0] - terms[1]


def unused(submission: Submission, rivals: Rivals) -> str:
    """A sentence about a format or number type that this team has not sent yet; may be empty.

    First those of teams with a better score, then any format that the competition takes.
    """
    sent = submission.team.submissions.in_the_running().order_by()
    tried = set(sent.values_list("format", "number_type").distinct())
    score = prospects.score_of(submission.evaluation)
    better = rivals.above(score, submission).order_by()
    used = list(
        better.values_list("submission__format", "submission__number_type")
        .annotate(teams=Count("pk"))
        .order_by("-teams", "submission__format", "submission__number_type")
    )
    count = sum(teams for *_, teams in used)
    for name, number_type, teams in used:
        if name and (name, number_type) not in tried:
            return gettext(
                "Teams with a better score that use %(format)s with %(number_type)s: %(teams)d of "
                "%(count)d. Your team has not sent such a model yet."
            ) % {
                "teams": teams,
                "count": count,
                "format": formats.title(name),
                "number_type": number_type,
            }
    untried = set(submission.competition.formats) - {name for name, _ in tried}
    if not untried:
        return ""
    return gettext("Your team has not sent a model in this format yet: %(formats)s.") % {
        "formats": formats.titles(untried)
    }


def metric(competition: Competition) -> str:
    return said(competition.quality_measure.short)


def per_image(competition: Competition, time_ratio: float) -> str:
    """The time of a model in ms, at the pace of the calibration."""
    seconds = competition.seconds_per_image(time_ratio)
    return gettext("%(time)s ms") % {"time": milliseconds(seconds)}
