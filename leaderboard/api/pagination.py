"""Long lists come in pages of `limit` rows.

A board is read by rank, so its pages begin at an `offset`. Lists that grow at the head go on at a
`cursor`: what comes meanwhile moves no row into the next page or out of it.
"""

from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination, LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leaderboard import digits


class Pages(LimitOffsetPagination):
    default_limit = 100
    max_limit = 1000

    def get_offset(self, request: Request) -> int:
        return min(super().get_offset(request), 10**9)  # databases know no larger one


class Newest(CursorPagination):
    """The newest first. A request with `offset` is answered by `Pages`, as older clients ask."""

    ordering = "-pk"
    page_size = 100
    page_size_query_param = "limit"
    max_page_size = 1000
    by_offset: Pages | None = None

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        if "offset" in request.query_params:
            self.by_offset = Pages()
            return self.by_offset.paginate_queryset(queryset, request, view)
        self.count = queryset.count()
        return super().paginate_queryset(queryset, request, view)

    def decode_cursor(self, request: Request) -> Cursor | None:
        found = super().decode_cursor(request)
        # The framework hands any text on to the database.
        if found and found.position is not None and digits.whole(str(found.position)) is None:
            raise NotFound(self.invalid_cursor_message)
        return found

    def get_paginated_response(self, data: Any) -> Response:
        if self.by_offset:
            return self.by_offset.get_paginated_response(data)
        answer = super().get_paginated_response(data)
        answer.data = {"count": self.count, **answer.data}
        return answer

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return Pages().get_paginated_response_schema(schema)

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        by_offset = Pages().get_schema_operation_parameters(view)
        cursor = super().get_schema_operation_parameters(view)[:1]
        return [*cursor, *by_offset]
