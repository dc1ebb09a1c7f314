"""Teams name the submissions that count for the private ranking."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Refused
from leaderboard.models import Evaluation, Submission, Team, User
from leaderboard.services import audit, competitions, locks, placing, teams


@transaction.atomic
def choose(*, team: Team, submission_ids: Collection[int], by: User) -> list[Submission]:
    """Make these the team's final selections. With none, its best public submissions count."""
    teams.check_member(team, by)
    competition, team = locks.lock(team.competition), locks.lock(team)
    competitions.check_unpublished(competition)
    competitions.check_unverified(competition)
    wanted = set(submission_ids)
    if len(wanted) > competition.final_selections:
        raise Refused(
            gettext("Select at most %(most)d submissions. You selected %(count)d.")
            % {"most": competition.final_selections, "count": len(wanted)},
            code="too_many_selections",
        )
    scored = Evaluation.objects.counting().filter(team=team, submission__in=wanted)
    if strange := sorted(wanted - set(scored.values_list("submission", flat=True))):
        raise Refused(
            gettext("Only scored submissions of your team can be selected, not %(numbers)s.")
            % {"numbers": ", ".join(map(str, strange))},
            code="not_selectable",
        )
    named = team.submissions.exclude(selected_at=None)
    was, now = sorted(named.values_list("pk", flat=True)), sorted(wanted)
    if was != now:
        before, after = {"submissions": was}, {"submissions": now}
        audit.record(audit.Act.SELECTIONS_CHOSEN, team, by=by, before=before, after=after)
    named.exclude(pk__in=wanted).update(selected_at=None)
    team.submissions.filter(pk__in=wanted, selected_at=None).update(selected_at=timezone.now())
    placing.place(team)  # a publication, or a preview of one, shows them
    return list(team.submissions.filter(pk__in=wanted))
