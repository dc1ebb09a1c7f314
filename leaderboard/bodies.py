"""What a view says of the bodies it takes; `leaderboard.web.bodies` asks before anything is read.

A view that says nothing takes `FORM_BYTES`, and no file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http import HttpRequest
from django.utils.translation import gettext

from leaderboard import digits
from leaderboard.errors import LengthRequired, TooLarge

FORM_BYTES = 1 << 20
"""Every body without a file fits into this; the fields beside a file do, too."""

UNSENT = "X-Unsent-Body"
"""A proxy that buffers bodies asks with this header, which tells the size, before it takes one.
A size that is not known to the proxy is told by a word."""

SAY_WHY = "X-Say-Why"
"""With this header the proxy asks once more, after a no: the whole refusal is to be answered."""

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Upload:
    """What a view that takes files says about them."""

    check_size: Callable[..., None]
    """Raises `TooLarge`, knowing nobody: `check_size(size, **arguments_of_the_view)`."""
    expect: Callable[..., bool] | None = None
    """Whether files of this person are stored: `expect(request, **arguments_of_the_view)`. May
    raise `Refused`. None: the view asks that itself before it reads."""


def taken(upload: Upload) -> Callable[[View], View]:
    """Mark a view that takes a file."""

    def marked(view: View) -> View:
        view.upload = upload  # type: ignore[attr-defined]
        return view

    return marked


def check_length(request: HttpRequest) -> None:
    """Raises `LengthRequired` for a body of unknown size: nobody counts it before it is taken."""
    is_uncounted = "Transfer-Encoding" in request.headers
    if is_uncounted or (is_question(request) and digits.whole(request.headers[UNSENT]) is None):
        raise LengthRequired(
            gettext("Send the size of the body in the header Content-Length. Nothing was read.")
        )


def check_form(size: int) -> None:
    """Raises `TooLarge` for what is no form without a file."""
    if size > FORM_BYTES:
        raise TooLarge(
            gettext(
                "The upload is %(size)s MB, which is more than this form accepts. Nothing was read."
            )
            % {"size": f"{size / 1e6:.1f}"}
        )


def announced(request: HttpRequest) -> int:
    """The bytes of a body that is there, or that may come."""
    sizes = (request.headers.get(UNSENT, ""), request.META.get("CONTENT_LENGTH") or "")
    return max(digits.whole(size) or 0 for size in sizes)


def is_question(request: HttpRequest) -> bool:
    """Whether a proxy only asks if the body may come: 204 says yes, 403 no."""
    return UNSENT in request.headers
