"""What each code of the API means, as docs/codes.md says it: a test compares the two."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from leaderboard.api.codes_of_models import OF_MODELS

OF_REQUESTS: dict[str, tuple[int, str | Promise]] = {
    "address_not_public": (400, _("Webhooks reach public addresses only.")),
    "answer_too_long": (400, _("Each question needs an answer of at most 2,000 characters.")),
    "answers_missing": (400, _("Each question needs an answer of at most 2,000 characters.")),
    "authorization_pending": (
        400,
        _("The code of `featherweight login` is not confirmed yet, or the command asked too soon."),
    ),
    "bad_link": (
        400,
        _("The link of a repository begins with `https://` and has at most 500 characters."),
    ),
    "bad_scope": (400, _("A token's scope is `read`, `submit` or `manage`.")),
    "bad_team_name": (
        400,
        _("The name is empty, too long, or has characters that cannot be read."),
    ),
    "bad_token_name": (
        400,
        _("The name is empty, too long, or has characters that cannot be read."),
    ),
    "bad_upload_header": (
        400,
        _("`Upload-Length`, `Upload-Offset` or `Upload-Metadata` is missing or cannot be read."),
    ),
    "bad_webhook_address": (
        400,
        _("A webhook needs an address that begins with `https://`, and an event."),
    ),
    "bad_webhook_events": (
        400,
        _("A webhook needs an address that begins with `https://`, and an event."),
    ),
    "expired_device_code": (
        400,
        _("The code of `featherweight login` is older than 10 minutes, or was used."),
    ),
    "format_not_taken": (
        400,
        _(
            "The file is a model in a known format that this competition does not accept. "
            "The sentence names the accepted formats."
        ),
    ),
    "invalid": (400, _("Some fields are wrong; `fields` says which and why.")),
    "malformed_request": (400, _("The request cannot be read.")),
    "no_such_part": (
        400,
        _("The upload has no part of this number, or its parts do not go to the object storage."),
    ),
    "no_offset": (400, _("A filtered or sorted board has no `offset`. Follow its `next`.")),
    "nothing_sent": (400, _("A verification needs a file or a link.")),
    "not_selectable": (400, _("Only the team's own scored submissions can be selected.")),
    "not_zip_or_pdf": (400, _("Only a zip or a PDF can be handed in.")),
    "question_missing": (400, _("A question has 1 to 4,000 characters.")),
    "question_too_long": (400, _("A question has 1 to 4,000 characters.")),
    "slow_down": (
        400,
        _("The code of `featherweight login` is not confirmed yet, or the command asked too soon."),
    ),
    "too_many_selections": (400, _("More submissions were selected than the competition allows.")),
    "unknown_choice": (
        400,
        _(
            "No board has such a `sort`, `format`, `type` or `tied`. The sentence names the "
            "possible values."
        ),
    ),
    "wrong_hash": (
        400,
        _("The file that arrived has another SHA-256 than its sender says: it changed on the way."),
    ),
    "authentication_failed": (
        401,
        _(
            "The token has expired, its owner's account is switched off, or the header cannot be "
            "read."
        ),
    ),
    "expired_token": (
        401,
        _(
            "The token has expired, its owner's account is switched off, or the header cannot be "
            "read."
        ),
    ),
    "inactive_account": (
        401,
        _(
            "The token has expired, its owner's account is switched off, or the header cannot be "
            "read."
        ),
    ),
    "not_authenticated": (401, _("The address needs a token or a session.")),
    "access_denied": (403, _("The person refused to give the command a token.")),
    "address_needed": (
        403,
        _(
            "Only people with a confirmed address of certain domains can take part. The sentence "
            "names the domains."
        ),
    ),
    "application_needed": (
        403,
        _("The organizers choose who takes part. Apply on the page Join, or by the API."),
    ),
    "application_refused": (
        403,
        _("The organizers refused the application. The sentence has their reason."),
    ),
    "application_waiting": (
        403,
        _("The application is waiting for a decision. The organizers were notified."),
    ),
    "banned": (
        403,
        _(
            "The organizers have banned this person or team. The sentence has their reason, "
            "but not the reason for another team."
        ),
    ),
    "invitation_needed": (403, _("Only people whom the organizers invite can take part.")),
    "not_a_member": (403, _("This person is in no team of the competition, or not in this one.")),
    "not_allowed": (403, _("This person is not allowed to do this.")),
    "not_captain": (
        403,
        _("Only the captain can rename a team, remove members or make another member the captain."),
    ),
    "quota_exceeded": (
        403,
        _(
            "The team has used its uploads of the day, and no further uploads are left. The "
            "sentence says when the next is possible."
        ),
    ),
    "token_competition": (
        403,
        _("The token is for another competition, or the call concerns the whole account."),
    ),
    "token_scope": (
        403,
        _("The token's scope is too small. The sentence names the scope that is needed."),
    ),
    "too_many_trials": (403, _("A team can try at most 20 models in 24 hours.")),
    "unknown_baseline": (404, _("The competition has no such baseline with a score.")),
    "baseline_not_released": (404, _("The organizers do not hand out this baseline.")),
    "board_not_published": (404, _("The private board is not published yet.")),
    "invitation_unusable": (404, _("The invitation is unknown, used, revoked or expired.")),
    "model_deleted": (404, _("The model file was deleted: the competition no longer keeps it.")),
    "no_verification": (404, _("The team was not asked to hand in anything.")),
    "not_found": (404, _("There is nothing at this address that this person may see.")),
    "reference_not_released": (
        404,
        _("The organizers have not released the reference model."),
    ),
    "scores_hidden": (
        404,
        _(
            "The competition is blind: scores and boards are shown when the organizers publish "
            "them."
        ),
    ),
    "snapshot_not_made": (
        404,
        _("The signed result, or a provisional one, is not made yet, or the site has no key yet."),
    ),
    "track_in_preparation": (
        404,
        _("The board of a new track is being prepared, which takes minutes with very many teams."),
    ),
    "unknown_board": (404, _("The boards are `public` and `private`.")),
    "unknown_competition": (
        404,
        _("No competition has this name. The sentence may name a similar one."),
    ),
    "unknown_delivery": (
        404,
        _("The team has no such webhook, or no such delivery."),
    ),
    "unknown_export": (404, _("The sentence names what can be exported, and as what.")),
    "unknown_member": (404, _("The team has no such member.")),
    "unknown_notice": (404, _("The person has no such notice.")),
    "unknown_offer": (404, _("The offer to merge was taken back or declined.")),
    "unknown_person": (404, _("Nobody has this user name.")),
    "unknown_team": (404, _("A merge needs another team of the same competition, by its name.")),
    "unknown_token": (
        404,
        _("The person has no such token. For the token in the header: nobody has it."),
    ),
    "unknown_track": (
        404,
        _("The competition has no such track, or teams cannot declare it."),
    ),
    "unknown_upload": (
        404,
        _(
            "The file that was sent in parts has ended, was cancelled, or is older than 24 "
            "hours. Send it again."
        ),
    ),
    "unknown_webhook": (
        404,
        _("The team has no such webhook, or no such delivery."),
    ),
    "not_acceptable": (406, _("The API answers only in JSON. Boards are also available as CSV.")),
    "already_in_a_team": (
        409,
        _(
            "A person can be in one team of a competition. Organizers cannot refuse the "
            "application of a member: they ban the member instead."
        ),
    ),
    "application_decided": (
        409,
        _(
            "The application is decided. An applicant cannot apply again. Organizers can "
            "change their decision."
        ),
    ),
    "asked_already": (409, _("A team can ask each team once, and can wait for at most 5 answers.")),
    "captain_stays": (409, _("A captain cannot remove the captain. A captain can leave the team.")),
    "combined_quota": (
        409,
        _("Two teams have used more uploads than one team could have used by now."),
    ),
    "competition_not_open": (
        409,
        _(
            "The competition has not opened, is paused, or has ended. Teams can be created "
            "from the opening to the publication."
        ),
    ),
    "competition_over": (
        409,
        _(
            "The final ranking is published. Submissions, selections and teams can no longer "
            "change."
        ),
    ),
    "declaration_revoked": (
        409,
        _("The organizers revoked the declaration of the team, with a reason."),
    ),
    "evaluations_unfinished": (
        409,
        _("The evaluations of a team must end before it merges into another one."),
    ),
    "idempotency_key_reused": (409, _("The `Idempotency-Key` was used for another model.")),
    "last_member": (
        409,
        _("The last member of a team with submissions cannot leave or get a separate team."),
    ),
    "merge_deadline_passed": (409, _("The time for merges of teams is over.")),
    "name_taken": (409, _("Another name is the same or looks the same.")),
    "no_applications": (409, _("This competition does not accept applications.")),
    "no_parquet": (
        409,
        _(
            "Parquet needs pyarrow: install `featherweight[parquet]` on the site, or use CSV "
            "or JSON."
        ),
    ),
    "no_sample": (409, _("The competition does not provide a sample, so models cannot be tried.")),
    "not_ready": (409, _("The competition has no reference model or no dataset.")),
    "other_team": (409, _("A merge needs another team of the same competition, by its name.")),
    "renamed_lately": (409, _("A captain can rename a team once in 24 hours.")),
    "team_full": (
        409,
        _("The team has as many members as are allowed, or two teams would have more together."),
    ),
    "no_mail_address": (400, _("The name in the invitation has an @ but is not a mail address.")),
    "too_many_addresses_today": (
        409,
        _("A team can invite at most 10 mail addresses within 24 hours, and so can a member."),
    ),
    "too_many_calls": (
        409,
        _("An address gets at most 20 test calls in an hour, and none while 20 calls wait."),
    ),
    "too_many_invitations": (
        409,
        _("The team has as many open invitations as it may have members."),
    ),
    "too_many_offers": (
        409,
        _("A team can ask each team once, and can wait for at most 5 answers."),
    ),
    "too_many_offers_today": (
        409,
        _("A team can ask at most 10 times within 24 hours. Offers that it took back count, too."),
    ),
    "too_many_questions": (
        409,
        _(
            "A person can have at most 5 questions that wait for an answer, and can ask 20 in "
            "24 hours."
        ),
    ),
    "too_many_tokens": (409, _("A person can have at most 20 tokens.")),
    "too_many_uploads": (409, _("A team can send at most 3 files at once.")),
    "too_many_webhooks": (409, _("A team can have at most 5 webhooks.")),
    "trial_under_way": (409, _("A team can try one model at a time.")),
    "upload_is_direct": (
        409,
        _("The parts of this upload go to the object storage. Ask for their addresses."),
    ),
    "upload_unfinished": (409, _("Parts of the file are missing.")),
    "verification_begun": (
        409,
        _(
            "Winners were already asked for a verification: the competition cannot be "
            "reopened, and no selection can change."
        ),
    ),
    "verification_over": (
        409,
        _("The date of the verification has passed, or the organizers have decided."),
    ),
    "webhook_stopped": (409, _("The address failed 50 times in a row. Resume its calls first.")),
    "wrong_offset": (
        409,
        _(
            "A part does not begin where the last one ended. Ask for the "
            "offset and send from there."
        ),
    ),
    "wrong_verification_state": (
        409,
        _("This step does not follow from the present state of the verification."),
    ),
    "length_required": (411, _("The request does not announce its size: send `Content-Length`.")),
    "tus_version": (412, _("The request needs `Tus-Resumable: 1.0.0`.")),
    "too_large": (413, _("The file is larger than the competition accepts.")),
    "unsupported_media_type": (415, _("Send another `Content-Type`.")),
    "upload_busy": (
        423,
        _("Another request is sending to this upload. Ask for its offset in a moment."),
    ),
    "throttled": (
        429,
        _("More than 60 changes in a minute by one person. `Retry-After` says how long to wait."),
    ),
    "internal_error": (500, _("A bug. It was logged.")),
    "database_away": (503, _("The database cannot be reached. `Retry-After: 10`.")),
    "query_too_slow": (503, _("The database took too long and was stopped. `Retry-After: 10`.")),
    "site_away": (503, _("The front cannot reach the site. `Retry-After: 10`.")),
    "no_space": (507, _("The disk is full. `Retry-After: 60`.")),
}

STATUSES = dict.fromkeys(OF_MODELS, 400) | {code: row[0] for code, row in OF_REQUESTS.items()}
MEANINGS = OF_MODELS | {code: row[1] for code, row in OF_REQUESTS.items()}
