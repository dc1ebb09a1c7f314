"""The forms of an import: the upload, and the decision."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminIntegerFieldWidget

from leaderboard.admin import fields
from leaderboard.services import divisions, staging


class DataForm(forms.Form):
    name = fields.line(gettext_lazy("Name"), 120)
    licence = fields.line(
        gettext_lazy("Licence"), 200, gettext_lazy("Shown next to the sample."), required=False
    )
    table = fields.line(
        gettext_lazy("Table of labels"),
        500,
        gettext_lazy(
            "The name of the table in the zip, if several tables name images. `folders`: no "
            "table. If empty, the table is found automatically."
        ),
        required=False,
    )
    encoding = fields.line(
        gettext_lazy("Encoding of names"),
        40,
        gettext_lazy(
            "For file names that do not declare their encoding, for example cp949, cp932 or "
            "gbk. If empty, the encoding is found automatically."
        ),
        required=False,
    )


class UploadForm(DataForm):
    source = forms.FileField(
        label=gettext_lazy("Zip of images"),
        widget=UnfoldAdminFileFieldWidget,
        help_text=gettext_lazy(
            "One of these: class folders with images; sample/, public/ and private/ with "
            "class folders; images next to a table labels.csv with the columns file,label."
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
            "The seed was drawn once for this upload. The report and the import use it to "
            "divide the images. The same seed divides the same images in the same way on "
            "this site. Keep it secret: the site does not store it with the dataset."
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
            "People who have the sample of that dataset know hidden pictures. Without this "
            "choice such pictures stop the import."
        ),
    )

    def clean(self) -> dict[str, Any]:
        given = [self.cleaned_data.get(split) for split in divisions.SHARES]
        if any(share is None for share in given) and any(share is not None for share in given):
            raise forms.ValidationError(gettext("Give all three shares, or none."))
        return self.cleaned_data


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
