"""A run that waits for a person: at a breakpoint, and at its first failure with --pdb and --hold."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.harness import OK, OK_TOO, QUICK, RED, Fault, Place, check, table
from tests.faults.terminal import CTRL_C, CTRL_D, ENTER, Terminal, terminal
from tests.pact_verification.pact_files import interaction

OWN_MISTAKE = '"the project\'s own mistake"'

PDB, SHELL = r"\(Pdb\) ", r">>> "

LIMITS = ("--request-timeout", "0.3")
BEYOND_LIMITS = 4 * 0.3 + 0.6
"""A call that takes four times the limit is given up."""

IN_VIEW = interaction("it is looked at", "/act/debug", response={"body": {}})
IN_STATE = interaction("it is set up", "/items", states=["the state does debug"], response={"body": []})
IN_TEARDOWN = interaction("it is torn down", "/items", states=["the teardown does debug"], response={"body": []})
DIRECTLY = interaction("it is debugged", "/act/debug_directly", response={"body": {}})
HANGS_LATER = interaction("it hangs later", "/act/debug_and_hang", response={"body": {}})
CRASH = interaction("it raises", "/act/fail", states=["an item cup exists"])
STATE_CRASH = interaction("its state raises", "/items", states=["an item cup exists", "the state does fail"])
OTHER = interaction("another list", "/items", states=["an item cup exists"], response={"body": ["pot"]})
MESSAGE = {
    "description": "an item was made",
    "providerStates": [{"name": "an item cup exists"}],
    "contents": {"name": "pot"},
    "metaData": {"contentType": "application/json"},
}
MESSAGE_CRASH = {**MESSAGE, "description": "the producer does fail"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Place.make(tmp_path) as made:
        yield made


@pytest.fixture(params=["transaction", "flush"])
def isolation(request: pytest.FixtureRequest) -> tuple[str, str]:
    return "--isolation", request.param


def ask(run: Terminal, prompt: str, expression: str, answer: str) -> None:
    run.wait_for(prompt)
    run.type(f"{expression}\n")
    run.wait_for(f"\n{answer}\n")


class TestBreakpoints:
    pytestmark = pytest.mark.no_database

    @pytest.mark.parametrize("it", [IN_VIEW, IN_STATE, IN_TEARDOWN], ids=["view", "state", "teardown"])
    def test_time_limits_stop_and_ctrl_d_goes_on(self, place: Place, it: Mapping[str, object]) -> None:
        with terminal(place, OK, it, options=LIMITS) as run:
            run.wait_for(PDB)
            run.stays_as_it_is(BEYOND_LIMITS)
            run.type("price\n")
            run.wait_for("\n12\n")
            run.wait_for(PDB)
            run.type(CTRL_D)
            assert run.running.wait_for("went") == "on 12"
            run.wait_for("2 verified")
            assert run.ended() == 0

    def test_pdb_set_trace(self, place: Place) -> None:
        with terminal(place, DIRECTLY, options=LIMITS) as run:
            ask(run, PDB, "price", "13")
            run.wait_for(PDB)
            run.stays_as_it_is(BEYOND_LIMITS)
            run.type("next\n")
            run.wait_for(PDB)
            run.type("continue\n")
            run.wait_for("1 verified")
            assert run.ended() == 0

    def test_what_hangs_after_a_breakpoint_is_given_up(self, place: Place) -> None:
        with terminal(place, HANGS_LATER, OK, options=LIMITS) as run:
            run.wait_for(PDB)
            run.type(CTRL_D)
            run.wait_for("did not come back in 1.2 s")
            assert run.ended() == 1

    def test_stepping_out_of_the_view_goes_on(self, place: Place) -> None:
        with terminal(place, IN_VIEW, OK, options=LIMITS) as run:
            while "Pdb" in run.wait_for(f"{PDB}|2 verified")[0]:
                run.type("return\n")
            assert run.ended() == 0

    def test_quitting_fails_the_interaction(self, place: Place) -> None:
        with terminal(place, IN_VIEW, OK, options=LIMITS) as run:
            run.wait_for(PDB)
            run.type("quit\n")
            run.wait_for("BdbQuit")
            run.wait_for("1 verified, 1 failed")
            assert run.ended() == 1

    @pytest.mark.parametrize("path", ["/act/debug", "/act-async/debug"])
    def test_an_asynchronous_project(self, place: Place, path: str) -> None:
        code = "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()\n"
        (place.shadow / "faults_asgi.py").write_text(code)
        settings = {"PACT_APPLICATION": "asgi", "ASGI_APPLICATION": "faults_asgi.application"}
        it = interaction("it waits", path, response={"body": {}})
        with terminal(place, it, OK, options=LIMITS, like=Fault("asgi", settings=settings)) as run:
            ask(run, PDB, "price", "12")
            run.wait_for(PDB)
            run.stays_as_it_is(BEYOND_LIMITS)
            run.type(CTRL_D)
            run.wait_for("2 verified")
            assert run.ended() == 0

    def test_another_hook(self, place: Place) -> None:
        like = Fault("hook", environment={"PYTHONBREAKPOINT": "tests.faults.project.acts.look"})
        with terminal(place, IN_VIEW, OK, options=LIMITS, like=like) as run:
            run.wait_for("look: ")
            run.stays_as_it_is(BEYOND_LIMITS)
            run.type("seen\n")
            run.wait_for("2 verified")
            assert run.ended() == 0

    def test_no_hook(self, place: Place) -> None:
        with terminal(place, IN_VIEW, options=LIMITS, like=Fault("0", environment={"PYTHONBREAKPOINT": "0"})) as run:
            run.wait_for("1 verified")
            assert run.ended() == 0

    def test_ctrl_c_ends_the_run(self, place: Place) -> None:
        with terminal(place, IN_VIEW, OK, options=LIMITS) as run:
            run.wait_for(PDB)
            run.type(CTRL_C)
            run.wait_for("Interrupted")
            assert run.ended() == 130
            assert run.has_echo()


class TestInThisProcess:
    """The project runs in the command's own process."""

    pytestmark = pytest.mark.no_database

    CALL = (
        "-c",
        (
            "import sys, django; django.setup(); from django.core.management import call_command; "
            "call_command('verify_pacts', *sys.argv[1:])"
        ),
    )
    PYTEST = ("-m", "pytest", "-p", "pact_verification.pytest_plugin", "-p", "no:cacheprovider")

    def test_a_breakpoint_of_call_command(self, place: Place) -> None:
        with terminal(place, IN_VIEW, OK, options=LIMITS, command=self.CALL) as run:
            ask(run, PDB, "price", "12")
            run.wait_for(PDB)
            run.stays_as_it_is(BEYOND_LIMITS)
            run.type(CTRL_D)
            run.wait_for("2 verified")
            assert run.ended() == 0

    @pytest.mark.parametrize("option", ["--pdb", "--hold"])
    def test_an_open_interaction_of_call_command(self, place: Place, option: str) -> None:
        with terminal(place, OTHER, OK, options=(option,), command=self.CALL) as run:
            if option == "--pdb":
                ask(run, SHELL, "Item.objects.count()", "1")
                run.wait_for(SHELL)
            else:
                assert get(run.wait_for(r"http://127\.0\.0\.1:\d+/items")[0]) == ["cup"]
            run.type(CTRL_D)
            run.wait_for("1 failed, 1 skipped")
            assert run.ended() == 1

    def test_a_breakpoint_under_pytest(self, place: Place) -> None:
        like = Fault("pytest", settings={"PACT_REQUEST_TIMEOUT": 0.3})
        options = ("--basetemp", str(place.out / "tmp"))
        with terminal(place, IN_VIEW, OK, options=options, command=self.PYTEST, like=like) as run:
            ask(run, PDB, "price", "12")
            run.wait_for(PDB)
            run.stays_as_it_is(BEYOND_LIMITS)
            run.type("continue\n")
            run.wait_for("2 passed")
            assert run.ended() == 0


