"""How many rows the API gives at once. Apart from config/api.py, which imports the apps."""

from rest_framework.pagination import LimitOffsetPagination


class Pages(LimitOffsetPagination):
    """`limit` rows from `offset` on, never more than 200."""

    max_limit = 200
