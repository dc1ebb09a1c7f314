"""Teams, their members, submissions and further uploads. `team_acts` has the buttons."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import display

from leaderboard.admin import pages, team_acts
from leaderboard.models import Extra, Membership, Submission, Team
from leaderboard.models.counts import count_of
from leaderboard.services import gains, quotas


class MembershipInline(pages.FixedInline):
    model = Membership
    fk_name = "team"
    verbose_name_plural = gettext_lazy("members")
    fields = ["user", "joined_at"]
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


class SubmissionInline(pages.FixedInline):
    model = Submission
    fields = ["submission", "uploaded_at", "uploaded_by", "note", "withdrawn_at", "disqualified_at"]
    readonly_fields = fields
    per_page = 20

    def get_queryset(self, request: HttpRequest) -> QuerySet[Submission]:
        return super().get_queryset(request).select_related("team", "uploaded_by").defer("static")

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
    fields = ["name", "competition", "created_at", "steps_below_noise"]
    readonly_fields = ["steps_below_noise"]
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
