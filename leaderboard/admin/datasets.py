"""Datasets: a form imports a zip, then a dataset is read-only. Hidden images have no download."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import action, display

from leaderboard import sentences
from leaderboard.admin import imports, pages
from leaderboard.models import Dataset, Split
from leaderboard.services import dataset_versions
from leaderboard.sizes import megabytes

SHOWN = 50


class SplitInline(pages.FixedInline):
    model = Split
    fields = ["name", "images", "by_class", "size"]
    readonly_fields = fields

    @display(description=gettext_lazy("By class"))
    def by_class(self, split: Split) -> str:
        return ", ".join(f"{label} {count}" for label, count in split.images_by_class.items())

    @display(description=gettext_lazy("Size"))
    def size(self, split: Split) -> str:
        return megabytes(split.size_bytes)


@admin.register(Dataset)
class DatasetAdmin(imports.Imports):
    list_display = [
        "name",
        "version",
        "classes_count",
        "sample",
        "public",
        "private",
        "left_out",
        "created_at",
    ]
    search_fields = ["name"]
    fields = [
        *("name", "version", "licence", "class_names", "created_at", "content", "left_out_files"),
        "versions",
    ]
    readonly_fields = ["version", "class_names", "content", "left_out_files", "versions"]
    inlines = [SplitInline]
    actions_detail = ["new_competition"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dataset]:
        splits = Prefetch("splits", Split.objects.order_by("pk"))
        return super().get_queryset(request).prefetch_related(splits)

    @action(description=gettext_lazy("New competition with it"), icon="add")
    def new_competition(self, request: HttpRequest, object_id: str) -> HttpResponse:
        dataset = self.find(request, object_id)
        return redirect(f"{reverse('admin:leaderboard_competition_add')}?dataset={dataset.pk}")

    @display(description=gettext_lazy("Classes"))
    def classes_count(self, dataset: Dataset) -> int:
        return len(dataset.classes)

    @display(description=gettext_lazy("Classes, in the order of the logits"))
    def class_names(self, dataset: Dataset) -> str:
        return ", ".join(dataset.classes)

    @display(description=gettext_lazy("SHA-256"))
    def content(self, dataset: Dataset) -> str:
        return f"{dataset.sha256[:16]}…"

    @display(description=gettext_lazy("Sample"))
    def sample(self, dataset: Dataset) -> int | str:
        return images_of(dataset, "sample")

    @display(description=gettext_lazy("Public"))
    def public(self, dataset: Dataset) -> int | str:
        return images_of(dataset, "public")

    @display(description=gettext_lazy("Private"))
    def private(self, dataset: Dataset) -> int | str:
        return images_of(dataset, "private")

    @display(description=gettext_lazy("Left out"))
    def left_out(self, dataset: Dataset) -> int:
        return len(dataset.skipped)

    @display(description=gettext_lazy("Left out"))
    def left_out_files(self, dataset: Dataset) -> SafeString | str:
        rows = [(one["name"], sentences.message(one["said"])) for one in dataset.skipped[:SHOWN]]
        if len(dataset.skipped) > SHOWN:
            more = gettext("and %(count)d more") % {"count": len(dataset.skipped) - SHOWN}
            rows.append(("…", more))
        return pages.figures(rows) if rows else gettext("Nothing.")

    @display(description=gettext_lazy("Versions"))
    @pages.once
    def versions(self, dataset: Dataset) -> SafeString:
        context = {"dataset": dataset, "versions": dataset_versions.history(dataset)}
        return render_to_string("admin/dataset_versions.html", context)


def images_of(dataset: Dataset, name: str) -> int | str:
    return next((split.images for split in dataset.splits.all() if split.name == name), "–")
