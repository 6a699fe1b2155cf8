"""Counting and recording the SQL queries of a request."""

from typing import Any

import pytest
from django.db import OperationalError, connection

from pact_verification.provider.recording import Script
from pact_verification.provider.request_watch import MAX_QUERIES, MAX_SQL, RequestWatch, _with_values

pytestmark = pytest.mark.django_db


@pytest.fixture
def watch() -> Any:
    watch = RequestWatch(Script(), debug_sql=True)
    with connection.execute_wrapper(watch._count):
        yield watch


def execute(sql: str, params: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def test_a_query_with_its_values(watch: RequestWatch) -> None:
    execute("SELECT %s", ["cup"])
    (query,) = watch.sql
    assert (query.sql, query.database, query.seconds >= 0) == ("SELECT 'cup'", "default", True)
    watch.begin()
    assert (watch.queries, watch.sql) == (0, [])


def test_savepoints_are_neither_counted_nor_recorded(watch: RequestWatch) -> None:
    execute("SAVEPOINT a")
    execute("RELEASE SAVEPOINT a")
    assert (watch.queries, watch.sql) == (0, [])


@pytest.mark.no_database
def test_one_that_fails(watch: RequestWatch) -> None:
    with pytest.raises(OperationalError):
        execute("SELECT nothing FROM nowhere")
    assert [query.sql for query in watch.sql] == ["SELECT nothing FROM nowhere"]


def test_one_for_many_values(watch: RequestWatch) -> None:
    execute("CREATE TEMPORARY TABLE kept (name varchar(9))")
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO kept VALUES (%s)", [["a"], ["b"]])
    assert watch.sql[1].sql == "2 times: INSERT INTO kept VALUES (%s)"


def test_how_many_values_an_iterator_has_is_not_known() -> None:
    assert _with_values("INSERT INTO kept VALUES (%s)", iter([["a"]]), {}, many=True).startswith("many times: INSERT")


def test_the_values_beside_a_secret_column_stay_out(watch: RequestWatch) -> None:
    execute('CREATE TEMPORARY TABLE kept ("password" varchar(9), id int)')
    execute('INSERT INTO kept ("password", id) VALUES (%s, 1)', ["hunter2"])
    execute('SELECT 1 FROM kept WHERE "password" IN (%s)', ["hunter2"])
    execute('SELECT "password" FROM kept WHERE id = %s', [1])
    assert [query.sql for query in watch.sql[1:]] == [
        'INSERT INTO kept ("password", id) VALUES (%s, 1)',
        'SELECT 1 FROM kept WHERE "password" IN (%s)',
        'SELECT "password" FROM kept WHERE id = 1',
    ]


def test_a_secret_column_without_quotes(watch: RequestWatch) -> None:
    execute("CREATE TEMPORARY TABLE kept (Password varchar(9), password_hint varchar(9))")
    execute("INSERT INTO kept (Password) VALUES (%s)", ["hunter2"])
    execute("INSERT INTO kept (password_hint) VALUES (%s)", ["a game"])
    assert [query.sql for query in watch.sql[1:]] == [
        "INSERT INTO kept (Password) VALUES (%s)",
        "INSERT INTO kept (password_hint) VALUES ('a game')",
    ]


def test_a_secret_name_in_a_value(watch: RequestWatch) -> None:
    """Such as the path of a JSONField, with its value beside it."""
    execute("SELECT 1 WHERE %s = %s", ['$."token"', "hunter2"])
    execute("SELECT 1 FROM (SELECT 1) AS one WHERE %s = %s", ['$."token"', "hunter2"])
    assert [query.sql for query in watch.sql][1] == "SELECT 1 FROM (SELECT 1) AS one WHERE %s = %s"


def test_bounds(watch: RequestWatch) -> None:
    execute(f"SELECT '{'x' * MAX_SQL}'")
    for _ in range(MAX_QUERIES):
        execute("SELECT 1")
    assert (watch.queries, len(watch.sql), len(watch.sql[0].sql)) == (MAX_QUERIES + 1, MAX_QUERIES, MAX_SQL)
    assert RequestWatch(Script()).sql == []
