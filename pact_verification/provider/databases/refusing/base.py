"""The backend's classes, in the module and by the names that Django looks for."""

from typing import Any, NoReturn

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.introspection import BaseDatabaseIntrospection
from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.backends.dummy import base as dummy

from pact_verification.errors import DatabaseLeftAlone
from pact_verification.provider.databases.refusing import REASON, refusals


def _refuse(connection: BaseDatabaseWrapper) -> NoReturn:
    reason = str(connection.settings_dict[REASON])
    refusals.append(reason)
    raise DatabaseLeftAlone(reason)


class DatabaseCreation(dummy.DatabaseCreation):
    """Makes no test database."""

    def _get_test_db_name(self) -> str:
        """Return a name that no other alias has, since Django lets aliases of one name share a test database."""
        return f"left alone: {self.connection.alias}"


class DatabaseOperations(BaseDatabaseOperations):
    def quote_name(self, name: str) -> NoReturn:
        """Refuse every query: Django quotes a name in each before it needs the connection."""
        _refuse(self.connection)


class DatabaseWrapper(dummy.DatabaseWrapper):
    """A connection that can't be opened. Its vendor is "unknown", as that of a project without a database."""

    creation_class = DatabaseCreation
    introspection_class = BaseDatabaseIntrospection
    ops_class = DatabaseOperations

    def connect(self) -> NoReturn:
        _refuse(self)

    def ensure_connection(self) -> NoReturn:
        _refuse(self)

    def _cursor(self, name: Any = None) -> NoReturn:
        _refuse(self)

    def _set_autocommit(self, autocommit: bool) -> NoReturn:
        _refuse(self)
