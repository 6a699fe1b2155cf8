"""Has pytest-django make the databases for interactions, and runs interactions before tests that empty tables."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections

from pact_verification.conf import conf
from pact_verification.pytest_plugin.collection import InteractionItem
from pact_verification.pytest_plugin.notes import add_note

PROJECT_DATABASES = pytest.StashKey[Mapping[str, str]]()
"""The names of the project's own databases by alias, before test databases replace them."""

EMPTIED_BY = pytest.StashKey[str]()
"""The first test that emptied the tables."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, object, object]:
    """Put pacts first: a test with real transactions empties the tables that migrations have filled.

    This comes before other plugins see the order, since --stepwise counts by it. The mark keeps pytest-django from
    moving them back.
    """
    interactions = [item for item in items if isinstance(item, InteractionItem)]
    if interactions:
        config.stash[PROJECT_DATABASES] = {alias: str(connections.settings[alias]["NAME"]) for alias in connections}
        items.sort(key=lambda item: not isinstance(item, InteractionItem))
    with _marked(interactions):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Have pytest-django set up the databases of interactions. By itself it makes only those that marked tests use.

    A kept database that an earlier run marked as unclean is created anew, as with --create-db.
    """
    if fixturedef.argname == "django_db_createdb":
        _recreate_unclean_databases(request)
    if fixturedef.argname != "django_db_setup":
        return (yield)
    with _marked(item for item in request.session.items if isinstance(item, InteractionItem)):
        return (yield)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember the first test that empties tables, for the failures of later interactions."""
    test_case = getattr(item, "cls", None)
    marker = item.get_closest_marker("django_db")
    if (
        {"transactional_db", "live_server"} & {*getattr(item, "fixturenames", ())}
        or (marker and (marker.kwargs.get("transaction") or marker.kwargs.get("reset_sequences")))
        or (test_case and "TransactionTestCase" in {each.__name__ for each in test_case.__bases__})
    ):
        item.config.stash.setdefault(EMPTIED_BY, item.nodeid)


def _recreate_unclean_databases(request: pytest.FixtureRequest) -> None:
    if not request.getfixturevalue("django_db_keepdb") or request.config.option.create_db:
        return
    # Few sessions keep databases, and others need not load the modules that make them.
    from pact_verification.provider.databases.left_alone import leaving_alone, unnamed_by_setting
    from pact_verification.pytest_plugin.kept import marked_databases

    request.getfixturevalue("django_db_modify_db_settings")  # it adds xdist's part to the names
    with request.getfixturevalue("django_db_blocker").unblock(), leaving_alone(unnamed_by_setting()):
        if marked := marked_databases():
            request.config.option.create_db = True
            names = ", ".join(marked)
            add_note(request.config, f"An earlier run had left rows in {names}, so the test databases were made anew.")


@contextmanager
def _marked(items: Iterable[InteractionItem]) -> Iterator[None]:
    """Mark interactions as tests that use every database of PACT_DATABASES, within the block.

    If the mark stayed, pytest-django would wrap each interaction in a transaction of the main thread.
    """
    before = [(item, item.own_markers[:]) for item in items]
    if not before:  # a session without pacts may have no settings
        yield
        return
    used = conf.PACT_DATABASES
    mark = pytest.mark.django_db(databases="__all__" if used is None else [*used]).mark
    for item, _ in before:
        item.own_markers.insert(0, mark)
    try:
        yield
    finally:
        for item, markers in before:
            item.own_markers[:] = markers
