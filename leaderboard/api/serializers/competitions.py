"""A competition's public facts and its boards. Nothing here reads the hidden splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from leaderboard.api.authentication import token
from leaderboard.api.serializers.baselines import Baseline, NamedBaseline
from leaderboard.api.serializers.downloads import Reference, Sample
from leaderboard.api.serializers.teams import Quota, TeamSummary
from leaderboard.models import (
    Announcement,
    Competition,
    Entry,
    HardwareProfile,
    Rescore,
    Team,
    rescore,
)
from leaderboard.services import (
    baselines,
    datasets,
    machines,
    rankings,
    references,
    rescoring,
    submissions,
    teams,
    tokens,
)


class Rules(serializers.Serializer[rescore.Rules]):
    """The numbers of one version of the formula."""

    time_weight = serializers.FloatField()
    k = serializers.FloatField()
    quality_ref = serializers.FloatField()
    min_quality = serializers.FloatField(help_text="The lowest quality that gets a rank.")
    only_real_gains = serializers.BooleanField(
        help_text="Whether a team's row changes only with real gains."
    )


class Formula(serializers.Serializer[Competition]):
    """score = time_weight x time_ratio + sigmoid(k x (quality_ref - quality)); lower is better."""

    time_weight = serializers.FloatField()
    k = serializers.FloatField()
    quality_ref = serializers.FloatField(source="reference_quality", allow_null=True)
    version = serializers.IntegerField(
        source="formula_version", help_text="1 at the opening. Each rescore adds 1."
    )
    metric = serializers.CharField(help_text="What quality means, for example macro_f1.")
    min_quality = serializers.FloatField(help_text="The lowest quality that gets a rank.")


class Rescored(serializers.ModelSerializer[Rescore]):
    """A new version of the scores, which changed all of them at once."""

    kind = serializers.CharField(help_text="formula, or measured: everything was measured again.")

    before = Rules()
    after = Rules()

    class Meta:
        model = Rescore
        fields = ("version", "kind", "decided_at", "why", "before", "after")


class Input(serializers.Serializer[Competition]):
    """The input of a model, if its featherweight.json declares no other within the bounds."""

    height = serializers.IntegerField(source="input_height")
    width = serializers.IntegerField(source="input_width")
    batch_size = serializers.IntegerField()
    dtype = serializers.CharField()
    mean = serializers.ListField(child=serializers.FloatField())
    std = serializers.ListField(child=serializers.FloatField())
    interpolation = serializers.CharField()
    crop_pct = serializers.FloatField(help_text="As in timm, like interpolation and crop_mode.")
    crop_mode = serializers.CharField(help_text="center, squash or border.")
    min_size = serializers.IntegerField(source="min_input_size")
    max_size = serializers.IntegerField(source="max_input_size")


class Limits(serializers.Serializer[Competition]):
    max_upload_bytes = serializers.IntegerField()
    submissions_per_day = serializers.IntegerField(help_text="For each team.")
    max_team_size = serializers.IntegerField()
    final_selections = serializers.IntegerField()
    load_seconds = serializers.FloatField()
    first_call_seconds = serializers.FloatField(
        help_text="The limit for the first answer of a process, which includes compiling."
    )
    call_seconds = serializers.FloatField(help_text="The limit for any later answer.")
    total_seconds = serializers.FloatField(help_text="The limit for all processes together.")
    memory_bytes = serializers.IntegerField()
    output_bytes = serializers.IntegerField(help_text="The limit for one answer.")


class Hardware(serializers.ModelSerializer[HardwareProfile]):
    class Meta:
        model = HardwareProfile
        fields = ("slug", "name", "description", "device", "threads", "target_half_width")


class Machine(serializers.Serializer[machines.Machine]):
    """The worker that was seen last, or else the worker of the calibration."""

    cpu = serializers.CharField()
    features = serializers.ListField(
        child=serializers.CharField(),
        allow_null=True,
        help_text="Any of AVX2, AVX-512, VNNI (int8 is fast), AVX512-BF16, AMX. null: unknown.",
    )
    cores = serializers.IntegerField(allow_null=True)
    memory_bytes = serializers.IntegerField(allow_null=True)
    gpu = serializers.CharField()
    python = serializers.CharField()
    versions = serializers.DictField(
        child=serializers.CharField(), help_text="The versions of the libraries that run models."
    )


class CompetitionSummary(serializers.ModelSerializer[Competition]):
    url = serializers.HyperlinkedIdentityField(view_name="api-competition", lookup_field="slug")
    page = serializers.SerializerMethodField(help_text="The page for people.")

    class Meta:
        model = Competition
        fields: tuple[str, ...] = (
            "slug",
            "title",
            "tagline",
            "state",
            "accepts_uploads",
            "pause_message",
            "freezes_at",
            "is_frozen",
            "ends_at",
            "merge_deadline",
            "publishes_at",
            "late_until",
            "accepts_late",
            "published_at",
            "time_zone",
            "url",
            "page",
        )

    accepts_uploads = serializers.BooleanField()
    is_frozen = serializers.BooleanField(
        help_text="Whether the public board is frozen: later scores are for their own team only."
    )
    accepts_late = serializers.BooleanField(
        help_text="Whether an upload now would be late: it would be scored and never ranked."
    )

    @extend_schema_field(serializers.URLField())
    def get_page(self, competition: Competition) -> str:
        return str(self.context["request"].build_absolute_uri(competition.get_absolute_url()))


class Track(serializers.Serializer[object]):
    """A further board, for some of the uploads or teams."""

    slug = serializers.CharField(help_text="For `?track=` of a board.")
    name = serializers.CharField(source="title", help_text="In the language of the request.")
    sentence = serializers.CharField()
    formats = serializers.ListField(child=serializers.CharField(), help_text="Empty: all.")
    number_types = serializers.ListField(child=serializers.CharField(), help_text="Empty: all.")
    max_parameters = serializers.IntegerField(allow_null=True)
    max_bytes = serializers.IntegerField(allow_null=True, help_text="The size of the model file.")
    reference_network = serializers.BooleanField(
        help_text="Whether only the reference's network belongs here, with whatever weights."
    )
    declared = serializers.BooleanField(help_text="Whether a team declares that it belongs here.")


class CompetitionDetail(CompetitionSummary):
    classes = serializers.ListField(
        child=serializers.CharField(), help_text="In the order of the model's outputs."
    )
    formats = serializers.ListField(
        child=serializers.CharField(),
        help_text="Accepted formats of models, for example onnx.",
    )
    tracks = Track(many=True, source="all_tracks")
    formula = Formula(source="*")
    rescores = serializers.SerializerMethodField(
        help_text="Later versions of the scores, the newest first."
    )
    input = Input(source="*")
    limits = Limits(source="*")
    only_real_gains = serializers.BooleanField(
        help_text="A team's row on the public board changes only if its score gets better by more "
        "than the standard error of the difference."
    )
    admission = serializers.CharField(
        help_text="Who may take part: open, approval, invitation or domain."
    )
    counted = serializers.ChoiceField(
        Competition.Counted.choices,
        help_text="Which submission of a team counts on the public board, of those that pass "
        "the gate.",
    )
    hides_scores = serializers.BooleanField(
        help_text="Blind until the publication: nobody sees a score, a rank or a board now."
    )
    hardware = Hardware(source="profile")
    machine = serializers.SerializerMethodField(help_text="null before a worker has run.")
    baseline = serializers.SerializerMethodField()
    sample = serializers.SerializerMethodField()
    reference = serializers.SerializerMethodField(help_text="null unless it has been released.")
    my_team = serializers.SerializerMethodField(help_text="Only for a member who is signed in.")
    my_quota = serializers.SerializerMethodField(
        help_text="My team's uploads of today, and of all periods that are limited."
    )

    class Meta(CompetitionSummary.Meta):
        fields = (
            *CompetitionSummary.Meta.fields,
            "overview",
            "rules",
            "data_description",
            "prizes",
            "citation",
            "classes",
            "formats",
            "tracks",
            "formula",
            "rescores",
            "input",
            "limits",
            "only_real_gains",
            "admission",
            "counted",
            "hides_scores",
            "hardware",
            "machine",
            "baseline",
            "sample",
            "reference",
            "my_team",
            "my_quota",
        )

    @extend_schema_field(Rescored(many=True))
    def get_rescores(self, competition: Competition) -> Sequence[Mapping[str, Any]]:
        if competition.formula_version == 1:
            return []
        return [Rescored(one).data for one in rescoring.of(competition)]

    @extend_schema_field(Machine(allow_null=True))
    def get_machine(self, competition: Competition) -> Mapping[str, Any] | None:
        machine = machines.of(competition)
        return Machine(machine).data if machine else None

    @extend_schema_field(Baseline(allow_null=True))
    def get_baseline(self, competition: Competition) -> Mapping[str, Any] | None:
        baseline = baselines.reference_of(competition, Entry.Board.PUBLIC)
        return Baseline(baseline).data if baseline else None

    @extend_schema_field(Sample(allow_null=True))
    def get_sample(self, competition: Competition) -> Mapping[str, Any] | None:
        split = datasets.sample_of(competition)
        context = {**self.context, "slug": competition.slug}
        return Sample(split, context=context).data if split else None

    @extend_schema_field(Reference(allow_null=True))
    def get_reference(self, competition: Competition) -> Mapping[str, Any] | None:
        found = references.released(competition)
        context = {**self.context, "slug": competition.slug}
        return Reference(found, context=context).data if found else None

    @extend_schema_field(TeamSummary(allow_null=True))
    def get_my_team(self, competition: Competition) -> Mapping[str, Any] | None:
        team = self.team(competition)
        return TeamSummary(team).data if team else None

    @extend_schema_field(Quota(allow_null=True))
    def get_my_quota(self, competition: Competition) -> Mapping[str, Any] | None:
        team = self.team(competition)
        return Quota(submissions.quota(team, competition)).data if team else None

    def team(self, competition: Competition) -> Team | None:
        request = self.context["request"]
        if not tokens.is_for(token(request), competition.slug):
            return None
        return teams.of(request.user, competition)


class BoardRow(serializers.Serializer[rankings.Figures]):
    """One row of a board."""

    # The fields are for the schema; `board_row` makes the row, faster than a serializer does.
    rank = serializers.IntegerField(allow_null=True, help_text="null below the gate.")
    team = serializers.CharField()
    score = serializers.FloatField(help_text="Lower is better.")
    score_half_width = serializers.FloatField(help_text="Half of its 95 % interval.")
    tied = serializers.BooleanField(
        source="is_tied",
        help_text="The difference from the row above is within the uncertainty of the two times.",
    )
    quality = serializers.FloatField()
    time_ratio = serializers.FloatField(help_text="Below 1 is faster than the reference.")
    half_width = serializers.FloatField(
        allow_null=True, help_text="Half of the time ratio's 95 % interval."
    )
    measurements = serializers.IntegerField(help_text="The number of combined measurements.")
    format = serializers.CharField(help_text="The format of the model's file, for example onnx.")
    number_type = serializers.CharField(help_text="The narrowest number type, for example int8.")
    macs = serializers.IntegerField(
        allow_null=True,
        help_text="Multiplications with additions for one image. null if they are not counted.",
    )
    memory_bytes = serializers.IntegerField(
        allow_null=True, help_text="The most memory that the model added to its process."
    )
    uploaded_at = serializers.DateTimeField()
    likely_first = serializers.IntegerField(
        allow_null=True,
        help_text="The first of the ranks that other images of the same kind would give, at "
        "95 %. null on the private board, and until it is computed.",
    )
    likely_last = serializers.IntegerField(allow_null=True, help_text="The last of these ranks.")
    quality_half_width = serializers.FloatField(
        allow_null=True,
        help_text="Half of the 95 % interval of the quality on the same number of other "
        "images. null if the range of ranks is null.",
    )
    verification = serializers.CharField(
        help_text="On the private board, for a team that was asked for code or a report: "
        "asked, handed_in, verified, refused, missed or withdrawn. The last three "
        "have no rank."
    )


def board_row(figures: rankings.Figures) -> dict[str, object]:
    return {
        "rank": figures.rank,
        "team": figures.team,
        "score": float(figures.score),
        "score_half_width": figures.score_half_width,
        "tied": figures.is_tied,
        "quality": rankings.told(figures.quality),
        "time_ratio": figures.time_ratio,
        "half_width": figures.half_width,
        "measurements": figures.measurements,
        "format": figures.format,
        "number_type": figures.number_type,
        "macs": figures.macs,
        "memory_bytes": figures.memory_bytes,
        "uploaded_at": figures.uploaded_at.isoformat().replace("+00:00", "Z"),
        "likely_first": figures.likely_first,
        "likely_last": figures.likely_last,
        "quality_half_width": figures.quality_half_width,
        "verification": figures.verification,
    }


class BoardPage(serializers.Serializer[object]):
    """One page of a board."""

    count = serializers.IntegerField(
        allow_null=True, help_text="null with tied=1, and if a filter finds more than 1000 rows."
    )
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    baseline = Baseline(allow_null=True)
    baselines = NamedBaseline(many=True, help_text="The best one first. They have no rank.")
    results = BoardRow(many=True)


class AnnouncementDetail(serializers.ModelSerializer[Announcement]):
    text = serializers.CharField(help_text="Markdown.")

    class Meta:
        model = Announcement
        fields = ("id", "title", "text", "is_pinned", "announced_at", "edited_at")
