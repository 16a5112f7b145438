"""Django's PostgreSQL backend, which also tells the server the tenant scope.

Row-level security (migration tenants 0002) is the third wall: it holds for the application's
database role even where a query forgot its tenant. The scope travels in a session setting,
sent only when it differs from what this connection last said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.backends.postgresql import base

from tenants.current import ALL, current_tenant_id

SETTING = "storelink.tenant"


class DatabaseWrapper(base.DatabaseWrapper):
    _told: str | None = None
    _mute = False

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
        if scope != self._told and not self._mute and not self.needs_rollback:
            # A cursor of its own: on a server-side one (`iterator()`) this would only be declared.
            with self.wrap_database_errors, self.connection.cursor() as cursor:
                cursor.execute("SELECT set_config(%s, %s, false)", [SETTING, scope])
            self._told = scope
        return execute(sql, params, many, context)
