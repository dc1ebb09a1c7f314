"""Datasets: a form imports a zip, then a dataset is read-only. Hidden images have no download."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminIntegerFieldWidget

from leaderboard import sentences
from leaderboard.admin import fields, pages
from leaderboard.errors import BadDataset, NotFound
from leaderboard.models import Dataset, Split, User
from leaderboard.models.organizers import is_operator
from leaderboard.services import datasets, divisions, staging
from leaderboard.sizes import megabytes

SHOWN = 50
DECIDE = "leaderboard_dataset_decide"


class DataForm(forms.Form):
    name = fields.line(gettext_lazy("Name"), 120)
    licence = fields.line(
        gettext_lazy("Licence"), 200, gettext_lazy("Shown beside the sample."), required=False
    )
    table = fields.line(
        gettext_lazy("Table of labels"),
        500,
        gettext_lazy(
            "The name of the table in the zip, if several tables name images. `folders`: no "
            "table. Empty: the table is found."
        ),
        required=False,
    )
    encoding = fields.line(
        gettext_lazy("Encoding of names"),
        40,
        gettext_lazy(
            "For file names that do not declare their encoding, for instance cp949, cp932 "
            "or gbk. Empty: the encoding is found."
        ),
        required=False,
    )


class UploadForm(DataForm):
    source = forms.FileField(
        label=gettext_lazy("Zip of images"),
        widget=UnfoldAdminFileFieldWidget,
        help_text=gettext_lazy(
            "One of these: class folders with images; sample/, public/ and private/ with "
            "class folders; images beside a table labels.csv with the columns file,label."
        ),
    )
    field_order = ["source"]


class DecideForm(DataForm):
    sample = fields.share(
        gettext_lazy("Share of the sample split"),
        gettext_lazy("Teams can download it. If all three shares are empty: 0.6, 0.2 and 0.2."),
    )
    public = fields.share(
        gettext_lazy("Share of the public split"),
        gettext_lazy("Hidden. The quality on this split counts on the public board."),
    )
    private = fields.share(
        gettext_lazy("Share of the private split"),
        gettext_lazy("Hidden. The quality on this split counts on the private board."),
    )
    seed = forms.IntegerField(
        label=gettext_lazy("Seed"),
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy(
            "The same seed divides the same images in the same way on this site. Keep the "
            "seed secret. Empty: a random seed, which is not stored."
        ),
    )
    skip_broken = fields.tick(
        gettext_lazy("Leave out files that cannot be used"),
        gettext_lazy(
            "The files are listed with the dataset. Without this choice such a file stops "
            "the import."
        ),
    )
    drop_conflicts = fields.tick(
        gettext_lazy("Leave out pictures that are in two classes"),
        gettext_lazy(
            "Every copy of such a picture is left out. Without this choice such pictures "
            "stop the import."
        ),
    )
    near_apart = fields.tick(
        gettext_lazy("Divide nearly equal pictures like other pictures"),
        gettext_lazy(
            "For pictures of a fixed camera, which look alike but show different things. "
            "Without this choice nearly equal pictures stay together in one split."
        ),
    )
    allow_overlaps = fields.tick(
        gettext_lazy("Allow a picture in two of the given splits"),
        gettext_lazy(
            "Only for zips with sample/, public/ and private/. Without this choice such a "
            "picture stops the import."
        ),
    )
    allow_seen = fields.tick(
        gettext_lazy("Allow pictures that are in another dataset"),
        gettext_lazy(
            "Whoever has the sample of that dataset knows hidden pictures. Without this "
            "choice such pictures stop the import."
        ),
    )

    def clean(self) -> dict[str, Any]:
        given = [self.cleaned_data.get(split) for split in divisions.SHARES]
        if any(share is None for share in given) and any(share is not None for share in given):
            raise forms.ValidationError(gettext("Give all three shares, or none."))
        return self.cleaned_data


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
class DatasetAdmin(pages.Fixed):
    list_display = [
        "name",
        "classes_count",
        "sample",
        "public",
        "private",
        "left_out",
        "created_at",
    ]
    search_fields = ["name"]
    fields = ["name", "licence", "class_names", "created_at", "content", "left_out_files"]
    readonly_fields = ["class_names", "content", "left_out_files"]
    inlines = [SplitInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_operator(request.user)

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(self.decide_view)
        return [path("add/<str:token>/", decide, name=DECIDE), *super().get_urls()]

    @pages.takes_files
    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        staging.sweep()
        return pages.ask(
            self,
            request,
            None,
            title=gettext("Import a dataset"),
            says=gettext(
                "Every image is read, and a report shows the result. Nothing is imported yet. "
                "The page answers after the last image, which can take minutes. For sets that "
                "are too large for a browser, use the command manage.py import_dataset."
            ),
            form_class=UploadForm,
            button=gettext("Read the images"),
            do=lambda **fields: staged(**fields, by=pages.organizer(request)),
            done="",
        )

    def decide_view(self, request: HttpRequest, token: str) -> HttpResponse:
        pages.check_permission(self, request, None)
        try:
            upload = staging.find(token, by=pages.organizer(request))
        except NotFound as refusal:
            messages.error(request, refusal.detail)
            return redirect("admin:leaderboard_dataset_add")
        texts = {name: getattr(upload, name) for name in ("name", "licence", "table", "encoding")}
        return pages.ask(
            self,
            request,
            None,
            title=gettext("Import %(name)s") % {"name": upload.name},
            says=gettext(
                "The report shows what %(file)s contains and how an import would divide it. "
                "Nothing is imported yet. The upload is kept for a day."
            )
            % {"file": upload.file_name},
            form_class=partial(DecideForm, initial=texts),
            facts=lambda form: reported(upload, form),
            button=gettext("Import"),
            look=gettext("Show the report with these choices"),
            do=lambda **fields: imported(upload, **fields, by=pages.organizer(request)),
            done=gettext("{} is imported. Equal content is stored only once."),
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dataset]:
        splits = Prefetch("splits", Split.objects.order_by("pk"))
        return super().get_queryset(request).prefetch_related(splits)

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


def staged(
    *,
    source: TemporaryUploadedFile,
    name: str,
    licence: str,
    table: str,
    encoding: str,
    by: User,
) -> str:
    """Keep and read an upload. Returns the address of the page with its report."""
    upload = staging.keep(
        Path(source.temporary_file_path()),
        file_name=source.name or gettext("The file"),
        name=name,
        licence=licence,
        encoding=encoding or None,
        table=table or None,
        by=by,
    )
    return reverse(f"admin:{DECIDE}", args=[upload.token])


def reported(upload: staging.Staged, form: forms.Form) -> pages.Figures:
    """The report of an import with the form's choices; without choices if the form is empty."""
    choices = form.cleaned_data if form.is_bound and form.is_valid() else {}
    try:
        if choices:
            upload = staging.read_again(
                upload, encoding=choices["encoding"] or None, table=choices["table"] or None
            )
        made = divisions.planned(upload.catalogue, wishes(upload, **choices), upload.kinship)
    except BadDataset as refusal:
        return [(gettext("In the way"), refusal.detail)]
    return [
        *((gettext("In the way"), one.message) for one in made.report.refusals),
        *(
            (sentences.said(heading), sentences.message(told))
            for heading, told in made.report.paragraphs()
        ),
    ]


