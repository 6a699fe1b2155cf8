"""manage.py verify_pacts from outside: a process, its exit code, its output, and what it leaves behind."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import psycopg
import pytest

from tests.pact_verification.conftest import ROOT, Run, Verify, command, environment, on_postgresql
from tests.pact_verification.pact_files import interaction, write_pact
from tests.service import scratch_database

Databases = dict[str, dict[str, Any]]
EMPTY = interaction("an empty list", response={"body": []})
GREEN = interaction("a list", states=["an item cup exists"], response={"body": ["cup"]})
CREATE = interaction(
    "create",
    method="POST",
    request={"headers": {"Content-Type": "application/json"}, "body": {"name": "cup"}},
    status=201,
    response={"body": {"name": "cup"}},
)


@pytest.fixture
def pact(tmp_path: Path) -> Path:
    return tmp_path / "pacts" / "shop.json"


def has(run: Run, *texts: str) -> None:
    """Check what a person reads, whatever the white space."""
    read = " ".join((run.out + run.err).split())
    for text in texts:
        assert " ".join(text.split()) in read, run.out + run.err


class TestGreen:
    @pytest.mark.parametrize("isolation", ["transaction", "flush"])
    def test_every_kind_of_state_on_every_database(
        self, verify: Verify, pact: Path, databases: Databases, isolation: str
    ) -> None:
        """Two aliases, a user model of the project's own, no DRF, no STATIC_URL, and ALLOWED_HOSTS that are not ours.

        An interaction that found what the one before had written would fail: names are unique, lists are compared.
        """
        write_pact(
            pact,
            EMPTY,
            GREEN,
            interaction("the other name", states=["there is an item cup"], response={"body": ["cup"]}),
            interaction("fixtures", states=["there are spoons"], response={"body": ["dessert spoon", "tea spoon"]}),
            interaction(
                "two states", states=["an item cup exists", "an item pot exists"], response={"body": ["cup", "pot"]}
            ),
            interaction("hook", states=["an item that is made on commit"], response={"body": ["on commit"]}),
            interaction("params", states=[("an item cup exists", {"name": "cup"})], response={"body": ["cup"]}),
            CREATE,
            CREATE,
            interaction("durable", "/durable", states=["an item cup exists"], response={"body": ["cup"]}),
            interaction("other database", "/audit", response={"body": []}),
            interaction("migrated", "/shelves", response={"body": ["the shelf that a migration made"]}),
            interaction("migrated, again", "/shelves", response={"body": ["the shelf that a migration made"]}),
            EMPTY,
        )
        run = verify(pact, "--isolation", isolation, settings={"DATABASES": databases})
        assert run.err == ""
        assert run.exit_code == 0, run.out
        has(run, "testapp: 14 interactions of 1 consumer: 14 verified", "The contracts hold.")

    @pytest.mark.parametrize("isolation", ["transaction", "flush"])
    def test_settings_that_get_in_the_way(
        self, verify: Verify, pact: Path, databases: Databases, isolation: str
    ) -> None:
        write_pact(
            pact,
            CREATE,
            EMPTY,
            interaction("https", "/about", response={"body": {"secure": True, "host": "127.0.0.1", "debug": False}}),
            interaction(
                "a host", "/about", request={"headers": {"Host": "x.org"}}, response={"body": {"host": "x.org"}}
            ),
        )
        for config in databases.values():
            config |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": True}
        run = verify(
            pact,
            "--isolation",
            isolation,
            settings={"DATABASES": databases, "SECURE_SSL_REDIRECT": True, "DEBUG": True, "PREPEND_WWW": True},
            HTTP_PROXY="http://127.0.0.1:9",
            http_proxy="http://127.0.0.1:9",
        )
        assert (run.exit_code, run.err) == (0, ""), run.out

    def test_a_mirror_sees_what_the_mirrored_sees(self, verify: Verify, pact: Path, databases: Databases) -> None:
        databases["replica"] = {**databases["default"], "HOST": "replica.invalid", "TEST": {"MIRROR": "default"}}
        write_pact(
            pact, interaction("list", "/replica", states=["an item cup exists"], response={"body": ["cup"]}), EMPTY
        )
        run = verify(pact, settings={"DATABASES": databases})
        assert (run.exit_code, run.err) == (0, ""), run.out

    def test_two_aliases_of_one_database(self, verify: Verify, pact: Path, databases: Databases) -> None:
        databases["replica"] = databases["default"]
        if on_postgresql() or "TEST" in databases["default"]:  # in memory each alias has its own, as in Django's tests
            cup = interaction("list", "/replica", states=["an item cup exists"], response={"body": ["cup"]})
            run = verify(write_pact(pact, cup, EMPTY), settings={"DATABASES": databases})
            assert (run.exit_code, run.err) == (0, ""), run.out

    def test_a_view_that_closes_its_connection_does_not_disturb_the_next(
        self, verify: Verify, pact: Path, databases: Databases
    ) -> None:
        close = interaction("close", "/close", states=["an item cup exists"])
        run = verify(write_pact(pact, close, EMPTY, GREEN), settings={"DATABASES": databases})
        has(run, "✓ an empty list", "✓ a list")

    def test_a_view_that_uses_a_thread_works_with_flush(self, verify: Verify, pact: Path, databases: Databases) -> None:
        write_pact(pact, interaction("thread", "/thread", response={"body": ["threaded"]}), EMPTY)
        run = verify(pact, "--isolation", "flush", settings={"DATABASES": databases})
        assert (run.exit_code, run.err) == (0, ""), run.out

    @pytest.mark.parametrize("isolation", ["transaction", "flush"])
    def test_an_async_view(self, verify: Verify, pact: Path, databases: Databases, isolation: str) -> None:
        awaited = interaction("awaited", "/awaited", states=["an item cup exists"], response={"body": ["cup"]})
        run = verify(write_pact(pact, awaited, EMPTY), "--isolation", isolation, settings={"DATABASES": databases})
        assert (run.exit_code, run.err) == (0, ""), run.out

    @pytest.mark.parametrize("isolation", ["transaction", "flush"])
    def test_a_view_that_leaves_a_transaction_open_does_not_disturb_the_next(
        self, verify: Verify, pact: Path, databases: Databases, isolation: str
    ) -> None:
        write_pact(pact, interaction("open", "/open-atomic"), EMPTY, interaction("open", "/open-atomic"), GREEN)
        run = verify(pact, "--isolation", isolation, settings={"DATABASES": databases})
        has(run, "✓ an empty list", "✓ a list")

    def test_a_commit_behind_djangos_back_is_no_ground_for_a_green(
        self, verify: Verify, pact: Path, databases: Databases
    ) -> None:
        leak = interaction("leaked", response={"body": ["committed"]})
        run = verify(
            write_pact(pact, interaction("commit", "/commit-by-hand"), leak), settings={"DATABASES": databases}
        )
        assert run.exit_code == 1
        has(
            run, "! leaked An earlier interaction ended the transaction on 'default' by itself", "use --isolation flush"
        )

    def test_a_callback_that_nobody_can_tell_of_is_no_ground_for_a_green(
        self, verify: Verify, pact: Path, databases: Databases
    ) -> None:
        doubtful = interaction("doubtful", "/doubtful", status=500)
        run = verify(write_pact(pact, doubtful), settings={"DATABASES": databases})
        has(run, "try --isolation flush")

    def test_what_a_report_wants_to_know_fails_nothing(
        self, verify: Verify, pact: Path, databases: Databases, tmp_path: Path
    ) -> None:
        """SQL that is no text, a view that can't be unwrapped, an answer that no view gave."""
        stopped = interaction("stopped", request={"headers": {"X-Stop": "yes"}}, status=401)
        write_pact(
            pact,
            interaction("composed", "/composed", response={"body": 1}),
            interaction("looping", "/looping", response={"body": {}}),
            stopped,
            {**stopped, "description": "red", "response": {"status": 200}},
        )
        middleware = {"MIDDLEWARE": ["tests.testapp.views.Gate"]}
        run = verify(pact, "--coverage", "--json", tmp_path / "json", settings={"DATABASES": databases, **middleware})
        assert (run.exit_code, run.err) == (1, "")
        has(
            run,
            "✓ composed",
            "✓ looping ✓ stopped ✗ red",
            "view not reached: a middleware answered before it, for the URL pattern 'items'",
            "GET items shop 401 (failing)",
        )
        composed, *_ = json.loads((tmp_path / "json").read_text())["pacts"][0]["interactions"]
        assert composed["queries"] == 1

    def test_headers_of_the_connection_are_the_servers(self, verify: Verify, pact: Path) -> None:
        run = verify(write_pact(pact, interaction("hop", "/hop-by-hop", response={"body": {}})))
        assert (run.exit_code, run.err) == (0, ""), run.out

    def test_many_interactions_with_a_filter(self, verify: Verify, pact: Path) -> None:
        """By name, in one expression, they were too much for the core."""
        many = [interaction(f"{n} {'long' * 20}", "/hop-by-hop") for n in range(1500)]
        run = verify(write_pact(pact, *many), "--description", "[05] long")
        assert run.exit_code == 0, run.out
        has(run, "300 interactions of 1 consumer: 300 verified")

    def test_what_a_transaction_breaks_works_with_flush_and_the_report_says_so(
        self, verify: Verify, pact: Path, databases: Databases
    ) -> None:
        write_pact(pact, interaction("clumsy", "/clumsy", response={"body": 1}), EMPTY)
        assert verify(pact, "--isolation", "flush", settings={"DATABASES": databases}).exit_code == 0
        run = verify(pact, settings={"DATABASES": databases})
        assert run.exit_code == 1
        has(run, "try --isolation flush", "✓ an empty list")

    def test_stores_are_the_runs_own_and_empty_every_time(self, verify: Verify, pact: Path, tmp_path: Path) -> None:
        found_nothing: dict[str, Any] = {"body": {"cache": None, "files": [], "media": [], "mail": 0}}
        write_pact(pact, *(interaction(f"look {n}", "/stores", response=found_nothing) for n in range(3)))
        backend, folder = "django.core.mail.backends.filebased.EmailBackend", str(tmp_path / "mail")
        mail: dict[str, Any] = {"EMAIL_BACKEND": backend, "EMAIL_FILE_PATH": folder}
        if django.VERSION >= (6, 1):
            mail = {"MAILERS": {"default": {"BACKEND": backend, "OPTIONS": {"file_path": folder}}}}
        projects_own = {
            "MEDIA_ROOT": str(tmp_path / "media"),
            **mail,
            "CACHES": {
                "default": {
                    "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
                    "LOCATION": str(tmp_path / "cache"),
                }
            },
        }
        assert verify(pact, settings=projects_own).exit_code == 0
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == [pact]

    def test_djangos_own_caches_forget_too(self, verify: Verify, pact: Path) -> None:
        """The Site that a state has changed is rolled back in the database; Django would go on with what it kept."""
        write_pact(
            pact,
            interaction(
                "changed", "/site", states=["the site is example.org"], response={"body": {"domain": "example.org"}}
            ),
            interaction("as it was", "/site", response={"body": {"domain": "example.com"}}),
        )
        run = verify(pact)
        assert (run.exit_code, run.err) == (0, ""), run.out

    def test_values_of_a_state_feed_the_generators(self, verify: Verify, pact: Path) -> None:
        write_pact(
            pact,
            interaction(
                "by id",
                "/items/99999",
                states=["an item cup exists"],
                request={"generators": {"path": {"type": "ProviderState", "expression": "/items/${id}"}}},
                response={"body": {"name": "cup"}},
            ),
        )
        assert verify(pact).exit_code == 0

    def test_a_request_filter_changes_what_it_means_to_and_nothing_else(self, verify: Verify, pact: Path) -> None:
        def about(sent: dict[str, str], seen: str | None) -> dict[str, Any]:
            return interaction(f"token {seen}", "/about", request={"headers": sent}, response={"body": {"token": seen}})

        write_pact(
            pact,
            about({"Authorization": "Bearer old"}, "Bearer new"),
            about({"Authorization": "Bearer other"}, "Bearer other"),
            about({}, None),
        )
        assert verify(pact).exit_code == 0

    def test_a_teardown_runs(self, verify: Verify, pact: Path, tmp_path: Path) -> None:
        write_pact(pact, interaction("down", states=["the price service is down"], response={"body": []}))
        assert verify(pact, TESTAPP_TEARDOWN=str(tmp_path / "price")).exit_code == 0
        assert (tmp_path / "price").read_text() == "up\ndown\n"

    def test_a_teardown_runs_after_a_state_that_failed_also_at_the_end_of_a_pact(
        self, verify: Verify, pact: Path, tmp_path: Path
    ) -> None:
        """The core sends none then (F5)."""
        down = interaction("down", states=["the price service is down", "the item raises"])
        write_pact(pact, down, down)
        write_pact(pact.with_name("z.json"), down, consumer="z")
        run = verify(pact.parent, TESTAPP_TEARDOWN=str(tmp_path / "price"))
        assert run.exit_code == 1
        has(run, "3 state errors")
        assert (tmp_path / "price").read_text() == "up\ndown\n" * 3

    def test_a_teardown_that_fails_is_a_warning(self, verify: Verify, pact: Path) -> None:
        write_pact(pact, interaction("lid", states=["the teardown fails"], response={"body": []}), EMPTY)
        run = verify(pact)
        assert run.exit_code == 0
        has(run, "warning: The teardown of tests/testapp/pact_states.py:", "RuntimeError: the lid does not close")

    def test_a_teardown_that_fails_does_not_hide_a_mismatch(self, verify: Verify, pact: Path) -> None:
        write_pact(pact, interaction("lid", states=["the teardown fails"], response={"body": ["a cup"]}))
        run = verify(pact)
        assert run.exit_code == 1
        has(run, "1 failed", "the lid does not close")

    def test_a_project_without_a_database(self, verify: Verify, pact: Path) -> None:
        write_pact(pact, interaction("ping", "/ping", response={"body": {"pong": True}}))
        settings = {
            "DATABASES": {},
            "DATABASE_ROUTERS": [],
            "INSTALLED_APPS": ["tests.testapp.nodb", "pact_verification"],
            "ROOT_URLCONF": "tests.testapp.nodb.urls",
        }
        for isolation in ("transaction", "flush"):
            run = verify(pact, "--isolation", isolation, settings=settings)
            assert (run.exit_code, run.err) == (0, ""), run.out

    def test_in_a_folder_other_than_the_projects(self, tmp_path: Path, pact: Path) -> None:
        write_pact(pact, EMPTY)
        run = subprocess.run(
            command(), cwd=tmp_path, env=environment(PYTHONPATH=str(ROOT)), capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
        assert "(pacts/shop.json)" in run.stdout


class TestRed:
    def test_a_mismatch_shows_what_was_expected_and_what_came(self, verify: Verify, pact: Path) -> None:
        wrong = interaction("a list", states=["an item cup exists"], response={"body": ["jug"]}, status=203)
        run = verify(write_pact(pact, wrong, EMPTY))
        assert run.exit_code == 1
        assert run.err == ""
        has(
            run,
            "✗ a list [an item cup exists] state an item cup exists: item_exists() (tests/testapp/pact_states.py:",
            "request GET /items Accept: */* view tests.testapp.views.items (tests/testapp/views.py:",
            "for the URL pattern 'items' took",
            "1 SQL query - expected, + came - 203 Non-Authoritative Information + 200 OK [",
            "# $[0]: Expected 'cup' (String) to be equal to 'jug' (String) - \"jug\" + \"cup\" ]",
            f"python -m django verify_pacts {pact} --interaction",
            "✓ an empty list",
            "2 interactions of 1 consumer: 1 verified, 1 failed",
            "The contracts are broken.",
        )

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
            f"! broken [the item raises, an item cup exists] The state 'the item raises' raised RuntimeError: "
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

    def test_a_state_that_never_comes_back_ends_the_run(self, verify: Verify, pact: Path, databases: Databases) -> None:
        write_pact(pact, EMPTY, interaction("stuck", states=["it takes 60 seconds"]), GREEN)
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
        """A POST that is redirected becomes an empty GET, and passes, if one lets the core follow."""
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


class TestNothingVerified:
    def test_an_empty_directory(self, verify: Verify, tmp_path: Path) -> None:
        (tmp_path / "README.md").touch()
        run = verify(tmp_path)
        assert run.exit_code == 3
        has(run, "nothing was verified: no pact was selected")

    def test_a_directory_of_another_providers_pacts(self, verify: Verify, pact: Path) -> None:
        write_pact(pact, EMPTY, provider="warehouse")
        pact.with_name("package.json").write_text("{}")
        run = verify(pact.parent)
        assert run.exit_code == 3
        has(
            run,
            f"{pact} is a pact with the provider 'warehouse', and this is 'testapp'.",
            "package.json is not a pact",
            "nothing was verified",
        )

    def test_a_pact_without_interactions_beside_a_green_one(self, verify: Verify, pact: Path) -> None:
        write_pact(pact, EMPTY)
        write_pact(pact.with_name("hollow.json"), consumer="hollow")
        run = verify(pact.parent)
        assert run.exit_code == 3
        has(run, "✓ an empty list", "nothing was verified for", "hollow.json, which holds no interactions")

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
            (("--description", "a list(?! )"), {"a list"}),  # Rust's regular expressions know no look-ahead
            (("--state", "spoons$"), {"a list (of two)"}),
            (("--state", "cup", "--description", "two"), {"a list (of two)"}),
            (("--no-state", "--consumer", "shop"), {"an empty list"}),
            (("--consumer", "shop"), {"a list", "a list (of two)", "an empty list"}),
        ],
    )
    def test_only_what_was_asked_for_runs(
        self, verify: Verify, three: Path, options: tuple[str, ...], verified: set[str]
    ) -> None:
        run = verify(three, *options)
        assert run.exit_code == 0, run.out
        assert {re.sub(r"  \[.*", "", line)[4:] for line in run.out.splitlines() if "✓" in line} == verified
        assert "red " not in run.out.splitlines()[-1]

    def test_an_invalid_regular_expression(self, verify: Verify, three: Path) -> None:
        run = verify(three, "--description", "a list (")
        assert run.exit_code == 2
        has(run, "--description 'a list (' is not a regular expression", "To find the text itself, use")


