"""Count rows inside another query."""

from typing import Any

from django.db.models import IntegerField, QuerySet, Subquery


class RowCount(Subquery):
    """How many rows a query has, as a value of another query's rows."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()

    def __init__(self, rows: QuerySet[Any]) -> None:
        """Take the query whose rows are counted."""
        super().__init__(rows.order_by().values("pk"))
