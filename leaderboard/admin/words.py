"""The names of models and fields in the panel, in the language of the page.

The names stand here and not in the models, because only the panel shows them. A new field needs a
line; a test says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db.models import Field, Model
from django.utils.translation import gettext_lazy, gettext_noop

from leaderboard.models import (
    Announcement,
    ApiToken,
    AuditEntry,
    Ban,
    Canary,
    Competition,
    Dataset,
    Evaluation,
    HardwareProfile,
    Membership,
    ReferenceModel,
    Rescore,
    Role,
    Split,
    Submission,
    Team,
    Verification,
    Worker,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

MODELS: Mapping[type[Model], tuple[StrPromise, StrPromise]] = {
    Competition: (gettext_lazy("competition"), gettext_lazy("competitions")),
    ReferenceModel: (gettext_lazy("reference model"), gettext_lazy("reference models")),
    Dataset: (gettext_lazy("dataset"), gettext_lazy("datasets")),
    Split: (gettext_lazy("split"), gettext_lazy("splits")),
    HardwareProfile: (gettext_lazy("hardware profile"), gettext_lazy("hardware profiles")),
    Rescore: (gettext_lazy("rescore"), gettext_lazy("rescores")),
    Worker: (gettext_lazy("worker"), gettext_lazy("workers")),
    Canary: (gettext_lazy("canary"), gettext_lazy("canaries")),
    Team: (gettext_lazy("team"), gettext_lazy("teams")),
    Membership: (gettext_lazy("membership"), gettext_lazy("memberships")),
    Submission: (gettext_lazy("submission"), gettext_lazy("submissions")),
    Evaluation: (gettext_lazy("evaluation"), gettext_lazy("evaluations")),
    Verification: (gettext_lazy("verification"), gettext_lazy("verifications")),
    Announcement: (gettext_lazy("announcement"), gettext_lazy("announcements")),
    ApiToken: (gettext_lazy("API token"), gettext_lazy("API tokens")),
    Ban: (gettext_lazy("ban"), gettext_lazy("bans")),
    Role: (gettext_lazy("role"), gettext_lazy("roles")),
    AuditEntry: (gettext_lazy("act"), gettext_lazy("audit log")),
}
"""Name of one row, and of several."""

FIELDS: Mapping[type[Model], Mapping[str, StrPromise]] = {
    Competition: {
        "slug": gettext_lazy("slug"),
        "title": gettext_lazy("title"),
        "tagline": gettext_lazy("tagline"),
        "overview": gettext_lazy("overview"),
        "rules": gettext_lazy("rules"),
        "data_description": gettext_lazy("data description"),
        "prizes": gettext_lazy("prizes"),
        "citation": gettext_lazy("citation"),
        "opens_at": gettext_lazy("opening by itself"),
        "ends_at": gettext_lazy("end"),
        "publishes_at": gettext_lazy("publication by itself"),
        "late_until": gettext_lazy("late uploads until"),
        "time_zone": gettext_lazy("time zone"),
        "dataset": gettext_lazy("dataset"),
        "profile": gettext_lazy("hardware profile"),
        "release_quads": gettext_lazy("quads are public"),
        "release_answers": gettext_lazy("answers are public"),
        "keep_unranked_days": gettext_lazy("days to keep other submissions"),
        "keep_all_days": gettext_lazy("days to keep all submissions"),
        "submissions_per_day": gettext_lazy("submissions per day"),
        "submissions_per_week": gettext_lazy("submissions per week"),
        "submissions_per_month": gettext_lazy("submissions per month"),
        "submissions_in_total": gettext_lazy("submissions in total"),
        "final_selections": gettext_lazy("final selections"),
        "remeasured_ranks": gettext_lazy("ranks that are measured again"),
        "only_real_gains": gettext_lazy("only real gains move the public board"),
        "max_team_size": gettext_lazy("largest team"),
        "max_upload_bytes": gettext_lazy("largest upload in bytes"),
        "formats": gettext_lazy("formats of models"),
        "time_weight": gettext_lazy("time weight"),
        "k": gettext_lazy("slope k"),
        "metric": gettext_lazy("metric"),
        "quality_ref": gettext_lazy("reference quality"),
        "min_quality": gettext_lazy("gate"),
        "input_height": gettext_lazy("input height"),
        "input_width": gettext_lazy("input width"),
        "min_input_size": gettext_lazy("smallest input size"),
        "max_input_size": gettext_lazy("largest input size"),
        "batch_size": gettext_lazy("batch size"),
        "dtype": gettext_lazy("number type"),
        "mean": gettext_lazy("mean"),
        "std": gettext_lazy("standard deviation"),
        "interpolation": gettext_lazy("interpolation"),
        "crop_pct": gettext_lazy("crop pct"),
        "crop_mode": gettext_lazy("crop mode"),
        "load_seconds": gettext_lazy("seconds to load"),
        "first_call_seconds": gettext_lazy("seconds for the first answer"),
        "call_seconds": gettext_lazy("seconds for an answer"),
        "total_seconds": gettext_lazy("seconds in total"),
        "memory_bytes": gettext_lazy("memory in bytes"),
        "output_bytes": gettext_lazy("bytes of an answer"),
    },
    Dataset: {
        "name": gettext_lazy("name"),
        "licence": gettext_lazy("licence"),
        "created_at": gettext_lazy("imported at"),
    },
    Split: {"name": gettext_lazy("name"), "images": gettext_lazy("images")},
    HardwareProfile: {
        "slug": gettext_lazy("slug"),
        "name": gettext_lazy("name"),
        "description": gettext_lazy("description"),
        "device": gettext_lazy("device"),
        "threads": gettext_lazy("threads"),
        "min_segments": gettext_lazy("fewest segments"),
        "min_quads": gettext_lazy("fewest comparisons"),
        "target_half_width": gettext_lazy("half-width to reach"),
        "max_half_width": gettext_lazy("largest half-width"),
        "max_seconds": gettext_lazy("most seconds"),
        "published": gettext_lazy("published ratio"),
        "canary_every_minutes": gettext_lazy("minutes between canaries"),
        "canary_band": gettext_lazy("canary band"),
        "max_foreign_load": gettext_lazy("largest load of other programs"),
    },
    Rescore: {
        "competition": gettext_lazy("competition"),
        "state": gettext_lazy("state"),
        "version": gettext_lazy("version"),
        "why": gettext_lazy("reason"),
        "proposed_by": gettext_lazy("proposed by"),
        "proposed_at": gettext_lazy("proposed at"),
        "decided_at": gettext_lazy("decided at"),
    },
    Worker: {
        "name": gettext_lazy("name"),
        "profile": gettext_lazy("hardware profile"),
        "fingerprint": gettext_lazy("machine"),
        "versions": gettext_lazy("versions"),
        "started_at": gettext_lazy("started at"),
        "seen_at": gettext_lazy("seen at"),
        "state": gettext_lazy("state"),
        "canary_due_at": gettext_lazy("next canary at"),
    },
    Canary: {
        "worker": gettext_lazy("worker"),
        "measured_at": gettext_lazy("measured at"),
        "passed": gettext_lazy("passed"),
    },
    Team: {
        "name": gettext_lazy("name"),
        "competition": gettext_lazy("competition"),
        "created_at": gettext_lazy("created at"),
    },
    Membership: {
        "team": gettext_lazy("team"),
        "user": gettext_lazy("user"),
        "competition": gettext_lazy("competition"),
        "joined_at": gettext_lazy("joined at"),
    },
    Submission: {
        "competition": gettext_lazy("competition"),
        "team": gettext_lazy("team"),
        "uploaded_by": gettext_lazy("uploaded by"),
        "uploaded_at": gettext_lazy("uploaded at"),
        "door": gettext_lazy("way of the upload"),
        "note": gettext_lazy("note"),
        "is_late": gettext_lazy("late"),
        "withdrawn_at": gettext_lazy("withdrawn at"),
        "disqualified_at": gettext_lazy("disqualified at"),
    },
    Evaluation: {
        "kind": gettext_lazy("kind"),
        "competition": gettext_lazy("competition"),
        "profile": gettext_lazy("hardware profile"),
        "worker": gettext_lazy("worker"),
        "state": gettext_lazy("state"),
        "why": gettext_lazy("reason"),
        "queued_at": gettext_lazy("queued at"),
        "claimed_at": gettext_lazy("started at"),
        "finished_at": gettext_lazy("finished at"),
    },
    Verification: {
        "competition": gettext_lazy("competition"),
        "team": gettext_lazy("team"),
        "rank": gettext_lazy("rank when asked"),
        "state": gettext_lazy("state"),
        "wish": gettext_lazy("what to hand in"),
        "asked_at": gettext_lazy("asked at"),
        "due_at": gettext_lazy("until"),
        "decided_at": gettext_lazy("decided at"),
        "reason": gettext_lazy("reason"),
        "link": gettext_lazy("link of a repository"),
        "note": gettext_lazy("note"),
        "handed_in_at": gettext_lazy("handed in at"),
        "handed_in_by": gettext_lazy("handed in by"),
    },
    Announcement: {
        "competition": gettext_lazy("competition"),
        "title": gettext_lazy("title"),
        "text": gettext_lazy("text"),
        "is_pinned": gettext_lazy("pinned"),
        "announced_at": gettext_lazy("announced at"),
    },
    ApiToken: {
        "name": gettext_lazy("name"),
        "user": gettext_lazy("user"),
        "token_key": gettext_lazy("beginning of the token"),
        "created": gettext_lazy("created at"),
        "expiry": gettext_lazy("expires at"),
        "scope": gettext_lazy("scope"),
        "competition": gettext_lazy("competition"),
        "used_at": gettext_lazy("last used at"),
    },
    Ban: {
        "competition": gettext_lazy("competition"),
        "team": gettext_lazy("team"),
        "user": gettext_lazy("person"),
        "reason": gettext_lazy("reason"),
        "banned_by": gettext_lazy("banned by"),
        "banned_at": gettext_lazy("banned at"),
    },
    Role: {
        "competition": gettext_lazy("competition"),
        "user": gettext_lazy("person"),
        "kind": gettext_lazy("role"),
        "given_by": gettext_lazy("given by"),
        "given_at": gettext_lazy("given at"),
    },
    AuditEntry: {
        "at": gettext_lazy("time"),
        "act": gettext_lazy("act"),
        "competition": gettext_lazy("competition"),
        "why": gettext_lazy("reason"),
    },
}
"""Fields that the panel shows."""


UNFOLD = (
    gettext_noop("Type to search"),
    gettext_noop("Choose file to upload"),
    gettext_noop("Select value"),
    gettext_noop("Select record"),
    gettext_noop("Select all rows"),
    gettext_noop("Select action"),
    gettext_noop("Select action to run"),
    gettext_noop("Run"),
    gettext_noop("Date"),
    gettext_noop("Time"),
    gettext_noop("True"),
    gettext_noop("False"),
    gettext_noop("General"),
    gettext_noop("Go back"),
    gettext_noop("More actions"),
    gettext_noop("All applications"),
    gettext_noop("Search apps and models..."),
    gettext_noop("Recent searches"),
    gettext_noop("No recent searches"),
    gettext_noop("No results matching your query"),
    gettext_noop("Loading more results..."),
    gettext_noop("Toggle password visibility"),
    gettext_noop("Click to download"),
    gettext_noop("Image preview"),
    gettext_noop("Expand row"),
    gettext_noop("Submit"),
)
"""Messages of the panel's theme, which brings no Korean."""


def give_names() -> None:
    """Name models and fields. Migrations read what a class declares, and do not see these names."""
    for model, (one, several) in MODELS.items():
        model._meta.verbose_name = one
        model._meta.verbose_name_plural = several
    for model, names in FIELDS.items():
        for field, name in names.items():
            found = model._meta.get_field(field)
            assert isinstance(found, Field)
            found.verbose_name = name
