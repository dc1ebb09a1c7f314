"""Refusals: each has a stable code for programs and a sentence for people.

A `Refused` is never stored. Its sentence is in the language of the request, because the code that
raises it calls `gettext`. Each door turns a refusal into an answer in one place:
`api.errors.handle` for the API, `web.refusals` for pages, `admin.pages` for the panel.
"""


class Refused(Exception):
    """A request that breaks a rule; nothing was changed.

    `code` is stable and for programs, `detail` says in words what to do, `status` is for HTTP.
    """

    code = "refused"
    status = 400

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if code:
            self.code = code


class NotAllowed(Refused):
    """This person may not do this."""

    code = "not_allowed"
    status = 403


class NotAMember(NotAllowed):
    code = "not_a_member"


class NotFound(Refused):
    """The thing does not exist, or this person may not know about it."""

    code = "not_found"
    status = 404


class Conflict(Refused):
    """The present state of the thing forbids this step."""

    code = "conflict"
    status = 409


class NameTaken(Conflict):
    code = "name_taken"


class BadName(Refused):
    """A name that people cannot read, or cannot tell from another name."""

    code = "bad_name"


class CompetitionNotOpen(Conflict):
    code = "competition_not_open"


class QuotaExceeded(Refused):
    code = "quota_exceeded"
    status = 403  # not 429, which programs take for "send it again in a moment"


class TooFast(Refused):
    """`seconds` is how long to wait before the next change."""

    code = "throttled"
    status = 429

    def __init__(self, detail: str, *, seconds: int) -> None:
        super().__init__(detail)
        self.seconds = seconds


class BadModel(Refused):
    """The uploaded file cannot be a model; `code` says why."""

    code = "bad_model"


class TooLarge(Refused):
    code = "too_large"
    status = 413


class LengthRequired(Refused):
    code = "length_required"
    status = 411


class OtherProtocol(Refused):
    """The sender speaks another version of tus."""

    code = "tus_version"
    status = 412


class Busy(Refused):
    """Another request sends to the same upload at this moment."""

    code = "upload_busy"
    status = 423


class BadDataset(Refused):
    """An organizer's images or their layout cannot be used; `code` says why."""

    code = "bad_dataset"
