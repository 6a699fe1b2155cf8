"""manage.py verify_pacts: its exit code, its output, and the files and databases that it leaves."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import django
import pytest

from docs.generated import command_page
from tests.pact_verification.pact_files import CREATE, EMPTY, GREEN, interaction, write_pact
from tests.pact_verification.running import ROOT, Databases, Verify, command, environment, has, on_postgresql

pytestmark = pytest.mark.measured


class TestGreen:
    @pytest.mark.each_kind_of_sqlite
    @pytest.mark.parametrize("isolation", ["transaction", "flush"])
    def test_every_kind_of_state_on_every_database(
        self, verify: Verify, pact: Path, databases: Databases, isolation: str
    ) -> None:
        """Two aliases, a user model of the project's own, no DRF, no STATIC_URL, and ALLOWED_HOSTS without this server.

        An interaction would fail on rows of an earlier one, since names are unique and lists are compared.
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

    @pytest.mark.each_kind_of_sqlite
    def test_a_mirror_sees_what_the_mirrored_sees(self, verify: Verify, pact: Path, databases: Databases) -> None:
        databases["replica"] = {**databases["default"], "HOST": "replica.invalid", "TEST": {"MIRROR": "default"}}
        write_pact(
            pact, interaction("list", "/replica", states=["an item cup exists"], response={"body": ["cup"]}), EMPTY
        )
        run = verify(pact, settings={"DATABASES": databases})
        assert (run.exit_code, run.err) == (0, ""), run.out

    @pytest.mark.each_kind_of_sqlite
    def test_two_aliases_of_one_database(self, verify: Verify, pact: Path, databases: Databases) -> None:
        databases["replica"] = databases["default"]
        if (
            on_postgresql() or "TEST" in databases["default"]
        ):  # in memory, each alias has a database of its own, as in Django's tests
            cup = interaction("list", "/replica", states=["an item cup exists"], response={"body": ["cup"]})
            run = verify(write_pact(pact, cup, EMPTY), settings={"DATABASES": databases})
            assert (run.exit_code, run.err) == (0, ""), run.out

    @pytest.mark.each_kind_of_sqlite
    def test_a_view_that_closes_its_connection_does_not_disturb_the_next(
        self, verify: Verify, pact: Path, databases: Databases
    ) -> None:
        close = interaction("close", "/close", states=["an item cup exists"])
        run = verify(write_pact(pact, close, EMPTY, GREEN), "--verbosity", "2", settings={"DATABASES": databases})
        has(run, "✓ an empty list", "✓ a list")

    @pytest.mark.each_kind_of_sqlite
    def test_a_view_that_uses_a_thread_works_with_flush(self, verify: Verify, pact: Path, databases: Databases) -> None:
        write_pact(pact, interaction("thread", "/thread", response={"body": ["threaded"]}), EMPTY)
        run = verify(pact, "--isolation", "flush", settings={"DATABASES": databases})
        assert (run.exit_code, run.err) == (0, ""), run.out

    @pytest.mark.each_kind_of_sqlite
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
        run = verify(pact, "--verbosity", "2", "--isolation", isolation, settings={"DATABASES": databases})
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
            run,
            "E leaked cause 1 An earlier interaction ended the transaction on 'default' by itself",
            "use --isolation flush",
        )

    def test_an_uncertain_callback_is_not_green(self, verify: Verify, pact: Path, databases: Databases) -> None:
        doubtful = interaction("doubtful", "/doubtful", status=500)
        run = verify(write_pact(pact, doubtful), settings={"DATABASES": databases})
        has(run, "try --isolation flush")

    def test_what_a_report_wants_to_know_fails_nothing(
        self, verify: Verify, pact: Path, databases: Databases, tmp_path: Path
    ) -> None:
        """SQL that is no text, a view that can't be unwrapped, and a response that no view made."""
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
            "✓ 3 verified ✗ red",
            "view not reached: a middleware answered before it, for the URL pattern 'items'",
            "GET items shop 401 (failing)",
        )
        ran = json.loads((tmp_path / "json").read_text())["pacts"][0]["interactions"]
        assert [each["description"] for each in ran if each["outcome"] == "verified"] == [
            "composed",
            "looping",
            "stopped",
        ]
        assert ran[0]["queries"] == 1

    @pytest.mark.no_database
    def test_headers_of_the_connection_are_the_servers(self, verify: Verify, pact: Path) -> None:
        run = verify(write_pact(pact, interaction("hop", "/hop-by-hop", response={"body": {}})))
        assert (run.exit_code, run.err) == (0, ""), run.out

    @pytest.mark.no_database
    def test_many_interactions_with_a_filter(self, verify: Verify, pact: Path) -> None:
        """One expression with all descriptions would be too long for the core."""
        many = [interaction(f"{n} {'long' * 20}", "/hop-by-hop") for n in range(1500)]
        run = verify(write_pact(pact, *many), "--description", "[05] long")
        assert run.exit_code == 0, run.out
        has(run, "300 interactions of 1 consumer: 300 verified")

    @pytest.mark.no_database
    def test_a_variable_of_other_pact_tools_filters_and_every_report_says_so(
        self, verify: Verify, pact: Path, tmp_path: Path
    ) -> None:
        """It may be left over in the shell, and the rest may be red."""
        red = interaction("red", "/nothing", states=["an item cup exists"])
        write_pact(pact, {**EMPTY, "_id": "1d"}, red)
        assert verify(pact).exit_code == 1
        for name, value in (("DESCRIPTION", "empty"), ("PROVIDER_STATE", ""), ("BROKER_INTERACTION_ID", "1d")):
            run = verify(pact, "--json", tmp_path / "json", **{f"PACT_{name}": value})
            assert run.exit_code == 0, run.out
            note = f"The environment leaves interactions out: PACT_{name}={value!r}."
            has(run, "1 interaction of 1 consumer: 1 verified", note)
            assert any(note in each for each in json.loads((tmp_path / "json").read_text())["notes"])
        run = verify(pact, "--description", "red", PACT_DESCRIPTION="empty")
        assert run.exit_code == 1
        assert "The environment" not in run.out
        nothing = verify(pact, PACT_BROKER_INTERACTION_ID="another")
        assert nothing.exit_code == 3
        has(nothing, "PACT_BROKER_INTERACTION_ID='another'")

    def test_what_a_transaction_breaks_works_with_flush_and_the_report_says_so(
        self, verify: Verify, pact: Path, databases: Databases
    ) -> None:
        write_pact(pact, interaction("clumsy", "/clumsy", response={"body": 1}), EMPTY)
        assert verify(pact, "--isolation", "flush", settings={"DATABASES": databases}).exit_code == 0
        run = verify(pact, "--verbosity", "2", settings={"DATABASES": databases})
        assert run.exit_code == 1
        has(run, "try --isolation flush", "✓ an empty list")

    @pytest.mark.no_database
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
        """The database rolls back a Site that a state changed. Django's own cache would keep the changed one."""
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

    @pytest.mark.no_database
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

    @pytest.mark.no_database
    def test_a_teardown_runs(self, verify: Verify, pact: Path, tmp_path: Path) -> None:
        write_pact(pact, interaction("down", states=["the price service is down"], response={"body": []}))
        assert verify(pact, TESTAPP_TEARDOWN=str(tmp_path / "price")).exit_code == 0
        assert (tmp_path / "price").read_text() == "up\ndown\n"

    @pytest.mark.no_database
    def test_a_teardown_runs_after_a_state_that_failed_also_at_the_end_of_a_pact(
        self, verify: Verify, pact: Path, tmp_path: Path
    ) -> None:
        """The core sends no teardown after a failed setup."""
        down = interaction("down", states=["the price service is down", "the item raises"])
        write_pact(pact, down, down)
        write_pact(pact.with_name("z.json"), down, consumer="z")
        run = verify(pact.parent, TESTAPP_TEARDOWN=str(tmp_path / "price"))
        assert run.exit_code == 1
        has(run, "3 state errors")
        assert (tmp_path / "price").read_text() == "up\ndown\n" * 3

    @pytest.mark.no_database
    def test_a_teardown_that_fails_is_a_warning(self, verify: Verify, pact: Path) -> None:
        write_pact(pact, interaction("lid", states=["the teardown fails"], response={"body": []}), EMPTY)
        run = verify(pact)
        assert run.exit_code == 0
        has(run, "warning: The teardown of tests/testapp/pact_states.py:", "RuntimeError: the lid does not close")

    @pytest.mark.no_database
    def test_a_teardown_that_fails_does_not_hide_a_mismatch(self, verify: Verify, pact: Path) -> None:
        write_pact(pact, interaction("lid", states=["the teardown fails"], response={"body": ["a cup"]}))
        run = verify(pact)
        assert run.exit_code == 1
        has(run, "1 failed", "the lid does not close")

    @pytest.mark.no_database
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

    @pytest.mark.no_database
    def test_in_a_folder_other_than_the_projects(self, tmp_path: Path, pact: Path) -> None:
        write_pact(pact, EMPTY)
        run = subprocess.run(
            command(), cwd=tmp_path, env=environment(PYTHONPATH=str(ROOT)), capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
        assert "(pacts/shop.json)" in run.stdout


@pytest.mark.no_database
def test_help_is_as_the_reference_has_it(verify: Verify) -> None:
    """The reference leaves out the options that every Django command has. tests/docs/test_reference.py has the rest."""
    run = verify("--help", COLUMNS="110")
    assert (run.exit_code, run.err) == (0, "")
    ours, _, rest = run.out.partition("options of every command:\n")
    _, _, epilog = rest.partition("\nexit codes:\n")
    page = "\n".join(command_page("verify_pacts"))
    assert epilog.partition("detected here: ")[0].strip() in page
    groups = re.findall(r"^(\w.*):$", ours, re.MULTILINE)
    titles = re.findall(r"^\*\*(.*)\*\*$", page, re.MULTILINE)
    assert titles == [*(f"{group[:1].upper()}{group[1:]}" for group in groups), "The end of its help"]
    rows = dict(re.findall(r"^\| (.*?) \| (.*) \|$", page, re.MULTILINE))
    shown = re.findall(r"^  (-?[\w-].*?)(?:  +|\n +)((?:.+)(?:\n {20,}.+)*)", ours.partition("\n\n")[2], re.MULTILINE)
    assert len(shown) > 40
    for option, meaning in shown:
        written = ", ".join(f"`{each}`" for each in option.split(", "))
        assert rows[written].replace("`", "") == " ".join(meaning.split()).replace("|", "\\|"), option
