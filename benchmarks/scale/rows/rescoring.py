"""Another formula for all evaluations: its preview, the switch, and the scores that follow."""

from __future__ import annotations

import time

from django.urls import reverse

from benchmarks.scale.measure import Act, figure, timed
from benchmarks.scale.world import World, get
from leaderboard.models import Competition, Evaluation, Preparation, Rescore, User
from leaderboard.services import moves, preparing, rescoring

EVALUATIONS = 100_000
"""Figures are those of so many evaluations."""


@timed("dashboard of a competition", ms=250)
def dashboard(world: World) -> Act:
    address = reverse("admin:leaderboard_competition_dashboard", args=[world.competition.pk])
    return lambda: get(world.organizer, address)


@figure("rescore, preview of 100,000 evaluations in the background", unit="s", most=10)
def preview(world: World) -> float:
    Competition.objects.update(state="open", published_at=None)
    Preparation.objects.all().delete()
    rescore = Rescore(
        competition=Competition.objects.get(pk=world.competition.pk),
        time_weight=0.3,
        k=25.0,
        min_quality=0.7,
        why="Time counted too much.",
    )
    began = time.perf_counter()
    rescoring.begin(rescore, organizer())
    while preparing.step(rescore.competition):
        pass
    moves.summary(moves.of(rescore))
    seconds = time.perf_counter() - began
    return seconds * EVALUATIONS / Evaluation.objects.filter(counts=True).count()


@timed("rescore, page of the preview", ms=1_000)
def page(world: World) -> Act:
    rescore = Rescore.objects.get(state="preview")
    address = reverse("admin:leaderboard_rescore_change", args=[rescore.pk])
    return lambda: get(world.organizer, address)


@figure("rescore, the switch", unit="s", most=1)
def switch(world: World) -> float:
    rescore = Rescore.objects.get(state="preview")
    began = time.perf_counter()
    rescoring.switch(rescore, organizer())
    return time.perf_counter() - began


@figure("rescore, scores of 100,000 evaluations follow", unit="s", most=120)
def follow(world: World) -> float:
    began = time.perf_counter()
    while preparing.step(world.competition):
        pass
    seconds = time.perf_counter() - began
    preparing.switch(world.competition)
    return seconds * EVALUATIONS / Evaluation.objects.filter(state="scored").count()


def organizer() -> User:
    return User.objects.get(username="organizer")
