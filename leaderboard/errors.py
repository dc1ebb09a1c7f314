"""What we say no to, each with a stable code for programs and a sentence for people.

A `Refused` is never stored and costs nothing. Every door turns it into its own kind of answer in
one place: `api.errors.handle` for the API, `web.refusals` and the admin by a message on the page.
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
    """There is no such thing, or this person may not know that there is."""

    code = "not_found"
    status = 404


class Conflict(Refused):
    """The thing is in a state that forbids this now."""

    code = "conflict"
    status = 409


class NameTaken(Conflict):
    code = "name_taken"


class BadName(Refused):
    """A name that others could not read, or not tell from another."""

    code = "bad_name"


class CompetitionNotOpen(Conflict):
    code = "competition_not_open"


class QuotaExceeded(Refused):
    code = "quota_exceeded"
    status = 403  # not 429, which programs take for "send it again in a moment"


class TooFast(Refused):
    code = "throttled"
    status = 429


class BadModel(Refused):
    """The uploaded file cannot be a model; `code` says why."""

    code = "bad_model"


class TooLarge(Refused):
    code = "too_large"
    status = 413


class LengthRequired(Refused):
    code = "length_required"
    status = 411


class BadDataset(Refused):
    """An organizer's images or their layout cannot be used; `code` says why."""

    code = "bad_dataset"
