"""Which tests there are, what they are called, and how pytest's options choose among them."""

import json
import re
from pathlib import Path

import pytest

from tests.pact_verification.pact_files import State, interaction, write_pact
from tests.pact_verification.pytest_plugin.conftest import ALL, EMPTY, GREEN, RED, Pytest


@pytest.mark.no_database
def test_a_test_for_each_interaction_named_by_description_and_state(pacts: Path, run_pytest: Pytest) -> None:
    ran = run_pytest("pacts")
    assert ran.outcomes() == ALL, ran.out
    assert ran.exit_code == 1
    # What is wrong with the contract, and nothing of how we found out.
    assert "✗ red  [an item cup exists]\n" in ran.out
    assert "      view     no URL pattern matches" in ran.out
    assert "- 200 OK\n        + 404 Not Found\n" in ran.out
    assert "FAILED pacts/a.json::red, given an item cup exists - " in ran.out
    assert "pact_verification/pytest_plugin" not in ran.out


@pytest.mark.no_database
def test_without_the_plugin_there_are_none(pacts: Path, run_pytest: Pytest) -> None:
    assert "no tests ran" in run_pytest("pacts", plugin=False).out


@pytest.mark.no_database
class TestChoosing:
    """pytest's own options. A state is a part of the name by which pytest finds an interaction again."""

    @pytest.mark.parametrize("arguments", [(), ("-n2",)])
    def test_by_a_variable_of_other_pact_tools(
        self, pacts: Path, run_pytest: Pytest, arguments: tuple[str, ...]
    ) -> None:
        ran = run_pytest("pacts", *arguments, PACT_DESCRIPTION="list")
        assert ran.outcomes() == {name: outcome for name, outcome in ALL.items() if "list" in name}
        assert "The environment leaves interactions out: PACT_DESCRIPTION='list'." in ran.out
        assert ran.exit_code == 0
        nothing = run_pytest("pacts", *arguments, PACT_DESCRIPTION="no such thing")
        assert nothing.exit_code == 5
        assert run_pytest("pacts", *arguments, PACT_DESCRIPTION="a (b").exit_code != 0

    def test_k(self, pacts: Path, run_pytest: Pytest) -> None:
        """By description, state and consumer."""
        chosen = {name: outcome for name, outcome in ALL.items() if "cup" in name or name == "b"}
        assert run_pytest("pacts", "-k", "cashier or cup").outcomes() == chosen
        assert list(run_pytest("pacts", "-k", "list and not exists").outcomes()) == ["an empty list"]

    def test_x(self, pacts: Path, run_pytest: Pytest) -> None:
        assert run_pytest("pacts", "-x").outcomes() == dict(list(ALL.items())[:2])

    def test_last_failed_and_failed_first(self, pacts: Path, run_pytest: Pytest) -> None:
        red = "red, given an item cup exists"
        assert run_pytest("pacts", "--lf").outcomes() == ALL
        assert run_pytest("pacts", "--lf").outcomes() == {red: "Failure"}
        assert run_pytest("pacts", "--lf", "-n2").outcomes() == {red: "Failure"}
        assert list(run_pytest("pacts", "--ff").outcomes()) == [red, *(name for name in ALL if name != red)]
        write_pact(pacts / "a.json", GREEN, {**GREEN, **RED, "request": GREEN["request"], "response": {"status": 200}})
        assert run_pytest("pacts", "--lf").outcomes() == {red: "Passed"}

    def test_stepwise(self, pacts: Path, run_pytest: Pytest) -> None:
        assert run_pytest("pacts", "--sw").outcomes() == dict(list(ALL.items())[:2])
        assert run_pytest("pacts", "--sw").outcomes() == {"red, given an item cup exists": "Failure"}
        assert run_pytest("pacts", "--sw-skip").outcomes() == dict(list(ALL.items())[1:])

    def test_every_id_that_is_printed_runs_its_interaction(self, project: Path, run_pytest: Pytest) -> None:
        states: list[State] = ["an item cup exists", ("an item pot exists", {"b.c": ["x::y"]})]
        odd = ["v1.0 [x] ", "a::b \x1b[31m\n/c\t", "'it' \"is\" $HOME & `pwd` \\", "", "x" * 300, "\u202eödd"]
        reds = [interaction(each, "/nothing", states=states) for each in (*odd, odd[0])]
        write_pact(project / "pacts" / "p.json", *reds)
        ran = run_pytest("pacts", "-v")
        ids = re.findall(r"^(pacts/p\.json::.*) FAILED", ran.out, re.MULTILINE)
        assert len(set(ids)) == len(reds), ran.out
        for each in ids:
            name = each.partition("::")[2]
            assert "::" not in name
            assert "[" not in name
            assert name.isprintable()
            assert run_pytest(each).outcomes() == {name: "Failure"}


def test_xdist(pacts: Path, run_pytest: Pytest) -> None:
    """Each worker has databases of its own, as pytest-django makes them."""
    ran = run_pytest("pacts", "-v", "-n2")
    assert ran.outcomes() == ALL, ran.out
    assert "[gw0]" in ran.out
    assert "[gw1]" in ran.out


