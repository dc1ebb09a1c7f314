"""Long lists come in pages: `limit` and `offset`, answered by count, next, previous and results."""

from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request


class Pages(LimitOffsetPagination):
    default_limit = 100
    max_limit = 1000

    def get_offset(self, request: Request) -> int:
        return min(super().get_offset(request), 10**9)  # databases know no larger one
