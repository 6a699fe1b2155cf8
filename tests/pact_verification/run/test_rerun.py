"""The command line that runs interactions again: for one, and for all that have the same cause."""

from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from pact_verification.pacts.pact import AtBroker, Interaction, Pact
from pact_verification.run.rerun import RerunCommand, rerun_command

pytestmark = pytest.mark.no_database

WORDS = ("python", "manage.py", "verify_pacts")
GIVEN: dict[str, Any] = {
    "provider_name": None,
    "broker_url": None,
    "pact_url": None,
    "pacts": [],
    "enable_pending": True,
    "consumer_version_selectors": [],
}


def pact(source: str, url: str | None = None) -> Pact:
    at_broker = AtBroker(url, "1", "main", None, None) if url else None
    return Pact("app", "shop", (), Path("part.json"), source, at_broker)


A, B = pact("a.json"), pact("b.json")
AT_1, AT_2 = pact("version 1", "http://broker/1"), pact("version 2", "http://broker/2")


def keyed(key: str) -> Interaction:
    return Interaction("x", key=key)


def test_interactions_of_several_files() -> None:
    line = RerunCommand(WORDS).line([(A, keyed("k1")), (B, keyed("k2")), (A, keyed("k3"))], {"k1", "k2", "k3"})
    assert line == ("python manage.py verify_pacts a.json b.json --interaction k1 --interaction k2 --interaction k3")


def test_no_file_where_a_run_finds_the_interactions_by_their_keys() -> None:
    line = RerunCommand(WORDS, finds_pacts=True).line([(A, keyed("k1")), (B, keyed("k2"))], {"k1", "k2"})
    assert line == "python manage.py verify_pacts --interaction k1 --interaction k2"


def test_one_key_that_stands_twice_makes_all_files_stand_there() -> None:
    """With the file of that key alone, the run would not find the other interactions."""
    line = RerunCommand(WORDS, finds_pacts=True).line([(A, keyed("k1")), (B, keyed("twice"))], {"k1"})
    assert line == "python manage.py verify_pacts a.json b.json --interaction k1 --interaction twice"


def test_a_key_that_fails_in_two_files_stands_once() -> None:
    line = RerunCommand(WORDS, finds_pacts=True).line([(A, keyed("twice")), (B, keyed("twice"))], set())
    assert line == "python manage.py verify_pacts a.json b.json --interaction twice"


def test_one_pact_of_a_broker_by_its_url() -> None:
    line = RerunCommand(WORDS, selectors=("--provider-branch", "main")).line(
        [(AT_1, keyed("k1")), (AT_1, keyed("k2"))], set()
    )
    assert line == "python manage.py verify_pacts --pact-url http://broker/1 --interaction k1 --interaction k2"


def test_several_pacts_of_a_broker_are_selected_anew_since_a_run_takes_one_url() -> None:
    command = RerunCommand(WORDS, selectors=("--consumer-version-selector", '{"branch": "x"}'))
    assert command.line([(AT_1, keyed("k1")), (AT_2, keyed("k1"))], set()) == (
        'python manage.py verify_pacts --consumer-version-selector \'{"branch": "x"}\' --interaction k1'
    )


def test_a_source_that_looks_like_an_option() -> None:
    assert RerunCommand(WORDS).line([(pact("-x.json"), keyed("k"))], set()).endswith(" ./-x.json --interaction k")


@override_settings(PACT_PROVIDER_NAME="shop")
def test_the_options_that_a_new_run_needs_too() -> None:
    given = {
        **GIVEN,
        "pacts": ["a.json"],
        "enable_pending": False,
        "keepdb": True,
        "fail_on_pending": True,
        "debug_sql": True,
        "parallel": 4,
    }
    assert rerun_command(given).words[2:] == (
        *("verify_pacts", "--keepdb", "--fail-on-pending", "--debug-sql", "--no-enable-pending"),
    )


def test_the_options_that_select_at_a_broker() -> None:
    given = {
        **GIVEN,
        "broker_url": "http://broker",
        "consumer_version_selectors": ['{"branch": "x"}'],
        "provider_branch": "main",
        "provider_tags": ["a"],
        "include_wip_pacts_since": "2026-01-31",
    }
    assert rerun_command(given).selectors == (
        *("--consumer-version-selector", '{"branch": "x"}', "--provider-branch", "main"),
        *("--include-wip-pacts-since", "2026-01-31", "--provider-tag", "a"),
    )