class TestCannotRun:
    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("{", "it is not JSON"),
            ("[" * 100_000, "it is not JSON"),
            ("\x00", "it is not JSON"),
            ("[]", "is not a pact: it names no consumer and provider"),
            ('{"consumer": {"name": "a"}, "provider": {}}', "provider.name is null, and should be a text."),
            (
                '{"consumer": {"name": 1}, "provider": {"name": "testapp"}}',
                "consumer.name is the number 1, and should be a text.",
            ),
            (
                '{"consumer": {"name": "a"}, "provider": {"name": "testapp"}, "interactions": 3}',
                "interactions is the number 3",
            ),
        ],
    )
    def test_an_unreadable_pact(self, verify: Verify, pact: Path, content: str, told: str) -> None:
        pact.parent.mkdir()
        pact.write_text(content)
        run = verify(pact)
        assert run.exit_code == 2
        assert run.out == ""
        has(run, str(pact), told)

    def test_a_pact_of_another_provider(self, verify: Verify, pact: Path) -> None:
        run = verify(write_pact(pact, EMPTY, provider="warehouse"))
        assert run.exit_code == 2
        has(run, "is a pact with the provider 'warehouse', and this is 'testapp'", "use --provider-name 'warehouse'")

    def test_a_path_that_is_not_there(self, verify: Verify, pact: Path) -> None:
        write_pact(pact, EMPTY)
        run = verify(pact.with_name("shp.json"))
        assert run.exit_code == 2
        has(run, "There is no file or directory", f"Next to it: {pact}")

    def test_a_url_that_is_not_a_file(self, verify: Verify) -> None:
        run = verify("https://broker.example.com/pacts")
        assert run.exit_code == 2
        has(run, "https://broker.example.com/pacts is not on this machine")

    def test_no_provider_name(self, verify: Verify, pact: Path) -> None:
        run = verify(write_pact(pact, EMPTY), settings={"PACT_PROVIDER_NAME": ""})
        assert run.exit_code == 2
        has(run, "The provider has no name. Set PACT_PROVIDER_NAME")

    def test_the_name_comes_from_the_option_then_the_environment_then_the_setting(
        self, verify: Verify, pact: Path
    ) -> None:
        write_pact(pact, EMPTY, provider="by option")
        assert verify(pact, "--provider-name", "by option", PACT_PROVIDER_NAME="other").exit_code == 0
        write_pact(pact, EMPTY, provider="by environment")
        assert verify(pact, PACT_PROVIDER_NAME="by environment").exit_code == 0

    def test_a_database_that_does_not_answer(self, verify: Verify, pact: Path) -> None:
        unreachable = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": 9, "NAME": "x"}
        run = verify(write_pact(pact, EMPTY), settings={"DATABASES": {"default": unreachable}, "DATABASE_ROUTERS": []})
        assert run.exit_code == 2
        has(run, "The test databases can't be made", "does the server answer")

    def test_a_setting_that_makes_no_sense(self, verify: Verify, pact: Path) -> None:
        """A failed system check is exit code 1 elsewhere; here that would say that a contract is broken."""
        run = verify(write_pact(pact, EMPTY), settings={"PACT_ISOLATION": "hope"})
        assert run.exit_code == 2
        has(run, "(pact_verification.E002) PACT_ISOLATION is 'hope'")

    def test_a_pact_states_module_that_can_not_be_imported(self, verify: Verify, pact: Path) -> None:
        apps = ["tests.testapp.nodb", "tests.testapp.broken", "pact_verification"]
        settings = {"INSTALLED_APPS": apps, "DATABASES": {}, "DATABASE_ROUTERS": []}
        run = verify(write_pact(pact, EMPTY), settings={**settings, "ROOT_URLCONF": "tests.testapp.nodb.urls"})
        assert run.exit_code == 2
        has(run, "can't be imported: KeyError: 'SETTING_THAT_IS_NOT_SET'", "(tests/testapp/broken/pact_states.py:8)")

    @pytest.mark.parametrize("code", ["raise SystemExit(0)", "import pytest; pytest.skip(allow_module_level=True)"])
    def test_a_pact_states_module_that_would_end_the_run(
        self, verify: Verify, pact: Path, tmp_path: Path, code: str
    ) -> None:
        """Nothing was verified, so it must not look as if all had been well."""
        app = tmp_path / "ending"
        app.mkdir()
        (app / "__init__.py").touch()
        (app / "pact_states.py").write_text(f"{code}\n")
        apps = ["tests.testapp.nodb", "ending", "pact_verification"]
        settings = {"INSTALLED_APPS": apps, "DATABASES": {}, "DATABASE_ROUTERS": []}
        run = verify(
            write_pact(pact, EMPTY),
            settings={**settings, "ROOT_URLCONF": "tests.testapp.nodb.urls"},
            PYTHONPATH=f"{tmp_path}:{ROOT}",
        )
        assert run.exit_code == 2
        has(run, "A pact_states.py can't be imported:")

    def test_a_project_without_any_state(self, verify: Verify, pact: Path) -> None:
        apps = ["tests.testapp.nodb", "pact_verification"]
        settings = {"INSTALLED_APPS": apps, "DATABASES": {}, "DATABASE_ROUTERS": []}
        run = verify(write_pact(pact, GREEN), settings={**settings, "ROOT_URLCONF": "tests.testapp.nodb.urls"})
        assert run.exit_code == 2
        has(
            run,
            "Add to the pact_states.py of one of your apps, and fill in:",
            "from pact_verification import provider_state",
            '@provider_state("an item cup exists")',
        )

    def test_middleware_that_can_not_be_loaded(self, verify: Verify, pact: Path) -> None:
        run = verify(write_pact(pact, EMPTY), settings={"MIDDLEWARE": ["no.such.middleware"]})
        assert run.exit_code == 2
        has(run, "The run could not go on", "No module named 'no'")

    @pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "inf"])
    def test_a_timeout_that_makes_no_sense(self, verify: Verify, value: str) -> None:
        run = verify(f"--request-timeout={value}")
        assert run.exit_code == 2
        has(run, f"'{value}' is not a number of seconds above 0")

    def test_state_and_no_state_together(self, verify: Verify) -> None:
        assert verify("--state", "x", "--no-state").exit_code == 2


