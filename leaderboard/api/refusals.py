"""Which errors each call can answer: those of its kind, and the refusals of its services.

`GROUPS` follow from how a call is made. `OF_CALLS` names what its services refuse besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework.permissions import SAFE_METHODS

from leaderboard.api.codes import STATUSES
from leaderboard.api.codes_of_models import OF_MODELS
from leaderboard.api.permissions import SignedIn, scope_of
from leaderboard.models import Scope


@dataclass(frozen=True, order=True)
class Known:
    """An error that is told before it happens."""

    status: int
    code: str


def known(codes: str) -> tuple[Known, ...]:
    """Codes with a space between them, with their usual statuses or with others, as `401:code`."""
    parted = (one.rpartition(":") for one in codes.split())
    return tuple(Known(int(status or STATUSES[code]), code) for status, _, code in parted)


GROUPS: Mapping[str, tuple[Known, ...]] = {
    "every": known(
        "malformed_request not_found not_acceptable internal_error database_away query_too_slow "
        "site_away"
    ),
    "named": known("unknown_competition"),
    "token": known("authentication_failed 401:unknown_token expired_token inactive_account"),
    "signed_in": known("not_authenticated"),
    "scope": known("token_scope not_allowed"),
    "competition": known("token_competition"),
    "change": known("length_required too_large throttled no_space"),
    "body": known("invalid unsupported_media_type"),
    "model": known(" ".join(OF_MODELS)),
}
"""`scope`: of a change by a person, who may also come by the session of a browser."""

OPEN = "competition_not_open banned"
MEMBER = "not_a_member"
UPLOAD = f"not_a_member {OPEN}"
HURDLES = (
    "invitation_needed application_needed application_waiting application_refused address_needed"
)
CAPTAIN = f"competition_not_open {MEMBER} not_captain"
MERGE = (
    f"{CAPTAIN} {OPEN} other_team team_full evaluations_unfinished verification_begun "
    "merge_deadline_passed combined_quota"
)
TRIAL = "trial_under_way too_many_trials no_sample"
WEBHOOK = f"{MEMBER} unknown_webhook"
OF_CALLS: Mapping[str, str] = {
    "competitions_questions_list": "token_competition",
    "ask_organizers": "banned too_many_questions question_missing question_too_long",
    "apply": f"{OPEN} no_applications application_decided answers_missing answer_too_long",
    "take_up_invitation": "banned invitation_unusable",
    "reference": "reference_not_released",
    "baseline": "unknown_baseline scores_hidden",
    "baseline_file": "baseline_not_released scores_hidden",
    "board": "unknown_choice no_offset unknown_board board_not_published scores_hidden "
    "unknown_track track_in_preparation",
    "race": "scores_hidden invalid unknown_track track_in_preparation",
    "public_team": "scores_hidden",
    "declarations_of_team": MEMBER,
    "declare_track": f"{MEMBER} competition_over unknown_track track_in_preparation "
    "declaration_revoked",
    "leave_track": f"{MEMBER} competition_over",
    "export": "not_allowed unknown_export no_parquet",
    "sample": "404:no_sample",
    "snapshot": "board_not_published snapshot_not_made",
    "submit": f"{UPLOAD} not_ready quota_exceeded idempotency_key_reused format_not_taken",
    "try_model": f"{UPLOAD} {TRIAL} format_not_taken",
    "uploads": MEMBER,
    "begin_upload": f"{UPLOAD} quota_exceeded {TRIAL} too_many_uploads bad_upload_header "
    "tus_version",
    "upload": "unknown_upload",
    "send_part": "unknown_upload competition_not_open wrong_offset upload_busy bad_upload_header "
    "upload_is_direct tus_version",
    "cancel_upload": "unknown_upload upload_busy tus_version",
    "sign_parts": "unknown_upload competition_not_open no_such_part",
    "submit_upload": f"unknown_upload {OPEN} {MEMBER} not_ready quota_exceeded "
    "idempotency_key_reused format_not_taken upload_unfinished upload_busy wrong_hash",
    "try_upload": f"unknown_upload {OPEN} {MEMBER} {TRIAL} format_not_taken upload_unfinished "
    "upload_busy wrong_hash",
    "begin_login": "bad_token_name bad_scope",
    "collect_token": "authorization_pending slow_down expired_device_code access_denied "
    "too_many_tokens",
    "revoke_token": "unknown_token",
    "read_notice": "unknown_notice",
    "submissions_list": "invalid",
    "submission": "invalid",
    "trial": "invalid",
    "annotate": MEMBER,
    "submission_file": f"{MEMBER} model_deleted",
    "measurement": "scores_hidden",
    "withdraw": f"{MEMBER} competition_over",
    "create_team": f"{OPEN} {HURDLES} already_in_a_team bad_team_name name_taken",
    "rename_team": f"{CAPTAIN} renamed_lately bad_team_name name_taken",
    "hand_over_team": f"{CAPTAIN} unknown_member",
    "remove_member": f"{CAPTAIN} banned unknown_member captain_stays",
    "invitations_of_team": MEMBER,
    "invite_to_team": f"{MEMBER} {OPEN} no_mail_address too_many_invitations "
    "too_many_addresses_today unknown_person",
    "revoke_invitation": f"{MEMBER} invitation_unusable",
    "join_team": f"{OPEN} {HURDLES} invitation_unusable already_in_a_team team_full",
    "leave_team": f"{MEMBER} banned competition_over last_member",
    "merges_of_team": MEMBER,
    "ask_for_merge": f"{MERGE} unknown_team asked_already too_many_offers too_many_offers_today",
    "end_merge": f"{MEMBER} not_captain unknown_offer",
    "accept_merge": f"{MERGE} unknown_offer",
    "choose_selections": f"{MEMBER} competition_over verification_begun too_many_selections "
    "not_selectable",
    "verification": f"{MEMBER} no_verification",
    "hand_in": f"{MEMBER} no_verification verification_over nothing_sent not_zip_or_pdf bad_link",
    "withdraw_verification": f"{MEMBER} no_verification wrong_verification_state",
    "webhooks_of_team": MEMBER,
    "add_webhook": f"{MEMBER} bad_webhook_address bad_webhook_events address_not_public "
    "too_many_webhooks",
    "remove_webhook": WEBHOOK,
    "ping_webhook": f"{WEBHOOK} too_many_calls webhook_stopped",
    "resume_webhook": WEBHOOK,
    "redeliver": f"{WEBHOOK} unknown_delivery too_many_calls webhook_stopped",
    "teams_webhooks_deliveries_list": WEBHOOK,
}
TAKES_MODELS = {"submit", "try_model", "submit_upload", "try_upload"}


def groups(view: Any, method: str, path: str, operation: Mapping[str, Any]) -> tuple[str, ...]:
    """The groups of errors of a call, by its view, its address and its description."""
    is_change = method.upper() not in SAFE_METHODS
    asks = any(isinstance(one, SignedIn) for one in view.get_permissions())
    concerns_one = "{" in path or getattr(view, "personal", False)
    found = {
        "every": True,
        "named": "{slug}" in path,
        "token": bool(view.get_authenticators()),
        "signed_in": asks,
        "scope": asks and scope_of(view, method) != Scope.READ,
        "competition": asks and concerns_one,
        "change": is_change,
        "body": "requestBody" in operation,
        "model": operation["operationId"] in TAKES_MODELS,
    }
    return tuple(name for name, holds in found.items() if holds)


def own(call: str) -> tuple[Known, ...]:
    """What the services of a call refuse, sorted by status."""
    return tuple(sorted(set(known(OF_CALLS.get(call, "")))))


def by_status(call: str, kinds: Iterable[str]) -> dict[int, list[str]]:
    """All codes that a call of these groups can answer with, for each status."""
    every = {*own(call), *(one for kind in kinds for one in GROUPS[kind])}
    found: dict[int, list[str]] = {}
    for one in sorted(every):
        found.setdefault(one.status, []).append(one.code)
    return found