class TestPdb:
    def test_an_exception_opens_its_frame(self, place: Place) -> None:
        with terminal(place, CRASH, OK, options=("--pdb", *LIMITS)) as run:
            run.wait_for(r"it raises  \[an item cup exists\]: failed")
            run.wait_for("RuntimeError: the project's own mistake")
            run.wait_for(PDB)
            run.stays_as_it_is(BEYOND_LIMITS)
            run.type("reason\n")
            run.wait_for(f"\n{OWN_MISTAKE}\n")
            run.wait_for(PDB)
            run.type("from tests.faults.project.models import Item; list(Item.objects.all())\n")
            run.wait_for(r"\[<Item: cup>\]")
            run.wait_for(PDB)
            run.type("up 2\n")
            ask(run, PDB, "request.path", "'/act/fail'")
            run.wait_for(PDB)
            run.type(CTRL_D)
            run.wait_for("1 failed, 1 skipped")
            assert run.ended() == 1

    def test_a_state_that_raises(self, place: Place) -> None:
        with terminal(place, OK, STATE_CRASH, OK_TOO, options=("--pdb", *LIMITS)) as run:
            run.wait_for("its state raises .*: state error")
            ask(run, PDB, "reason", OWN_MISTAKE)
            run.wait_for(PDB)
            run.type(CTRL_D)
            run.wait_for("1 verified, 1 state error, 1 skipped")
            assert run.ended() == 1

    def test_a_state_that_does_not_fit_has_no_request(self, place: Place) -> None:
        """The names are of this interaction, and not of the one before."""
        misfit = interaction("it is set up", "/items", states=[("an item cup exists", {"name": "pot"})])
        with terminal(place, OK, misfit, options=("--pdb",)) as run:
            ask(run, SHELL, "request, response", r"\(None, None\)")
            run.wait_for(SHELL)
            run.type(CTRL_D)
            run.wait_for("1 verified, 1 state error")
            assert run.ended() == 1

    @pytest.mark.no_database
    def test_a_pending_interaction_that_fails_the_run(self, place: Place) -> None:
        pending = {**OTHER, "pending": True}
        with terminal(place, pending, OK, options=("--pdb", "--fail-on-pending")) as run:
            run.wait_for(SHELL)
            run.type(CTRL_D)
            assert run.ended() == 1

    def test_a_mismatch_opens_a_shell(self, place: Place, isolation: tuple[str, str]) -> None:
        with terminal(place, OTHER, OK, options=("--pdb", *isolation, *LIMITS)) as run:
            run.wait_for(r"another list  \[an item cup exists\]: failed")
            run.wait_for('- *"pot"')
            run.wait_for(r"Names: interaction, request, response, diff, states; models: .*\bItem\b")
            run.wait_for(SHELL)
            run.stays_as_it_is(BEYOND_LIMITS)
            run.type("Item.objects.count()\n")
            run.wait_for("\n1\n")
            ask(run, SHELL, "Item.objects.create(name='pan')", "<Item: pan>")
            ask(
                run, SHELL, "request.path, response.status_code, response.content", r"\('/items', 200, b'\[\"cup\"\]'\)"
            )
            ask(
                run, SHELL, "interaction.description, states[0].state.name", r"\('another list', 'an item cup exists'\)"
            )
            run.wait_for(SHELL)
            run.type("diff\n")
            run.wait_for('- *"pot"')
            run.wait_for(SHELL)
            run.type("exit()\n")
            run.wait_for("1 failed, 1 skipped")
            assert run.ended() == 1

    def test_the_thread_is_the_views(self, place: Place) -> None:
        with terminal(place, RED, options=("--pdb",)) as run:
            ask(run, SHELL, "import threading; threading.current_thread().name", "'pact-live-server'")
            run.wait_for(SHELL)
            run.type(CTRL_D)
            assert run.ended() == 1

    def test_a_message(self, place: Place) -> None:
        write_messages(place, MESSAGE)
        with terminal(place, options=("--pdb", *LIMITS)) as run:
            run.wait_for("Names: interaction, message, diff, states; ")
            ask(run, SHELL, "message.body, Item.objects.count()", r"\(b'{\"name\":\s*\"cup\"}', 1\)")
            run.wait_for(SHELL)
            run.type(CTRL_D)
            run.wait_for("1 failed")
            assert run.ended() == 1

    def test_a_producer_that_raises(self, place: Place) -> None:
        write_messages(place, MESSAGE_CRASH)
        with terminal(place, options=("--pdb", *LIMITS)) as run:
            run.wait_for("RuntimeError: the project's own mistake")
            ask(run, PDB, "reason", OWN_MISTAKE)
            run.wait_for(PDB)
            run.type("quit\n")
            assert run.ended() == 1

    def test_without_a_failure_it_only_verifies(self, place: Place) -> None:
        with terminal(place, OK, OK_TOO, options=("--pdb",)) as run:
            run.wait_for("2 verified")
            assert run.ended() == 0

    def test_an_exit_from_the_shell(self, place: Place) -> None:
        """The report follows all the same."""
        with terminal(place, RED, OK, options=("--pdb",)) as run:
            run.wait_for(SHELL)
            run.type("import os; os._exit(0)\n")
            run.wait_for("ended the process that ran the project|1 failed")
            assert run.ended() == 1

    def test_ctrl_c_ends_the_run(self, place: Place) -> None:
        with terminal(place, OTHER, OK, options=("--pdb",)) as run:
            run.wait_for(SHELL)
            run.type(CTRL_C)
            run.wait_for("Interrupted")
            assert run.ended() == 130
            assert run.has_echo()


