"""Files that the pages and the API send alike."""

from __future__ import annotations

import io

from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import etag

from leaderboard.models import Snapshot
from leaderboard.services.exports import Export
from leaderboard.services.kit import Kit


def kit(request: HttpRequest, made: Kit) -> HttpResponseBase:
    """A starter kit as a zip. A reader that already has this kit gets a 304."""

    @etag(lambda request: made.digest)
    def answer(request: HttpRequest) -> FileResponse:
        return FileResponse(io.BytesIO(made.data), as_attachment=True, filename=made.file_name)

    return answer(request)


def export(made: Export) -> StreamingHttpResponse:
    """Rows of a competition, sent in parts."""
    named = {"Content-Disposition": f'attachment; filename="{made.file_name}"'}
    return StreamingHttpResponse(made.parts, content_type=made.media_type, headers=named)


def snapshot(made: Snapshot) -> FileResponse:
    """A signed result. Its bytes are sent as they were signed."""
    kind = "provisional" if made.is_provisional else "draft"
    kind = "snapshot" if made.is_final else f"{kind}-{made.pk}"
    return FileResponse(
        made.file.open("rb"),
        as_attachment=True,
        filename=f"{made.competition.slug}-{kind}.json",
        content_type="application/json",
    )