def imported(
    upload: staging.Staged,
    *,
    name: str,
    licence: str,
    table: str,
    encoding: str,
    by: User,
    **choices: Any,
) -> Dataset:
    """Import an upload with the organizer's choices, then delete the upload."""
    upload = staging.read_again(upload, encoding=encoding or None, table=table or None)
    dataset = datasets.import_(
        name=name,
        source=upload.source,
        wishes=wishes(upload, **choices),
        licence=licence,
        catalogue=upload.catalogue,
        kin=upload.kinship,
        by=by,
    )
    staging.forget(upload)
    return dataset


def wishes(
    upload: staging.Staged,
    *,
    sample: float | None = None,
    public: float | None = None,
    private: float | None = None,
    seed: int | None = None,
    skip_broken: bool = False,
    drop_conflicts: bool = False,
    near_apart: bool = False,
    allow_overlaps: bool = False,
    allow_seen: bool = False,
    **texts: str,
) -> divisions.Wishes:
    """The form's fields as the service's dataclass."""
    return divisions.Wishes(
        seed=upload.seed if seed is None else seed,
        shares=None
        if sample is None or public is None or private is None
        else {"sample": sample, "public": public, "private": private},
        skip_broken=skip_broken,
        drop_conflicts=drop_conflicts,
        near_apart=near_apart,
        allow_overlaps=allow_overlaps,
        allow_seen=allow_seen,
    )


def images_of(dataset: Dataset, name: str) -> int | str:
    return next((split.images for split in dataset.splits.all() if split.name == name), "–")
