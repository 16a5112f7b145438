"""Django's PostgreSQL backend, which also tells the server the tenant scope.

Row-level security (migration tenants 0002) is the third wall: it holds for the application's
database role even where a query forgot its tenant. The scope travels in a session setting, sent
only when it differs from what this connection last said, and then in one message with the
statement: a round trip of its own would cost as much as most statements do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.backends.postgresql import base

from tenants.current import ALL, current_tenant_id

SETTING = "storelink.tenant"
_SAY = f"SELECT set_config('{SETTING}', '%s', false)"
# What may run in one message after another statement; VACUUM and its like may not.
_GOES_ALONG = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


class Cursor(base.Cursor):
    """Sends `before`, if there is any, ahead of a statement; its result comes first then."""

    before = b""

    def _execute_send(self, query: Any, **how: Any) -> None:
        asked = query.query
        query.query = self.before + asked
        super()._execute_send(query, **how)  # type: ignore[misc]
        query.query = asked  # for the log


class DatabaseWrapper(base.DatabaseWrapper):
    _told: str | None = None
    _mute = False

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        if params["cursor_factory"] is base.Cursor:  # which sends statements as simple queries
            params["cursor_factory"] = Cursor
        return params

    def init_connection_state(self) -> None:
        self._told = None
        super().init_connection_state()
        if self._tell not in self.execute_wrappers:
            self.execute_wrappers.append(self._tell)

    def _rollback(self) -> None:
        # A rollback also undoes the setting; say it again before the next statement.
        self._told = None
        super()._rollback()  # type: ignore[misc]

    def _savepoint_rollback(self, sid: str) -> None:
        # The transaction is aborted until this very statement: nothing can be told before it.
        self._mute = True
        try:
            super()._savepoint_rollback(sid)  # type: ignore[misc]
        finally:
            self._mute = False
            self._told = None

    def _tell(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        tenant_id = current_tenant_id()
        scope = "" if tenant_id is None else "all" if tenant_id == ALL else str(tenant_id)
        if scope == self._told or self._mute or self.needs_rollback:
            return execute(sql, params, many, context)
        self._told = None  # until the server has surely taken it
        cursor: Any = context["cursor"].cursor
        goes_along = isinstance(sql, str) and sql.lstrip()[:6].upper().startswith(_GOES_ALONG)
        if goes_along and not many and isinstance(cursor, Cursor):
            cursor.before = f"{_SAY % scope};".encode()
            try:
                result = execute(sql, params, many, context)
            finally:
                cursor.before = b""
            cursor.nextset()  # type: ignore[attr-defined]
            self._told = scope
            return result
        # A cursor of its own: on a server-side one (`iterator()`) this would only be declared.
        with self.wrap_database_errors, self.connection.cursor() as own:
            own.execute(_SAY % scope)
        self._told = scope
        return execute(sql, params, many, context)
