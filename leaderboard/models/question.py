"""What participants ask the organizers of a competition, and answers to what is asked often."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leaderboard.models.competition import Competition
from leaderboard.models.organizers import organized_by
from leaderboard.models.team import Team
from leaderboard.models.user import User


class QuestionQuerySet(models.QuerySet["Question"]):
    def visible_to(self, user: User | AnonymousUser) -> QuestionQuerySet:
        """Public answers are for everybody; the others for the asker's team and organizers."""
        found = Q(is_public=True, answered_at__isnull=False)
        if user.is_authenticated:
            found |= of(user) | organized_by(user, competition="competition")
        return self.filter(found)

    def of(self, user: User | AnonymousUser) -> QuestionQuerySet:
        """The questions that a person, or a team of the person, asked."""
        return self.filter(of(user)) if user.is_authenticated else self.none()

    def public(self) -> QuestionQuerySet:
        """The public answers that everybody reads, without those that are in the FAQ."""
        return self.filter(is_public=True, answered_at__isnull=False, faq_entry=None)

    def open(self) -> QuestionQuerySet:
        return self.filter(answered_at=None)


def of(user: User | AnonymousUser) -> Q:
    teams = Team.objects.filter(members=user.pk).order_by().values("pk")
    return Q(asked_by=user.pk) | Q(team__in=teams)


class Question(models.Model):
    competition = models.ForeignKey(Competition, models.CASCADE, related_name="asked")
    team = models.ForeignKey(
        Team,
        models.SET_NULL,
        null=True,
        related_name="questions",
        help_text="The team of the asker, whose members read the answer, too.",
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="questions"
    )
    text = models.TextField()
    may_be_named = models.BooleanField(
        default=False, help_text=_("Whether a public answer may say who asked.")
    )
    asked_at = models.DateTimeField(default=timezone.now)
    answer = models.TextField(blank=True)
    is_public = models.BooleanField(default=False)
    public_text = models.TextField(
        blank=True, help_text="The question as the organizers show it to everybody."
    )
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True)
    edited_at = models.DateTimeField(null=True)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["competition", "-id"], name="questions_of_a_competition"),
            models.Index(
                fields=["competition"], condition=Q(answered_at=None), name="open_questions"
            ),
            models.Index(fields=["asked_by", "asked_at"], name="questions_of_a_person"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at=None) | ~Q(answer=""), name="an_answer_has_a_text"
            ),
        ]

    def __str__(self) -> str:
        first = " ".join((self.public_text or self.text).split())
        return first if len(first) <= 80 else f"{first[:79]}…"

    def get_absolute_url(self) -> str:
        return f"{self.competition.get_absolute_url()}questions/{self.pk}/"

    @property
    def is_answered(self) -> bool:
        return self.answered_at is not None


class FaqEntry(models.Model):
    competition = models.ForeignKey(Competition, models.CASCADE, related_name="faq")
    question = models.CharField(max_length=300)
    answer = models.TextField(help_text=_("Markdown."))
    position = models.PositiveSmallIntegerField(
        default=1, help_text=_("Entries are shown in the order of this number.")
    )
    source = models.OneToOneField(
        Question,
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="faq_entry",
        help_text="The public answer that it was made of, which is not shown twice.",
    )

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = "FAQ entry"
        verbose_name_plural = "FAQ entries"
        indexes = [models.Index(fields=["competition", "position", "id"], name="faq_in_order")]

    def __str__(self) -> str:
        return self.question