class TestOutput:
    RED = interaction("red", "/nothing", states=["nothing is there"])

    def test_the_cores_own_output_shows_at_verbosity_3_only(self, verify: Verify, pact: Path) -> None:
        """It prints its report to descriptor 1, and to 2 that a state failed."""
        write_pact(pact, self.RED, interaction("x", states=["the item raises"]))
        for verbosity in ("0", "1", "2"):
            run = verify(pact, "--verbosity", verbosity)
            assert run.exit_code == 1
            assert "Verifying a pact between" not in run.out + run.err
            assert "Provider setup state change" not in run.out + run.err
        assert "Verifying a pact between" in verify(pact, "--verbosity", "3").out

    def test_verbosity_0_is_the_verdict_alone(self, verify: Verify, pact: Path) -> None:
        run = verify(write_pact(pact, self.RED), "--verbosity", "0")
        assert len(run.out.strip().splitlines()) == 1

    def test_secrets_are_not_shown(self, verify: Verify, pact: Path) -> None:
        secret = interaction("red", "/nothing", request={"headers": {"Authorization": "Bearer hunter2"}})
        for verbosity in ("1", "2", "3"):
            run = verify(write_pact(pact, secret), "--verbosity", verbosity)
            assert "hunter2" not in run.out + run.err

    def test_control_characters_do_not_reach_the_terminal(self, verify: Verify, pact: Path) -> None:
        run = verify(write_pact(pact, interaction("evil \x1b[2J", "/nothing", response={"body": ["\x1b[31m"]})))
        assert "\x1b" not in run.out
        assert "evil \\x1b[2J" in run.out

    def test_elsewhere_than_on_a_terminal_it_is_plain(self, verify: Verify, pact: Path) -> None:
        run = verify(write_pact(pact, self.RED))
        assert "\x1b" not in run.out + run.err

    def test_colour_can_be_forced(self, verify: Verify, pact: Path) -> None:
        assert "\x1b[" in verify(write_pact(pact, self.RED), "--force-color", NO_COLOR="1").out

    def test_an_output_that_ends_early_changes_no_verdict(self, pact: Path) -> None:
        write_pact(pact, EMPTY)
        with subprocess.Popen(
            command(pact), cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout
            process.stdout.close()
            assert process.wait(30) == 0

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
    @pytest.mark.parametrize(("which", "exit_code"), [(EMPTY, 0), (RED, 1)])
    def test_an_output_that_can_not_be_written_changes_no_verdict(
        self, pact: Path, which: dict[str, Any], exit_code: int
    ) -> None:
        write_pact(pact, which)
        with Path("/dev/full").open("w") as full:
            run = subprocess.run(
                command(pact), cwd=ROOT, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
        assert run.returncode == exit_code
        assert run.stderr == "The report can't be written: OSError: [Errno 28] No space left on device\n"

    def test_an_ascii_console_gets_ascii(self, verify: Verify, pact: Path) -> None:
        german = interaction("Größe", response={"body": []})
        run = verify(write_pact(pact, EMPTY, german), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
        assert run.exit_code == 0
        assert "  + an empty list" in run.out
        assert "  + Gr\\xf6\\xdfe" in run.out

    @pytest.mark.parametrize(
        ("arguments", "variables", "colour"),
        [((), {}, True), (("--no-color",), {}, False), ((), {"NO_COLOR": "1"}, False), ((), {"TERM": "dumb"}, False)],
    )
    def test_on_a_terminal(
        self,
        pact: Path,
        arguments: tuple[str, ...],
        variables: dict[str, str],
        colour: bool,
    ) -> None:
        write_pact(pact, interaction("slow", states=["it takes 0.5 seconds"], response={"body": []}), self.RED)
        screen = _on_a_terminal(command(pact, *arguments), {**environment(), "TERM": "xterm", **variables})
        assert "1 verified, 1 failed" in screen
        assert bool(re.search(r"\x1b\[(\d+;)?3[12]m", screen)) is colour
        if "dumb" not in variables.values():
            assert re.search(r"0/2.*\d:\d\d:\d\d.* slow", screen)  # the live line


def _on_a_terminal(arguments: list[str], env: dict[str, str]) -> str:
    """What a command writes to a terminal, both streams together."""
    ours, theirs = os.openpty()
    with subprocess.Popen(arguments, cwd=ROOT, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        screen = b"".join(_until_closed(ours))
        os.close(ours)
    assert process.returncode == 1, screen
    return screen.decode()


def _until_closed(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            data = os.read(descriptor, 65536)
        except OSError:  # Linux's way to say that the other side is closed
            return
        if not data:
            return
        yield data


class TestInterruption:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    @pytest.mark.parametrize("stage", ["TESTAPP_MIGRATING", "TESTAPP_ANNOUNCE"])
    def test_it_stops_at_once_and_drops_the_databases(
        self, pact: Path, databases: Databases, tmp_path: Path, number: signal.Signals, stage: str
    ) -> None:
        write_pact(pact, GREEN, interaction("stuck", states=["it takes 60 seconds"]))
        (tmp_path / "announced").mkdir()
        announced = tmp_path / "announced" / "now"
        with subprocess.Popen(
            command(pact, "--request-timeout", "30"),
            cwd=ROOT,
            env=environment(
                settings={"DATABASES": databases},
                # The thread that is left behind in its state holds a connection until the process ends.
                PYTHONWARNINGS="error,ignore::ResourceWarning",
                **{stage: str(announced)},
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            while not announced.exists():
                assert process.poll() is None, process.stderr and process.stderr.read()
            in_memory = not on_postgresql() and "TEST" not in databases["default"]
            assert bool(_made(databases, tmp_path)) is not in_memory
            process.send_signal(number)
            _, err = process.communicate(timeout=20)  # what it is in the middle of would take a minute
        assert process.returncode == 128 + number, err
        assert _made(databases, tmp_path) == set()
        assert err.strip() == "Interrupted."

    @pytest.mark.skipif(not on_postgresql(), reason="SQLite creates nothing behind the run's back")
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_database_that_is_being_created_is_not_created_after_its_end(
        self, pact: Path, databases: Databases, tmp_path: Path, number: signal.Signals
    ) -> None:
        """The server would go on with it. It waits for as long as somebody is connected to the template."""
        write_pact(pact, GREEN)
        creating = (
            "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state = 'active' AND query LIKE %s"
        )
        like = [f"CREATE DATABASE%{databases['default']['NAME']}%"]
        with scratch_database(os.environ["DATABASE_URL"]) as template:
            for database in databases.values():
                database["TEST"] = {"TEMPLATE": template.rpartition("/")[2]}
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
                with (
                    psycopg.connect(template),
                    subprocess.Popen(
                        command(pact),
                        cwd=ROOT,
                        env=environment(settings={"DATABASES": databases}),
                        stderr=subprocess.PIPE,
                        text=True,
                    ) as process,
                ):
                    while not connection.execute(creating, like).fetchall()[0][0]:
                        assert process.poll() is None, process.stderr and process.stderr.read()
                    process.send_signal(number)
                    _, err = process.communicate(timeout=20)
                assert process.returncode == 128 + number, err
                while connection.execute(creating, like).fetchall()[0][0]:
                    pass
        assert _made(databases, tmp_path) == set()
        assert err.strip() == "Interrupted."

    def test_a_second_signal_stops_no_cleanup(self, databases: Databases, tmp_path: Path) -> None:
        script = """if True:
            import signal
            import django
            from pact_verification import databases

            def interrupted(*arguments):
                signal.raise_signal(signal.SIGINT)
                drop(*arguments)

            drop, databases._drop = databases._drop, interrupted
            django.setup()
            with databases.run_databases():
                raise KeyboardInterrupt
        """
        ended = subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env=environment(settings={"DATABASES": databases}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.stderr.count("KeyboardInterrupt") == 1, ended.stderr  # that of the block
        assert _made(databases, tmp_path) == set()


def _made(databases: Databases, tmp_path: Path) -> set[str]:
    """The test databases of this project that can be seen from outside: on a server, or as files."""
    if not on_postgresql():
        return {path.name for path in tmp_path.iterdir() if path.is_file()}
    name = databases["default"]["NAME"]
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{name}%"]).fetchall()
    return {name for (name,) in rows}


class TestTheProjectsOwnDatabase:
    def test_it_is_never_touched(self, verify: Verify, pact: Path, tmp_path: Path) -> None:
        """A file in its place that is no database at all would be found out by whoever reads it."""
        own = tmp_path / "own.sqlite3"
        own.write_bytes(b"not a database")
        before = own.stat()
        databases = {
            alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": str(own)} for alias in ("default", "audit")
        }
        for isolation in ("transaction", "flush"):
            run = verify(write_pact(pact, CREATE, EMPTY), "--isolation", isolation, settings={"DATABASES": databases})
            assert run.exit_code == 0, run.err
        after = own.stat()
        assert own.read_bytes() == b"not a database"
        assert (before.st_mtime_ns, before.st_ino, before.st_atime_ns) == (
            after.st_mtime_ns,
            after.st_ino,
            after.st_atime_ns,
        )

    @pytest.mark.skipif(not on_postgresql(), reason="SQLite has no pools; the suite runs on PostgreSQL too")
    @pytest.mark.parametrize("isolation", ["transaction", "flush"])
    def test_not_even_behind_a_pool_that_is_open(self, pact: Path, databases: Databases, isolation: str) -> None:
        """A pool belongs to the alias: opened before the run, it leads to the project's database ever after."""
        databases["default"]["NAME"] = "postgres"
        databases["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 4}}
        write_pact(pact, CREATE, EMPTY)
        code = (
            "import django; django.setup()\n"
            "from django.db import connection\n"
            "from django.core.management import call_command\n"
            "tables = connection.introspection.table_names()\n"
            f"call_command('verify_pacts', {str(pact)!r}, isolation={isolation!r})\n"
            "assert connection.introspection.table_names() == tables\n"
            "connection.close_pool()\n"
        )
        run = in_one_process(code, settings={"DATABASES": databases})
        assert run.exit_code == 0, run.err
        has(run, "2 verified")


def in_one_process(code: str, **options: Any) -> Run:
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(**options), capture_output=True, text=True, check=False
    )
    return Run(finished.returncode, finished.stdout, finished.stderr)


def test_the_callers_connection_is_as_it_was(pact: Path, tmp_path: Path) -> None:
    """In memory, and in the middle of a transaction: a run that used it would end both. And two runs in one process."""
    write_pact(pact, CREATE, EMPTY)
    in_memory = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    code = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "from django.db import transaction\n"
        "from tests.testapp.models import Item\n"
        "call_command('migrate', verbosity=0)\n"
        "with transaction.atomic():\n"
        "    Item.objects.create(name='mine')\n"
        f"    call_command('verify_pacts', {str(pact)!r})\n"
        f"    call_command('verify_pacts', {str(pact)!r}, isolation='flush')\n"
        "assert Item.objects.get().name == 'mine'\n"
    )
    run = in_one_process(
        code, settings={"DATABASES": {"default": in_memory, "audit": in_memory}}, PYTHONWARNINGS="default"
    )
    assert run.exit_code == 0, run.err
    assert run.out.count("2 verified") == 2


def test_help_is_as_the_readme_has_it(verify: Verify) -> None:
    """But for the options that every command of Django's has."""
    run = verify("--help", COLUMNS="110")
    assert (run.exit_code, run.err) == (0, "")
    ours, _, rest = run.out.partition("options of every command:\n")
    _, _, epilog = rest.partition("\nexit codes:\n")
    readme = (ROOT / "README.md").read_text()
    _, _, copy = readme.partition("$ python manage.py verify_pacts --help\n")
    copied, _, _ = copy.partition("```")
    assert (
        copied == f"{ours.replace('__main__.py', 'manage.py')}options of every command:\n  …\n\nexit codes:\n{epilog}"
    )