class TestHold:
    def test_the_project_answers_in_the_state_until_enter(self, place: Place, isolation: tuple[str, str]) -> None:
        with terminal(place, OTHER, OK, options=("--hold", *isolation, *LIMITS)) as run:
            url = run.wait_for(r"http://127\.0\.0\.1:\d+/items")[0]
            run.wait_for("Enter ends the run\\.\n")
            assert get(url) == ["cup"]
            run.stays_as_it_is(BEYOND_LIMITS)
            assert get(url) == ["cup"]
            run.type(ENTER)
            run.wait_for("1 failed, 1 skipped")
            assert run.ended() == 1

    def test_a_state_that_raises_holds_too(self, place: Place) -> None:
        with terminal(place, STATE_CRASH, options=("--hold",)) as run:
            url = run.wait_for(r"http://127\.0\.0\.1:\d+/\n")[0].strip()
            assert get(f"{url}items") == ["cup"]
            run.type(CTRL_D)
            assert run.ended() == 1

    @pytest.mark.no_database
    @pytest.mark.parametrize("state", ["ada is asking", "ada is logged in"])
    def test_the_browser_is_the_user_of_the_state(self, place: Place, state: str) -> None:
        it = interaction("who it is", "/who", states=[state], response={"body": {"user": "eve"}})
        settings = json.dumps({"PACT_CACHE_DIR": str(place.cache)})
        variables = {"DJANGO_SETTINGS_MODULE": "tests.askingapp.settings", "TESTAPP_SETTINGS": settings}
        options = ("--hold", "--provider-name", "faults")
        with terminal(place, it, options=options, like=Fault("asking", environment=variables)) as run:
            seen = get(run.wait_for(r"http://127\.0\.0\.1:\d+/who")[0])
            assert isinstance(seen, dict)
            assert seen["user"] == "ada"
            run.type(ENTER)
            assert run.ended() == 1

    def test_a_secret_is_not_in_the_url(self, place: Place) -> None:
        it = interaction("by token", "/items", request={"query": "token=s3cret-value"}, response={"body": ["pot"]})
        with terminal(place, it, options=("--hold",)) as run:
            run.wait_for(r"http://127\.0\.0\.1:\d+/\n")
            run.type(ENTER)
            assert run.ended() == 1
            assert "s3cret-value" not in run.screen

    def test_the_url_is_the_one_that_was_sent(self, place: Place) -> None:
        path = "/files/a%2Fb%3Fc%20d"
        with terminal(place, interaction("a file", path, request={"query": "e=%26f"}), options=("--hold",)) as run:
            run.wait_for(rf"http://127\.0\.0\.1:\d+{path}\?e=%26f\n")
            run.type(ENTER)
            assert run.ended() == 1

    def test_a_key_that_was_pressed_before_is_no_answer(self, place: Place) -> None:
        with terminal(place, OTHER, options=("--hold",)) as run:
            run.type(ENTER)
            url = run.wait_for(r"http://127\.0\.0\.1:\d+/items")[0]
            run.wait_for("Enter ends the run")
            assert get(url) == ["cup"]
            run.type(ENTER)
            assert run.ended() == 1

    def test_a_view_that_exits(self, place: Place) -> None:
        with terminal(place, OTHER, options=("--hold",)) as run:
            url = run.wait_for(r"(http://127\.0\.0\.1:\d+)/items")[1]
            run.wait_for("Enter ends the run")
            with pytest.raises(urllib.error.HTTPError) as error:
                get(f"{url}/act/sys_exit")
            assert (error.value.code, error.value.read()) == (502, b"SystemExit: 0")
            assert get(f"{url}/items") == ["cup"]
            run.type(ENTER)
            assert run.ended() == 1

    def test_another_method_than_get(self, place: Place) -> None:
        with terminal(place, interaction("it posts", "/form", method="POST", status=201), options=("--hold",)) as run:
            run.wait_for(r"http://127\.0\.0\.1:\d+/\n")
            run.type(ENTER)
            assert run.ended() == 1

    def test_a_breakpoint_in_a_held_request(self, place: Place) -> None:
        with terminal(place, RED, options=("--hold", *LIMITS)) as run:
            url = run.wait_for(r"(http://127\.0\.0\.1:\d+)/items")[1]
            with ThreadPoolExecutor(1) as pool:
                asked = pool.submit(get, f"{url}/act/debug")
                ask(run, PDB, "price", "12")
                run.wait_for(PDB)
                run.type(CTRL_D)
                assert asked.result() == {}
            run.type(ENTER)
            run.wait_for("1 failed")
            assert run.ended() == 1

    def test_ctrl_c_ends_the_run(self, place: Place) -> None:
        with terminal(place, RED, options=("--hold",)) as run:
            run.wait_for("Enter ends the run")
            run.type(CTRL_C)
            run.wait_for("Interrupted")
            assert run.ended() == 130


@table(
    [
        Fault(
            f"--{name} without a terminal",
            exit_code=2,
            options=(f"--{name}",),
            says=(f"--{name} waits for input, and standard input is not a terminal.",),
        )
        for name in ("pdb", "hold")
    ],
    [
        Fault(
            f"--{name} with --parallel",
            exit_code=2,
            options=(f"--{name}", "--parallel", "2"),
            says=(f"--{name} and --parallel exclude each other",),
        )
        for name in ("pdb", "hold")
    ],
    Fault("--pdb with --hold", exit_code=2, options=("--pdb", "--hold"), says=("not allowed with argument",)),
    Fault("a breakpoint without a terminal", (IN_VIEW, OK), says=("BdbQuit",), options=QUICK),
)
def test_refused(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def write_messages(place: Place, *messages: Mapping[str, object]) -> None:
    (place.pacts / "shop.json").write_text(
        json.dumps(
            {
                "consumer": {"name": "shop"},
                "provider": {"name": "faults"},
                "messages": messages,
                "metadata": {"pactSpecification": {"version": "3.0.0"}},
            }
        )
    )


def get(url: str) -> object:
    with urllib.request.urlopen(url, timeout=20) as response:  # noqa: S310  # the run's own URL
        return json.load(response)
