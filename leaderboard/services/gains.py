"""How far a new score is better than its team's entry on the public board, in standard errors.

The standard error is that of the difference, by images and clock together, with both models on the
same images (`scoring.quality.doubt`). A gain below 1 is a step below noise: on other images the
order could be reversed. Whoever sends many of them may be reading the public labels off the board
(Blum and Hardt, The Ladder, 2015). Under the rule *only real gains move the public board* such a
step does not move the entry.

A gain is for organizers only: it would tell a team on how many images two of its models differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, QuerySet

from leaderboard.models import Competition, Entry, Evaluation, Split, Submission, Team
from leaderboard.services import answers
from scoring import formula
from scoring.quality.power import SURE

REAL = 1.0
"""A gain of more standard errors than this is real."""
ANY = -1.0
"""Each gain is larger than this."""
LISTED = 10
"""Most teams in a list of those with steps below noise."""


def of(evaluation: Evaluation, figures: Mapping[str, Any], answers_id: int | None) -> float | None:
    """The gain of a new verdict.

    0 if the score is not better, None if the team had no ranked entry. A repeat keeps the gain of
    its submission. Two verdicts of one team in the same moment are both compared with the entry
    before them.
    """
    submission = evaluation.submission
    if submission is None or submission.is_late:
        return None
    if evaluation.is_repeat or evaluation.is_hidden:
        return before(submission)
    entry = (
        Entry.objects.filter(team=submission.team_id, board=Entry.Board.PUBLIC, is_ranked=True)
        .select_related("evaluation")
        .first()
    )
    if entry is None:
        return None
    better_by = float(entry.score) - figures["score_public"]
    if better_by <= 0:
        return 0.0
    error = paired_error(evaluation, figures, answers_id, entry.evaluation)
    return better_by / error if error else 2 * REAL


def before(submission: Submission) -> float | None:
    """The gain of the latest verdict of a submission; None if it has none."""
    scored = submission.evaluations.filter(state=Evaluation.State.SCORED)
    return scored.order_by("finished_at", "pk").values_list("gain", flat=True).last()


def paired_error(
    evaluation: Evaluation,
    figures: Mapping[str, Any],
    answers_id: int | None,
    other: Evaluation,
) -> float:
    """The standard error of the difference of two public scores.

    If the answers of one model are not known, it is that of the clock alone.
    """
    import numpy as np

    from scoring.quality import doubt

    competition = evaluation.competition
    qualities = np.array([figures["quality_public"], other.quality_public])
    widths = np.array([figures["half_width"], other.half_width])
    slopes = [
        formula.quality_slope(quality, quality_ref=figures["quality_ref"], k=competition.k)
        for quality in qualities.tolist()
    ]
    clock = competition.time_weight * widths / SURE
    phi = np.zeros((2, 1))
    contents = [one for one in (answers_id, other.answers_id) if one is not None]
    if len(set(contents)) == 2:
        dataset = evaluation.dataset
        found = answers.read(contents, dataset.split(Split.Name.PUBLIC))
        phi = doubt.influences(
            found.labels, found.answers, len(dataset.classes), competition.metric
        )
    both = doubt.Scores(np.zeros(2), np.array(slopes), clock)
    return float(doubt.paired_errors(phi, both)[0, 1])


def below_noise() -> QuerySet[Evaluation]:
    """The verdicts that were better than their team's entry by less than the noise."""
    return Evaluation.objects.filter(counts=True, gain__gt=0, gain__lte=REAL)


def steps_below_noise(team: Team) -> int:
    return below_noise().filter(team=team).count()


def probing(competition: Competition) -> list[tuple[Team, int]]:
    """The teams with the most steps below noise, and how many steps each has."""
    counted = (
        below_noise()
        .filter(competition=competition)
        .order_by()
        .values_list("team")
        .annotate(steps=Count("pk"))
        .order_by("-steps", "team")[:LISTED]
    )
    steps = dict(counted)
    teams = Team.objects.in_bulk(list(steps))
    return [(teams[key], count) for key, count in steps.items()]
