"""Whether a person may take part in a competition, and the person's application."""

from __future__ import annotations

from rest_framework import serializers

from leaderboard.models import Application, Guest


class Answered(serializers.Serializer[dict[str, str]]):
    question = serializers.CharField()
    answer = serializers.CharField()


class ApplicationDetail(serializers.ModelSerializer[Application]):
    answers = Answered(many=True)
    reason = serializers.CharField(help_text="The reason if the organizers refused it.")

    class Meta:
        model = Application
        fields = ("state", "answers", "applied_at", "reason", "decided_at")


class Standing(serializers.Serializer[dict[str, object]]):
    """What keeps me out of a competition."""

    is_admitted = serializers.BooleanField(help_text="Whether I may create a team or join one.")
    code = serializers.CharField(help_text="The code of the reason. Empty if I may take part.")
    detail = serializers.CharField(help_text="The reason in words.")
    questions = serializers.ListField(
        child=serializers.CharField(), help_text="The questions of an application."
    )
    application = ApplicationDetail(allow_null=True)


class NewApplication(serializers.Serializer[Application]):
    answers = serializers.ListField(
        child=serializers.CharField(),
        max_length=100,
        allow_empty=True,
        help_text="One for each question, in their order.",
    )


class GuestCode(serializers.Serializer[Guest]):
    code = serializers.CharField(
        max_length=100, help_text="The code in the link of the invitation."
    )