@pytest.mark.no_database
def test_what_is_not_ours_is_left_alone(project: Path, run_pytest: Pytest) -> None:
    write_pact(project / "pacts" / "q.json", EMPTY)
    write_pact(project / "pacts" / "other.json", RED, provider="warehouse")
    (project / "data").mkdir()
    (project / "data" / "broken.json").write_text("{")
    (project / "data" / "plain.json").write_text(json.dumps({"a": 1}))
    ran = run_pytest(".")
    assert "1 passed" in ran.out
    assert "1 pact left out: of 'warehouse', and this is 'testapp'" in ran.out


@pytest.mark.no_database
class TestProviderName:
    """A name that is missing or wrong must not make pacts vanish."""

    def test_there_is_none(self, pacts: Path, run_pytest: Pytest) -> None:
        ran = run_pytest("pacts", settings={"PACT_PROVIDER_NAME": ""})
        assert ran.exit_code == 2
        assert "is a pact with the provider 'testapp', and PACT_PROVIDER_NAME is not set." in ran.out

    def test_it_is_another(self, pacts: Path, project: Path, run_pytest: Pytest) -> None:
        (project / "test_other.py").write_text("def test_other(): pass\n")
        for arguments in ((), ("-n2",)):
            ran = run_pytest("test_other.py", "pacts", *arguments, settings={"PACT_PROVIDER_NAME": "tetsapp"})
            assert "2 pacts left out: of 'testapp', and this is 'tetsapp'" in ran.out
        named = run_pytest("pacts/b.json", settings={"PACT_PROVIDER_NAME": "tetsapp"})
        assert named.exit_code == 2
        assert "is a pact with the provider 'testapp', and this is 'tetsapp'." in named.out


@pytest.mark.no_database
def test_names_that_pytest_would_take_apart(project: Path, run_pytest: Pytest) -> None:
    odd = {**EMPTY, "description": "a::b \x1b[31m\n/c"}
    write_pact(project / "pacts" / "q.json", odd, consumer="x::y")
    ran = run_pytest("pacts")
    assert ran.outcomes() == {"a: :b \\x1b(31m /c": "Passed"}
    assert "1 passed" in run_pytest("pacts/q.json::a: :b \\x1b(31m /c").out


@pytest.mark.no_database
def test_no_two_tests_share_an_id(project: Path, run_pytest: Pytest) -> None:
    """xdist would run one of them, and the other might be the red one."""
    names = ("a list", "a list", "a list #2")
    write_pact(
        project / "pacts" / "p.json",
        *({**EMPTY, "description": name} for name in names),
        {**RED, "description": "a list #2"},
    )
    for arguments in ((), ("-n2", "--dist", "loadfile")):
        ran = run_pytest("pacts", *arguments)
        assert sorted(ran.outcomes().values()) == ["Failure", "Passed", "Passed", "Passed"], ran.out


@pytest.mark.no_database
def test_pacts_wherever_pytest_is_started_and_however_they_are_reached(
    pacts: Path, project: Path, run_pytest: Pytest
) -> None:
    """One that is broken there is no green."""
    pacts.joinpath("broken.json").write_text("{")
    (project / "elsewhere").mkdir()
    pacts.rename(project / "elsewhere" / "pacts")
    pacts.symlink_to(project / "elsewhere" / "pacts")
    for arguments in (("pacts",), (str(pacts),), ("--rootdir", str(project), "pacts")):
        ran = run_pytest(*arguments)
        assert ran.exit_code == 2, ran.out
        assert "broken.json can't be read: it is not JSON" in ran.out
    named = project / "elsewhere" / "other.json"
    named.write_text("{")
    assert "other.json can't be read: it is not JSON" in run_pytest(str(named)).out


@pytest.mark.no_database
def test_stepwise_goes_on_where_it_stopped(pacts: Path, project: Path, run_pytest: Pytest) -> None:
    """It counts tests in the order in which they run."""
    (project / "a_tests").mkdir()
    (project / "a_tests" / "test_a.py").write_text("def test_one(): pass\ndef test_two(): assert False\n")
    assert list(run_pytest("--sw", "a_tests", "pacts").outcomes().values()) == ["Passed", "Failure"]
    write_pact(pacts / "a.json", GREEN, {**GREEN, "description": "red"}, EMPTY, GREEN)
    again = run_pytest("--sw", "a_tests", "pacts")
    assert list(again.outcomes().values()) == ["Passed"] * 5 + ["Failure"]


@pytest.mark.no_database
def test_no_secret_is_in_a_name(project: Path, run_pytest: Pytest) -> None:
    state = ("an item cup exists", {"password": "hunter2pass"})
    write_pact(project / "pacts" / "p.json", interaction("a", states=[state]))
    ran = run_pytest("pacts", "-v")
    assert "a, given an item cup exists (password='(hidden)')" in ran.outcomes()
    assert "hunter2" not in ran.out + ran.junit.read_text()
