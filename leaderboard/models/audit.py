"""Who did what, when, to what, and why. Rows are written once and never changed."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leaderboard.models.competition import Competition


class AuditEntry(models.Model):
    """One act. `services.audit.record` writes it in the transaction of the act."""

    class Act(models.TextChoices):
        COMPETITION_CREATED = "competition_created", _("Competition written")
        COMPETITION_EDITED = "competition_edited", _("Competition changed")
        COMPETITION_DELETED = "competition_deleted", _("Draft deleted")
        DATASET_DELETED = "dataset_deleted", _("Dataset deleted with its draft")
        COMPETITION_OPENED = "competition_opened", _("Competition opened")
        COMPETITION_PAUSED = "competition_paused", _("Competition paused")
        COMPETITION_CLOSED = "competition_closed", _("Competition closed")
        PUBLICATION_BEGUN = "publication_begun", _("Publication begun")
        COMPETITION_PUBLISHED = "competition_published", _("Competition published")
        PREPARATION_STOPPED = "preparation_stopped", _("Preparation stopped")
        RESCORE_PROPOSED = "rescore_proposed", _("Rescore proposed")
        RESCORE_APPLIED = "rescore_applied", _("Rescore applied")
        RESCORE_PAUSED = "rescore_paused", _("Rescore paused")
        RESCORE_RESUMED = "rescore_resumed", _("Rescore resumed")
        RESCORE_RETRIED = "rescore_retried", _("Failures of a rescore measured again")
        RESCORE_FAILURES_JUDGED = "rescore_failures_judged", _("Failures of a rescore judged")
        RESCORE_CANCELLED = "rescore_cancelled", _("Rescore cancelled")
        TRAINING_QUEUED = "training_queued", _("Training of a reference queued")
        TRAINING_CANCELLED = "training_cancelled", _("Training of a reference cancelled")
        REFERENCE_SET = "reference_set", _("Reference model set")
        REFERENCE_ADDED = "reference_added", _("Reference model added for a rescore")
        BASELINE_ADDED = "baseline_added", _("Baseline added")
        BASELINE_EDITED = "baseline_edited", _("Baseline changed")
        BASELINE_REPLACED = "baseline_replaced", _("File of a baseline replaced")
        BASELINE_MEASURED = "baseline_measured", _("Measuring of a baseline queued")
        BASELINE_REMOVED = "baseline_removed", _("Baseline removed")
        CALIBRATION_QUEUED = "calibration_queued", _("Calibration queued")
        DATASET_IMPORTED = "dataset_imported", _("Dataset imported")
        PROFILE_SAVED = "profile_saved", _("Hardware profile changed")
        SHARES_SET = "shares_set", _("Shares of a competition set")
        WORKER_DRAINED = "worker_drained", _("Worker drained")
        WORKER_RESUMED = "worker_resumed", _("Worker resumed")
        ANNOUNCEMENT_MADE = "announcement_made", _("Announcement made")
        ANNOUNCEMENT_EDITED = "announcement_edited", _("Announcement changed")
        ANNOUNCEMENT_REMOVED = "announcement_removed", _("Announcement removed")
        QUESTION_ANSWERED = "question_answered", _("Question answered")
        QUESTION_REMOVED = "question_removed", _("Question removed")
        FAQ_SAVED = "faq_saved", _("Entry of the FAQ written")
        FAQ_REMOVED = "faq_removed", _("Entry of the FAQ removed")
        SUBMISSION_DISQUALIFIED = "submission_disqualified", _("Submission disqualified")
        SUBMISSION_REINSTATED = "submission_reinstated", _("Submission reinstated")
        SUBMISSION_WITHDRAWN = "submission_withdrawn", _("Submission withdrawn")
        SELECTIONS_CHOSEN = "selections_chosen", _("Final selections chosen")
        VERIFICATION_ASKED = "verification_asked", _("Verification asked for")
        VERIFICATION_HANDED_IN = "verification_handed_in", _("Handed in for verification")
        TEAM_VERIFIED = "team_verified", _("Team verified")
        VERIFICATION_REFUSED = "verification_refused", _("Verification refused")
        VERIFICATION_MISSED = "verification_missed", _("Date of a verification missed")
        VERIFICATION_WITHDRAWN = "verification_withdrawn", _("Team withdrew from verification")
        TRACK_DECLARED = "track_declared", _("Track declared")
        TRACK_LEFT = "track_left", _("Track left")
        TRACK_REMOVED = "track_removed", _("Track removed")
        DECLARATION_REVOKED = "declaration_revoked", _("Declaration of a track revoked")
        DECLARATION_RESTORED = "declaration_restored", _("Declaration of a track restored")
        EVALUATION_REQUESTED = "evaluation_requested", _("Evaluation requested")
        EVALUATION_CANCELLED = "evaluation_cancelled", _("Evaluation cancelled")
        TEAM_MADE = "team_made", _("Team made")
        TEAM_RENAMED = "team_renamed", _("Team renamed")
        UPLOADS_GIVEN = "uploads_given", _("Further uploads given")
        UPLOADS_TAKEN_BACK = "uploads_taken_back", _("Further uploads taken back")
        TEAMS_MERGED = "teams_merged", _("Teams merged")
        TEAM_SPLIT = "team_split", _("Team split")
        MEMBER_JOINED = "member_joined", _("Member joined")
        MEMBER_LEFT = "member_left", _("Member left")
        MEMBER_REMOVED = "member_removed", _("Member removed")
        CAPTAIN_CHANGED = "captain_changed", _("Captain changed")
        INVITATION_MADE = "invitation_made", _("Invitation to a team made")
        INVITATION_REVOKED = "invitation_revoked", _("Invitation to a team revoked")
        INVITATION_USED = "invitation_used", _("Invitation to a team used")
        WEBHOOK_ADDED = "webhook_added", _("Webhook added")
        WEBHOOK_STOPPED = "webhook_stopped", _("Webhook stopped after failures")
        WEBHOOK_RESUMED = "webhook_resumed", _("Webhook resumed")
        WEBHOOK_REMOVED = "webhook_removed", _("Webhook removed")
        ROLE_GIVEN = "role_given", _("Role given")
        ROLE_ENDED = "role_ended", _("Role ended")
        APPLICATION_ACCEPTED = "application_accepted", _("Application accepted")
        APPLICATION_REFUSED = "application_refused", _("Application refused")
        GUEST_INVITED = "guest_invited", _("Person invited to a competition")
        GUEST_REVOKED = "guest_revoked", _("Invitation to a competition revoked")
        GUEST_CAME = "guest_came", _("Invitation to a competition used")
        BANNED = "banned", _("Banned")
        BAN_LIFTED = "ban_lifted", _("Ban lifted")
        PERSON_SAVED = "person_saved", _("Account changed")
        PASSWORD_SET = "password_set", _("Password set by an operator")
        ACCOUNT_DELETED = "account_deleted", _("Account deleted")
        TOKEN_ISSUED = "token_issued", _("API token issued")
        TOKEN_REVOKED = "token_revoked", _("API token revoked")
        DEVICE_CONFIRMED = "device_confirmed", _("Sign-in of a command confirmed")
        DEVICE_REFUSED = "device_refused", _("Sign-in of a command refused")
        ROWS_EXPORTED = "rows_exported", _("Rows exported")
        SNAPSHOT_ASKED = "snapshot_asked", _("Draft of the signed result asked for")
        DATA_DELETED = "data_deleted", _("Files and reports deleted at their term")
        SIGNING_KEY_MADE = "signing_key_made", _("Key that signs results made")
        WORKER_ROLE_GRANTED = "worker_role_granted", _("Database role of workers granted")

    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    by_name = models.CharField(
        max_length=150,
        help_text="The user name of that time, or who acts without an account: service, console.",
    )
    act = models.CharField(max_length=32, choices=Act)
    competition = models.ForeignKey(
        Competition, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    subject_type = models.CharField(max_length=30, help_text="The model of the row.")
    subject_id = models.BigIntegerField(null=True)
    subject = models.CharField(max_length=200, help_text="The name of the row at that time.")
    before = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    after = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    why = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["competition", "-id"], name="audit_by_competition"),
            models.Index(fields=["act", "-id"], name="audit_by_act"),
            models.Index(fields=["by", "-id"], name="audit_by_person"),
            models.Index(fields=["at"], name="audit_by_time"),
            models.Index(fields=["subject_type", "subject_id"], name="audit_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.get_act_display()}: {self.subject}"
