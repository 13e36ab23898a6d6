"""PostgreSQL's backend with one addition: the first connection starts the embedded server."""

from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base
from psycopg import Connection, OperationalError

from config.embedded import Embedded


class DatabaseWrapper(base.DatabaseWrapper):
    """Connects to the embedded server, and starts it where nobody has yet."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection[Any]:
        """Return a connection; a server that died meanwhile is started again once."""
        embedded: Embedded = settings.EMBEDDED  # type: ignore[assignment]
        embedded.ensure()
        connection: Connection[Any]
        try:
            connection = super().get_new_connection(conn_params)
        except OperationalError:
            embedded.ensure(is_fresh=True)
            connection = super().get_new_connection(conn_params)
        return connection
