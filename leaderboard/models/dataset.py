"""Images and labels, immutable by sha256."""

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Dataset(models.Model):
    """Labelled images in three splits: sample (teams get it), public and private (both hidden).

    Datasets of one name are versions. Each says what it changes against the version before.
    """

    name = models.CharField(max_length=120)
    version = models.PositiveIntegerField(default=1, editable=False)
    previous = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    changes = models.JSONField(
        default=dict, blank=True, editable=False, help_text="Against the version before."
    )
    licence = models.CharField(max_length=200, blank=True, help_text=_("Shown next to the sample."))
    classes = models.JSONField(help_text=_("Class names in the order of the logits."))
    sha256 = models.CharField(max_length=64, help_text=_("Of the three splits together."))
    source_sha256 = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="Of the files and decisions that a contest file imported it from.",
    )
    skipped = models.JSONField(
        default=list, blank=True, help_text=_("Files that the import left out.")
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="one_dataset_of_each_version")
        ]

    def __str__(self) -> str:
        if self.version == 1:
            return self.name
        facts = {"name": self.name, "version": self.version}
        return gettext("%(name)s, version %(version)d") % facts

    def split(self, name: str) -> "Split":
        return next(split for split in self.splits.all() if split.name == name)


class Split(models.Model):
    """One zip of class folders. Nothing of a hidden split reaches a participant."""

    class Name(models.TextChoices):
        SAMPLE = "sample", _("Sample")
        PUBLIC = "public", _("Public")
        PRIVATE = "private", _("Private")

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="splits")
    name = models.CharField(max_length=8, choices=Name)
    archive = models.FileField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    images = models.PositiveIntegerField()
    images_by_class = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dataset", "name"], name="one_split_of_each_name")
        ]

    def __str__(self) -> str:
        return f"{self.dataset}: {self.name}"


class Fingerprints(models.Model):
    """Hashes of the pictures of a split, by what the pictures look like. They are as secret as the
    split."""

    split = models.OneToOneField(Split, models.CASCADE, related_name="fingerprints")
    pixels = models.BinaryField(help_text="Hashes of 16 bytes, of equal pixels equal; sorted.")
    classes = models.BinaryField(
        default=bytes, help_text="Numbers of classes of 2 bytes, in the order of the pixels."
    )
    likeness = models.BinaryField(
        help_text="Likenesses of 40 bytes, where there is enough to see; sorted."
    )

    class Meta:
        verbose_name_plural = "fingerprints"

    def __str__(self) -> str:
        return f"Fingerprints of {self.split}"
