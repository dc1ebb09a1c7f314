"""The organizers' panel: its first page, every list as it opens and searched, every form."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse

from benchmarks.scale.measure import Act, timed
from benchmarks.scale.world import World, get

BAR = 250


@timed("panel, first page", ms=BAR)
def first_page(world: World) -> Act:
    return lambda: get(world.organizer, reverse("admin:index"))


def add(model: type[Model]) -> None:
    name = f"leaderboard_{model._meta.model_name}"
    noun = str(model._meta.verbose_name)

    @timed(f"panel, list of {noun}s", ms=BAR)
    def shown(world: World) -> Act:
        address = reverse(f"admin:{name}_changelist")
        return lambda: get(world.organizer, address)

    @timed(f"panel, last page of {noun}s", ms=BAR)
    def last(world: World) -> Act:
        pages = -(-model._default_manager.count() // admin.site._registry[model].list_per_page)
        address = reverse(f"admin:{name}_changelist")
        return lambda: get(world.organizer, f"{address}?p={pages}")

    @timed(f"panel, list of {noun}s, searched", ms=BAR)
    def searched(world: World) -> Act:
        address = reverse(f"admin:{name}_changelist")
        return lambda: get(world.organizer, f"{address}?q=nobody-has-it")

    @timed(f"panel, page of one {noun}", ms=BAR)
    def one(world: World) -> Act:
        address = reverse(f"admin:{name}_change", args=[world.largest(model).pk])
        return lambda: get(world.organizer, address)


for registered in admin.site._registry:
    if registered._meta.app_label == "leaderboard":
        add(registered)
