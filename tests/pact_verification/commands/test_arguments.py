"""The commands' messages on options that do not exist."""

import pytest

from tests.pact_verification.running import run

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("verify_pacts", ["--brokerurl", "x"], "--brokerurl (did you mean --broker-url?)"),
        ("verify_pacts", ["--Broker_Url=x"], "--Broker_Url=x (did you mean --broker-url?)"),
        ("verify_pacts", ["--isolaton", "flush"], "--isolaton (did you mean --isolation?)"),
        (
            "verify_pacts",
            ["--consumer-version-selectors", "{}"],
            "--consumer-version-selectors (did you mean --consumer-version-selector?)",
        ),
        (
            "verify_pacts",
            ["--no-publsh", "--halp"],
            "--no-publsh (did you mean --no-publish?) --halp (did you mean --help?)",
        ),
        ("verify_pacts", ["--zzz"], "--zzz"),
        ("pact_states", ["--stub"], "--stub (did you mean --stubs?)"),
        (
            "can_i_deploy",
            ["--to-environment", "test", "--brokerurl", "x"],
            "--brokerurl (did you mean --broker-url?) x",
        ),
        ("pact_broker", ["--setings", "x"], "--setings (did you mean --settings?)"),
    ],
)
def test_the_option_that_was_probably_meant_is_named(name: str, options: list[str], message: str) -> None:
    ran = run(name, *options)
    assert ran.exit_code == 2
    assert ran.out == ""
    assert ran.err.splitlines()[-1] == f"__main__.py {name}: error: unrecognized arguments: {message}"


def test_other_mistakes_have_argparses_message() -> None:
    ran = run("verify_pacts", "--isolation", "flsh")
    assert ran.exit_code == 2
    assert "did you mean" not in ran.err
    assert "invalid choice: 'flsh'" in ran.err
