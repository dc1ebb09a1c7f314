"""Teams, their members, invitations and final selections."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from leaderboard.models import Invitation, Membership, MergeOffer, Submission, Team
from leaderboard.services import captains, quotas


class Limit(serializers.Serializer[quotas.Limit]):
    period = serializers.ChoiceField(choices=["day", "week", "month", "total"])
    most = serializers.IntegerField()
    used = serializers.IntegerField()
    left = serializers.IntegerField()
    resets_at = serializers.DateTimeField(allow_null=True)


class Further(serializers.Serializer[quotas.Further]):
    """Further uploads that the organizers gave this team. They are used when a limit is reached."""

    most = serializers.IntegerField()
    used = serializers.IntegerField()
    left = serializers.IntegerField()
    until = serializers.DateTimeField()
    reason = serializers.CharField()


class Quota(serializers.Serializer[quotas.Quota]):
    per_day = serializers.IntegerField()
    used = serializers.IntegerField(help_text="The uploads that were used today.")
    left = serializers.IntegerField(
        help_text="What the tightest limit leaves, plus further uploads."
    )
    resets_at = serializers.DateTimeField(
        allow_null=True, help_text="When that limit starts again. null if never."
    )
    limits = Limit(many=True)
    extras = Further(many=True)


class TeamSummary(serializers.ModelSerializer[Team]):
    competition = serializers.SlugRelatedField[Team](slug_field="slug", read_only=True)

    class Meta:
        model = Team
        fields = ("id", "name", "competition")


class Member(serializers.ModelSerializer[Membership]):
    username = serializers.CharField(source="user.username")

    class Meta:
        model = Membership
        fields = ("username", "joined_at", "is_captain")


class TeamDetail(TeamSummary):
    members = Member(source="memberships", many=True, read_only=True)

    class Meta(TeamSummary.Meta):
        fields = (*TeamSummary.Meta.fields, "created_at", "members")  # type: ignore[assignment]

    def to_representation(self, team: Team) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(team)
        captain = captains.of(team.memberships.all())
        for one in shown["members"]:
            one["is_captain"] = captain is not None and one["username"] == captain.user.username
        return shown


class NewTeam(serializers.Serializer[Team]):
    name = serializers.CharField(max_length=60)


class InvitationDetail(serializers.ModelSerializer[Invitation]):
    invited_by = serializers.CharField(source="invited_by.username")

    class Meta:
        model = Invitation
        fields = ("id", "code", "invited_by", "sent_to", "created_at", "expires_at")


class MemberName(serializers.Serializer[Membership]):
    username = serializers.CharField(max_length=150)


class NewInvitation(serializers.Serializer[Invitation]):
    to = serializers.CharField(
        max_length=254,
        required=False,
        allow_blank=True,
        default="",
        help_text="User name or mail address of the person, who gets a notice or a mail.",
    )


class MergeDetail(serializers.ModelSerializer[MergeOffer]):
    """A team asks another one to merge into it. The asked team ends if its captain accepts."""

    by_team = serializers.CharField(source="by_team.name")
    to_team = serializers.CharField(source="to_team.name")

    class Meta:
        model = MergeOffer
        fields = ("id", "by_team", "to_team", "asked_at")


class NewMerge(serializers.Serializer[MergeOffer]):
    team = serializers.CharField(max_length=60, help_text="The name of the team that may join.")


class InvitationCode(serializers.Serializer[Invitation]):
    code = serializers.CharField(max_length=100)


class Selections(serializers.Serializer[Team]):
    submissions = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        max_length=100,
        help_text="The ids of the submissions. If empty, the team's best public submissions "
        "count on the private board.",
    )
    at_most = serializers.IntegerField(source="competition.final_selections", read_only=True)

    def to_representation(self, team: Team) -> dict[str, object]:
        selected = Submission.objects.filter(team=team).exclude(selected_at=None)
        return {
            "submissions": list(selected.values_list("pk", flat=True)),
            "at_most": team.competition.final_selections,
        }
