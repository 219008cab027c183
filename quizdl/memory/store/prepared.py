"""Statements that are compiled once and then go straight to the driver.

SQLAlchemy takes longer over one small statement than SQLite does: an answer is a few of them,
and opening reads every card. What is written is still in the schema's own terms.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from functools import cached_property
from types import MappingProxyType

from sqlalchemy import ClauseElement, Connection
from sqlalchemy.dialects import sqlite

_DIALECT = sqlite.dialect(paramstyle="named")


class Prepared:
    """A statement; `columns` are those that an INSERT is given."""

    def __init__(self, statement: ClauseElement, columns: Iterable[str] | None = None) -> None:
        self._statement, self._columns = statement, columns

    @cached_property
    def _compiled(self) -> tuple[str, dict[str, object]]:
        """With the values that stand in the statement itself."""
        keys = None if self._columns is None else list(self._columns)
        made = self._statement.compile(dialect=_DIALECT, column_keys=keys)
        return str(made), {key: value for key, value in made.params.items() if value is not None}

    def __call__(
        self, connection: Connection, values: Mapping[str, object] = MappingProxyType({})
    ) -> sqlite3.Cursor:
        """Rows are plain tuples."""
        sql, constants = self._compiled
        return raw(connection).execute(sql, {**constants, **values})


def raw(connection: Connection) -> sqlite3.Connection:
    """What is below SQLAlchemy."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
