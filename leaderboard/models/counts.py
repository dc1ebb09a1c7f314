"""Counts of related rows.

Each count is a subquery of its own, because joins would multiply the counts.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce


def count_of(rows: models.QuerySet[Any], by: str) -> Coalesce:
    """How many of `rows` refer to the outer row by their foreign key `by`."""
    counted = rows.order_by().filter(**{by: OuterRef("pk")}).values(by).annotate(number=Count("pk"))
    return Coalesce(Subquery(counted.values("number")), 0, output_field=IntegerField())
