"""Questions to organizers and entries of the FAQ, as participants read them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from leaderboard.models import FaqEntry, Question
from leaderboard.services import questions


class QuestionDetail(serializers.ModelSerializer[Question]):
    text = serializers.CharField(
        help_text="The question as it was asked. People outside the asker's team see it as "
        "the organizers show it."
    )
    is_mine = serializers.BooleanField(help_text="Whether I or a team of mine asked it.")
    asked_by = serializers.CharField(
        allow_null=True,
        help_text="A user name. null for people outside the asker's team, unless the asker agreed.",
    )
    answer = serializers.CharField(help_text="Markdown. Empty if there is no answer yet.")
    is_public = serializers.BooleanField(help_text="Whether everybody reads the answer.")

    class Meta:
        model = Question
        fields = (
            *("id", "text", "is_mine", "asked_by", "asked_at", "answer", "is_public"),
            *("answered_at", "edited_at"),
        )

    def to_representation(self, question: Question) -> dict[str, Any]:
        is_mine = bool(getattr(question, "is_mine", False))
        may_name = question.asked_by and (is_mine or question.may_be_named)
        return {
            "id": question.pk,
            "text": question.text if is_mine else question.public_text or question.text,
            "is_mine": is_mine,
            "asked_by": question.asked_by.username if may_name and question.asked_by else None,
            "asked_at": question.asked_at,
            "answer": question.answer,
            "is_public": question.is_public,
            "answered_at": question.answered_at,
            "edited_at": question.edited_at,
        }


class NewQuestion(serializers.Serializer[Question]):
    text = serializers.CharField(max_length=questions.LONGEST)
    may_be_named = serializers.BooleanField(
        default=False, help_text="Whether a public answer may say who asked."
    )


class FaqDetail(serializers.ModelSerializer[FaqEntry]):
    answer = serializers.CharField(help_text="Markdown.")

    class Meta:
        model = FaqEntry
        fields = ("id", "question", "answer")
