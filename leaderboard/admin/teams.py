"""Teams, their members, submissions and further uploads. `team_acts` has the buttons."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import display

from leaderboard.admin import pages, submissions, team_acts
from leaderboard.models import Ban, Extra, Membership, Submission, Team
from leaderboard.models.counts import count_of
from leaderboard.services import gains, quotas


class MembershipInline(pages.FixedInline):
    model = Membership
    fk_name = "team"
    verbose_name_plural = gettext_lazy("members")
    fields = ["user", "is_captain", "joined_at"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user", "team")


class ExtraInline(pages.FixedInline):
    model = Extra
    verbose_name_plural = gettext_lazy("further uploads")
    fields = ["uploads", "used", "until", "reason", "given_by"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Extra]:
        return super().get_queryset(request).select_related("team", "given_by")

    @display(description=gettext_lazy("Used"))
    def used(self, extra: Extra) -> int:
        return quotas.counted(extra.submissions.all()).count()


class SubmissionInline(submissions.Verdicts, pages.FixedInline):
    model = Submission
    fields = ["submission", "uploaded_at", "uploaded_by", "state", "score", "marks", "note"]
    readonly_fields = fields
    per_page = 20

    def get_queryset(self, request: HttpRequest) -> QuerySet[Submission]:
        rows = super().get_queryset(request).select_related("team", "uploaded_by").defer("static")
        return rows.prefetch_related("evaluations__competition")

    @display(description=gettext_lazy("State"))
    def state(self, submission: Submission) -> str:
        return submission.evaluation.get_state_display()

    @display(description=gettext_lazy("Submission"))
    def submission(self, submission: Submission) -> SafeString | str:
        return pages.link(submission, f"#{submission.pk}")


@admin.register(Team)
class TeamAdmin(team_acts.TeamActs, pages.Fixed):
    comes_from = gettext_lazy("Participants create teams on the page of an open competition.")
    to_competition = "competition"
    list_display = ["name", "competition", "members_count", "submissions_count", "created_at"]
    list_filter = [("competition", pages.OwnCompetition)]
    search_fields = ["name", "members__username", "members__email"]
    fields = ["name", "competition", "created_at", "banned", "steps_below_noise"]
    readonly_fields = ["banned", "steps_below_noise"]
    inlines = [MembershipInline, ExtraInline, SubmissionInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        return (
            super()
            .get_queryset(request)
            .select_related("competition")
            .annotate(
                members_count=count_of(Membership.objects.all(), "team"),
                submissions_count=count_of(Submission.objects.all(), "team"),
            )
        )

    @display(description=gettext_lazy("Bans"))
    @pages.once
    def banned(self, team: Team) -> SafeString:
        """The bans of the team and of its members. The page of each can lift it."""
        of_members = Q(competition=team.competition_id, user__in=team.members.all())
        found = Ban.objects.filter(Q(team=team) | of_members).select_related("team", "user")
        links = format_html_join("; ", "{}: {}", ((pages.link(one), one.reason) for one in found))
        return links or SafeString("–")

    @display(description=gettext_lazy("Steps below noise"))
    def steps_below_noise(self, team: Team) -> str:
        """How often it got better by less than the noise of images and clock."""
        count = gains.steps_below_noise(team)
        why = gettext(
            "Better than the team's row by less than the standard error of the difference. "
            "Many such steps can mean that a team tries to find the hidden labels."
        )
        return f"{count}. {why}"

    @display(description=gettext_lazy("Members"), ordering="members_count")
    def members_count(self, team: Team) -> int:
        return team.members_count  # type: ignore[attr-defined]

    @display(description=gettext_lazy("Submissions"), ordering="submissions_count")
    def submissions_count(self, team: Team) -> int:
        return team.submissions_count  # type: ignore[attr-defined]
