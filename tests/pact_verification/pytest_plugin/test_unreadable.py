"""Pacts that can't be read are errors, and other JSON is left alone."""

import os
from pathlib import Path

import pytest

from tests.pact_verification.pact_files import write_pact
from tests.pact_verification.pytest_plugin.conftest import EMPTY, Pytest

pytestmark = pytest.mark.unmeasured


@pytest.mark.no_database
class TestWhatCanNotBeRead:
    """In a folder that pytest is pointed at, a pact is never lost."""

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (b'{"consumer": {"name": "shop"}, "provider": {"name": "testapp"}, "inter', "it is not JSON: "),
            (b"", "it is not JSON: "),
            ('{"consumer": {"name": "sh\u00f6p"}}'.encode("latin-1"), "it is not JSON: "),
            (
                b'{"consumer": {"name": "a"}, "provider": {"name": "testapp"}, "interactions": [{"description": "d"}]}',
                "contracts/p.json: interaction 1 ('d') has no request.",
            ),
            (
                b'{"consumer": {"name": "a"}, "provider": {"name": "testapp"}, "interactions": [], "interactions": []}',
                "the member 'interactions' stands twice",
            ),
            (
                b'{"consumer": {"name": "shop"}, "interactions": []}',
                "contracts/p.json: it has a consumer and interactions, and no provider.",
            ),
        ],
    )
    def test_beside_a_green_pact(self, project: Path, run_pytest: Pytest, content: bytes, problem: str) -> None:
        write_pact(project / "contracts" / "q.json", EMPTY)
        (project / "contracts" / "p.json").write_bytes(content)
        for arguments in ((), ("-n2",)):
            ran = run_pytest("contracts", *arguments)
            assert ran.exit_code != 0, ran.out
            assert problem in ran.out

    def test_other_json_is_left_alone(self, project: Path, run_pytest: Pytest) -> None:
        """Wherever it is valid; broken, where it is no pact's place."""
        write_pact(project / "contracts" / "q.json", EMPTY)
        (project / "contracts" / "package.json").write_text('{"name": "contracts"}')
        (project / "tests" / "data").mkdir(parents=True)
        (project / "tests" / "test_it.py").write_text("def test_it(): pass\n")
        (project / "tests" / "data" / "broken.json").write_text("{")
        (project / "tsconfig.json").write_text('{\n  // a comment\n  "provider": 1\n}')
        for arguments in ((), (".",), ("contracts", "tests"), ("-n2",)):
            ran = run_pytest(*arguments)
            assert ran.exit_code == 0, ran.out
            assert "2 passed" in ran.out

    def test_among_tests_it_is_a_pact_if_it_looks_like_one(self, project: Path, run_pytest: Pytest) -> None:
        (project / "tests" / "pacts").mkdir(parents=True)
        (project / "tests" / "test_it.py").write_text("def test_it(): pass\n")
        (project / "tests" / "pacts" / "p.json").write_text('{"consumer": {"name": "shop"}, "inter')
        ran = run_pytest("tests")
        assert ran.exit_code == 2
        assert "tests/pacts/p.json can't be read: it is not JSON" in ran.out

    def test_a_misshapen_pact_of_this_provider_wherever_it_is(self, project: Path, run_pytest: Pytest) -> None:
        """As one that is well is collected wherever it is. Those of other providers are left out."""
        write_pact(project / "anywhere" / "p.json", {"description": "d"}, provider="warehouse")
        (project / "test_it.py").write_text("def test_it(): pass\n")
        assert "1 pact left out: of 'warehouse', and this is 'testapp'" in run_pytest().out
        write_pact(project / "anywhere" / "q.json", {"description": "d"})
        ran = run_pytest()
        assert ran.exit_code == 2
        assert "anywhere/q.json: interaction 1 ('d') has no request." in ran.out

    @pytest.mark.parametrize(
        "broken",
        [
            b'{"consumer": {"name": "shop"}, "provider": {"name": "warehouse"}, "inter',
            b'\xef\xbb\xbf{"consumer": {"name": "shop"}, "provider": {"name": "warehouse"}, "interactions": []}',
            b'{"consumer": {"name": "sh\xf6p"}, "interactions": [{},], "provider": {"name": "ware\\u0068ouse"}}',
        ],
    )
    def test_a_broken_pact_of_another_provider(self, project: Path, run_pytest: Pytest, broken: bytes) -> None:
        write_pact(project / "contracts" / "q.json", EMPTY)
        (project / "contracts" / "p.json").write_bytes(broken)
        ran = run_pytest("contracts")
        assert "1 passed" in ran.out
        assert "1 pact left out: of 'warehouse', and this is 'testapp'" in ran.out
        assert ran.exit_code == 0
        assert run_pytest("contracts/p.json").exit_code == 2

    @pytest.mark.parametrize(
        ("broken", "problem"),
        [
            (b'\xef\xbb\xbf{"consumer": {"name": "a"}, "provider": {"name": "testapp"}}', "byte order mark"),
            (b'{"consumer": {"name": "a"}, "interactions": [{"body": {"provider": {"name": "x"}}}], ', "is not JSON"),
            (b'{"consumer": {"name": "a"}, "provider": {"name": "test\xe4pp"}, "interactions": []}', "is not JSON"),
        ],
    )
    def test_a_broken_pact_that_may_be_ours(
        self, project: Path, run_pytest: Pytest, broken: bytes, problem: str
    ) -> None:
        (project / "anywhere").mkdir()
        (project / "anywhere" / "p.json").write_bytes(broken)
        ran = run_pytest(".")
        assert ran.exit_code == 2
        assert problem in ran.out

    def test_a_pipe_is_not_waited_for(self, project: Path, run_pytest: Pytest) -> None:
        write_pact(project / "contracts" / "q.json", EMPTY)
        os.mkfifo(project / "contracts" / "p.json")
        assert "1 passed" in run_pytest("contracts").out
        assert run_pytest("contracts/p.json").exit_code != 0
