"""manage.py verify_pacts: failures, and runs that verify nothing."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.pact_verification.pact_files import CREATE, EMPTY, GREEN, interaction, write_pact
from tests.pact_verification.running import ROOT, Databases, Verify, has

pytestmark = pytest.mark.measured


@pytest.mark.no_database  # what it checks is the report
class TestRed:
    def test_a_mismatch_shows_what_was_expected_and_what_came(self, verify: Verify, pact: Path) -> None:
        wrong = interaction("a list", states=["an item cup exists"], response={"body": ["jug"]}, status=203)
        run = verify(write_pact(pact, wrong, EMPTY))
        assert run.exit_code == 1
        assert run.err == ""
        has(
            run,
            "✗ a list [an item cup exists] cause 1",
            "state an item cup exists: item_exists() (tests/testapp/pact_states.py:",
            "request GET /items Accept: */* view tests.testapp.views.items (tests/testapp/views.py:",
            "for the URL pattern 'items' took",
            "1 SQL query - expected, + came - 203 Non-Authoritative Information + 200 OK [",
            "# $[0]: 'cup' (text) came, and the contract has 'jug' (text) - \"jug\" + \"cup\" ]",
            f"python -m django verify_pacts {pact} --interaction",
            "✓ 1 verified",
            "2 interactions of 1 consumer: 1 verified, 1 failed",
            "The contracts are broken.",
        )

    def test_a_compressed_response_is_shown_as_the_core_compared_it(self, verify: Verify, pact: Path) -> None:
        names = [f"a cup from a set of cups, number {number}" for number in range(10, 20)]
        states = [f"an item {name} exists" for name in names]
        wrong = interaction("a list", states=states, response={"body": [*names[:-1], "jug"]})
        right = interaction("another list", states=states, response={"body": names})
        run = verify(write_pact(pact, wrong, right), settings={"MIDDLEWARE": ["django.middleware.gzip.GZipMiddleware"]})
        assert run.exit_code == 1, run
        has(
            run,
            f"# $[9]: '{names[-1]}' (text) came, and the contract has 'jug' (text)",
            f'+ "{names[-1]}"',
            "✓ 1 verified",
        )

    def test_a_response_that_is_not_compressed_as_it_says(self, verify: Verify, pact: Path, tmp_path: Path) -> None:
        (tmp_path / "odd_urls.py").write_text(
            "import gzip\n"
            "from django.http import HttpResponse\n"
            "from django.urls import path\n"
            "def plain(request):\n"
            "    return HttpResponse(b'[1]', 'application/json', headers={'Content-Encoding': 'gzip'})\n"
            "def cut(request):\n"
            "    return HttpResponse(gzip.compress(b'[1]')[:-9], headers={'Content-Encoding': 'gzip'})\n"
            "urlpatterns = [path('plain', plain), path('cut', cut)]\n"
        )
        write_pact(pact, *(interaction(each, f"/{each}", response={"body": [1]}) for each in ("plain", "cut")))
        run = verify(pact, settings={"ROOT_URLCONF": "odd_urls"}, PYTHONPATH=f"{tmp_path}:{ROOT}")
        assert run.exit_code == 1
        has(run, "The response says Content-Encoding: gzip, and its body is not, or is cut.", "2 failures, 1 cause")

    def test_a_missing_state_stops_the_run_before_anything_starts(self, verify: Verify, pact: Path) -> None:
        write_pact(
            pact,
            GREEN,
            interaction("a", states=["the item raise", ("a parrot", {"age": 3, "name": "Polly"})]),
            interaction("b", states=['in "quotes" {and} braces']),
        )
        write_pact(pact.with_name("other.json"), interaction("c", states=["the item raise"]), consumer="other shop")
        unreachable = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": 9, "NAME": "x"}
        run = verify(pact.parent, settings={"DATABASES": {"default": unreachable}, "DATABASE_ROUTERS": []})
        assert run.exit_code == 2
        assert run.out == ""
        has(
            run,
            "3 provider states have no handler:",
            f"the item raise needed by other shop: c ({pact.parent}/other.json) needed by shop: a ({pact})",
            'did you mean "the item raises"? (tests/testapp/pact_states.py:',
            "Add to tests/testapp/pact_states.py, and fill in:",
            '@provider_state("the item raise") def the_item_raise() -> None: raise NotImplementedError(',
            '@provider_state("a parrot") def a_parrot(age: int, name: str) -> None:',
            '@provider_state("in \\"quotes\\" {{and}} braces") def in_quotes_and_braces() -> None:',
        )

    def test_a_state_that_raises_fails_its_own_interaction_at_once(self, verify: Verify, pact: Path) -> None:
        write_pact(
            pact,
            interaction("broken", states=["the item raises", "an item cup exists"], response={"body": []}),
            EMPTY,
            interaction("broken too", states=["an item cup exists", "the item raises"], response={"body": []}),
            GREEN,
        )
        run = verify(pact)
        assert run.exit_code == 1
        line = 1 + next(
            number
            for number, text in enumerate((ROOT / "tests/testapp/pact_states.py").read_text().splitlines())
            if "no such warehouse" in text
        )
        has(
            run,
            f"E broken [the item raises, an item cup exists] cause 1 The state 'the item raises' raised RuntimeError: "
            f"no such warehouse (tests/testapp/pact_states.py:{line})",
            "2 verified, 2 state errors",
        )

    @pytest.mark.parametrize(
        ("state", "told"),
        [
            (("an item cup exists", {"colour": "red"}), "unexpected keyword argument 'colour'"),
            (("an item cup exists", {"name": "pot"}), "says name='cup', its params say name='pot'"),
            (("something that is not JSON", {}), "which is not JSON"),
        ],
    )
    def test_a_state_that_can_not_be_set_up(self, verify: Verify, pact: Path, state: Any, told: str) -> None:
        run = verify(write_pact(pact, interaction("odd", states=[state], response={"body": []}), EMPTY))
        assert run.exit_code == 1
        has(run, told, "(tests/testapp/pact_states.py:" if "says" not in told else "", "1 verified, 1 state error")

    def test_a_slow_state_fails_its_own_interaction_only(self, verify: Verify, pact: Path) -> None:
        write_pact(pact, interaction("slow", states=["it takes 1.5 seconds"], response={"body": []}), EMPTY, GREEN)
        run = verify(pact, "--request-timeout", "1")
        assert run.exit_code == 1
        has(run, "The state 'it takes 1.5 seconds' took 1.5 s, and may take 1 s (--request-timeout).", "2 verified")

    def test_a_slow_request_fails_its_own_interaction_only(self, verify: Verify, pact: Path) -> None:
        slow = interaction("slow", "/slow", request={"query": {"seconds": ["1.5"]}}, response={"body": {}})
        run = verify(write_pact(pact, slow, EMPTY, GREEN), "--request-timeout", "1")
        assert run.exit_code == 1
        has(run, "s to answer, and may take 1 s", "2 verified, 1 failed")

    def test_a_base_state_that_raises(self, verify: Verify, pact: Path) -> None:
        run = verify(write_pact(pact, EMPTY, GREEN), TESTAPP_BASE="raise")
        assert run.exit_code == 1
        has(run, "A base state raised RuntimeError: nobody is there (tests/testapp/pact_states.py:", "2 state errors")

    def test_exceptions_without_a_text(self, verify: Verify, pact: Path) -> None:
        states = interaction("state", states=["an unspeakable state"])
        run = verify(write_pact(pact, interaction("view", "/unspeakable"), states, EMPTY))
        assert (run.exit_code, run.err) == (1, "")
        has(run, "Unspeakable: (its text raised RuntimeError)", "1 verified, 1 failed, 1 state error")

    def test_a_redirect_is_not_followed(self, verify: Verify, pact: Path) -> None:
        """The core could follow redirects. A redirected POST would become an empty GET, and pass."""
        post = {**CREATE, "request": {**CREATE["request"], "path": "/redirect"}}
        run = verify(write_pact(pact, post, interaction("moved", "/redirect", status=302)))
        assert run.exit_code == 1
        has(run, "- 201 Created + 302 Found", "1 verified, 1 failed")

    def test_a_pending_failure_is_shown_and_does_not_fail_the_run(self, verify: Verify, pact: Path) -> None:
        pending = interaction("to come", "/nothing", type="Synchronous/HTTP", pending=True)
        green = interaction("an empty list", type="Synchronous/HTTP")
        run = verify(write_pact(pact, pending, green, version="4.0"))
        assert run.exit_code == 0
        has(run, "✗ to come pending: does not fail the run", "1 verified, 1 failed (pending)")
        run = verify(pact, "--no-enable-pending")
        assert run.exit_code == 1
        has(run, "1 verified, 1 failed, in")


class TestRedOverADatabase:
    def test_a_state_that_never_comes_back_ends_the_run(self, verify: Verify, pact: Path, databases: Databases) -> None:
        write_pact(pact, EMPTY, interaction("stuck", states=["it takes 600 seconds"]), GREEN)
        write_pact(pact.with_name("z.json"), EMPTY, consumer="z")
        run = verify(pact.parent, "--request-timeout", "0.2", settings={"DATABASES": databases})
        assert run.exit_code == 1
        has(run, "It did not come back in", "in slow", "? a list", "Not run: 'stuck' did not come back", "not verified")
        has(run, "4 interactions of 2 consumers: 1 verified, 3 not verified")

    @pytest.mark.parametrize(
        ("path", "told"),
        [
            ("/crash", 'in crash raise LookupError("the price service has no answer") LookupError: the price service'),
            ("/crash-on-commit", 'in index raise LookupError("the search index is down")'),
            ("/dangling", "IntegrityError"),
        ],
    )
    def test_a_500_has_its_traceback_beside_it(
        self, verify: Verify, pact: Path, databases: Databases, path: str, told: str
    ) -> None:
        run = verify(write_pact(pact, interaction("crash", path), EMPTY), settings={"DATABASES": databases})
        assert run.exit_code == 1
        has(run, told, "- 200 OK + 500 Internal Server Error", "1 verified, 1 failed")
        if path == "/crash":
            has(run, "tests/testapp/views.py:")


@pytest.mark.no_database  # no request is sent
class TestNothingVerified:
    def test_an_empty_directory(self, verify: Verify, tmp_path: Path) -> None:
        (tmp_path / "README.md").touch()
        run = verify(tmp_path)
        assert run.exit_code == 3
        has(run, "nothing was verified: no pact was selected for", "(it holds no JSON files)")

    def test_a_directory_of_another_providers_pacts(self, verify: Verify, pact: Path) -> None:
        write_pact(pact, EMPTY, provider="warehouse")
        pact.with_name("package.json").write_text("{}")
        run = verify(pact.parent)
        assert run.exit_code == 3
        has(
            run,
            f"{pact} is a pact with the provider 'warehouse', and this is 'testapp'. "
            "To verify it, use --provider-name 'warehouse', or the setting PACT_PROVIDER_NAME.",
            "package.json is not a pact",
            "nothing was verified",
        )

    def test_a_pact_without_interactions_beside_a_green_one(self, verify: Verify, pact: Path) -> None:
        write_pact(pact, EMPTY)
        write_pact(pact.with_name("hollow.json"), consumer="hollow")
        run = verify(pact.parent)
        assert run.exit_code == 3
        has(run, "✓ 1 verified", "nothing was verified for", "hollow.json, which holds no interactions")

    @pytest.mark.parametrize(
        "options",
        [
            ("--description", "no such"),
            ("--state", "no such"),
            ("--no-state",),
            ("--description", "A list"),
            ("--consumer", "nobody"),
            ("--consumer", "shop", "--consumer", "nobody"),
        ],
    )
    def test_a_filter_that_matches_nothing(self, verify: Verify, pact: Path, options: tuple[str, ...]) -> None:
        run = verify(write_pact(pact, GREEN), *options)
        assert run.exit_code == 3
        has(run, "nothing was verified", options[-2] if len(options) > 1 else options[0])

    def test_a_consumer_that_is_misspelt(self, verify: Verify, pact: Path) -> None:
        run = verify(write_pact(pact, GREEN), "--consumer", "shop", "--consumer", "Shopp")
        assert run.exit_code == 3
        has(run, "nothing was verified for --consumer Shopp (did you mean 'shop'?). --allow-no-pacts accepts that.")

    def test_a_provider_that_no_pact_has(self, verify: Verify, pact: Path) -> None:
        run = verify(write_pact(pact, GREEN).parent, "--provider-name", "test-app")
        assert run.exit_code == 3
        has(run, f"no pact was selected for {pact.parent} (it holds pacts of the provider 'testapp').")

    def test_allow_no_pacts(self, verify: Verify, tmp_path: Path) -> None:
        run = verify(tmp_path, "--allow-no-pacts")
        assert run.exit_code == 0
        has(run, "nothing was verified, and --allow-no-pacts says that this is fine")


@pytest.mark.no_database  # it is about which interactions run
class TestFilters:
    @pytest.fixture
    def three(self, pact: Path) -> Path:
        write_pact(
            pact,
            GREEN,
            interaction("a list (of two)", states=["an item cup exists", "there are spoons"]),
            EMPTY,
        )
        return write_pact(pact.with_name("red.json"), interaction("red", "/nothing"), consumer="red").parent

    @pytest.mark.parametrize(
        ("options", "verified"),
        [
            (("--description", "^a list"), {"a list", "a list (of two)"}),
            (("--description", r"\(of"), {"a list (of two)"}),
            (("--description", "a list(?! )"), {"a list"}),  # Rust's regular expressions have no look-ahead
            (("--state", "spoons$"), {"a list (of two)"}),
            (("--state", "cup", "--description", "two"), {"a list (of two)"}),
            (("--no-state", "--consumer", "shop"), {"an empty list"}),
            (("--consumer", "shop"), {"a list", "a list (of two)", "an empty list"}),
        ],
    )
    def test_only_what_was_asked_for_runs(
        self, verify: Verify, three: Path, options: tuple[str, ...], verified: set[str]
    ) -> None:
        run = verify(three, *options, "--verbosity", "2")
        assert run.exit_code == 0, run.out
        assert {re.sub(r"  .*", "", line[4:]) for line in run.out.splitlines() if "✓" in line} == verified
        assert "red " not in run.out.splitlines()[-1]

    def test_an_invalid_regular_expression(self, verify: Verify, three: Path) -> None:
        run = verify(three, "--description", "a list (")
        assert run.exit_code == 2
        has(run, "--description 'a list (' is not a regular expression", "To find the text itself, use")
