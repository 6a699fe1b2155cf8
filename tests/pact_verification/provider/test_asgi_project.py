"""A project as its ASGI application serves it: lifespan, asynchronous code, and what goes wrong in it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from pact_verification.conf import conf
from pact_verification.errors import CannotVerify
from pact_verification.provider import asgi_project
from pact_verification.provider.asgi_application import load_application
from pact_verification.provider.asgi_project import scope_of
from pact_verification.provider.live_server import LiveServer
from pact_verification.states.registry import Registry
from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.provider.test_live_server import NoIsolation
from tests.pact_verification.running import Run, has, run_code
from tests.pact_verification.running import run as run_command

pytestmark = pytest.mark.measured

PROJECT = "tests.asgiapp.settings"
CUP = ["an item cup exists"]
EMPTY = interaction("nothing", response={"body": []})


@pytest.fixture
def pact(tmp_path: Path) -> Path:
    return tmp_path / "shop.json"


def verify(pact: Path, *options: str, **more: Any) -> Run:
    return run_command("verify_pacts", pact, *options, project=PROJECT, **more)


def asked(items: list[str]) -> dict[str, Any]:
    return interaction("a task of the lifespan", "/asked", states=CUP, response={"body": {"items": items}})


SERVED = (
    interaction(
        "an asynchronous view and both kinds of middleware",
        states=CUP,
        response={"body": ["cup"], "headers": {"X-Asynchronous": "yes", "X-Synchronous": "yes"}},
    ),
    EMPTY,
    interaction(
        "a synchronous view on the live server's thread",
        "/sync-items",
        states=CUP,
        response={"body": {"items": ["cup"], "thread": "pact-live-server"}},
    ),
    interaction(
        "the scope as the wrapper left it, and META as a request filter did",
        "/scope",
        request={"query": "q=%C3%A9", "headers": {"X-Trace": "1"}},
        response={
            "body": {
                "type": "http",
                "http_version": "1.1",
                "method": "GET",
                "path": "/scope",
                "scheme": "http",
                "wrapped": True,
                "query": "é",
                "trace": "by somebody@example.com",
            }
        },
    ),
    asked(["cup"]),
    interaction(
        "asynchronous code in a state",
        states=["an item jug is made by asynchronous code"],
        response={"body": ["jug"]},
    ),
    interaction(
        "a stream",
        "/stream",
        states=CUP,
        response={"body": "data: cup\n\n", "headers": {"Content-Type": "text/event-stream"}},
    ),
    interaction("asynchronous code in a synchronous view", "/nested", states=CUP, response={"body": ["cup"]}),
    interaction(
        "a page for errors, which asks the database",
        "/crash",
        states=CUP,
        status=500,
        response={"body": {"error": True, "items": 1}},
    ),
    interaction(
        "a row",
        method="POST",
        states=["ada@example.com is asking"],
        request={"headers": {"Content-Type": "application/x-www-form-urlencoded"}, "body": "name=jug"},
        response={"body": ["jug"]},
    ),
    EMPTY,
)


@pytest.mark.parametrize("options", [[], ["--isolation", "flush"], ["--parallel", "2"]], ids=str)
def test_it_is_served_and_sees_one_database(pact: Path, options: list[str]) -> None:
    """What the startup has written is taken back before the first interaction."""
    run = verify(write_pact(pact, *SERVED), *options)
    assert (run.exit_code, run.err) == (0, ""), run.out + run.err
    has(run, "11 interactions of 1 consumer: 11 verified")


def test_with_call_command_and_no_more_is_imported_for_a_wsgi_project(pact: Path) -> None:
    write_pact(pact, interaction("items", "/items", states=CUP, response={"body": ["cup"]}))
    code = (
        "import sys, django; django.setup()\n"
        "from django.core.management import call_command\n"
        f"call_command('verify_pacts', {str(pact)!r})\n"
        "print('loop' if 'pact_verification.provider.event_loop' in sys.modules else 'no loop')\n"
    )
    for settings, said in (({}, "loop"), ({"PACT_APPLICATION": "wsgi"}, "no loop")):
        run = run_code(code, project=PROJECT, settings={"MIDDLEWARE": [], **settings})
        assert (run.exit_code, run.err) == (0, ""), run.out + run.err
        assert run.out.splitlines()[-1] == said


@pytest.mark.parametrize("middleware", [{}, {"MIDDLEWARE": []}], ids=["with synchronous middleware", "without"])
def test_a_task_that_a_view_leaves_running_does_not_write_to_the_next_interaction(
    pact: Path, middleware: dict[str, Any]
) -> None:
    write_pact(
        pact,
        interaction("it leaves a task", "/leave-task"),
        interaction("the next", "/wait-for-task", response={"body": {"items": 0}}),
    )
    run = verify(pact, settings=middleware)
    assert run.exit_code == 0, run.out + run.err


class TestWhoIsAsking:
    def test_a_custom_user_until_the_interaction_ends(self, pact: Path) -> None:
        def who(description: str, user: str, *states: str, session: bool = False) -> dict[str, Any]:
            body = {"user": user, "session": session}
            return interaction(description, "/who", states=states, response={"body": body})

        write_pact(
            pact,
            who("acting", "ada@example.com", "ada@example.com is asking"),
            who("after acting", "AnonymousUser"),
            who("logged in", "bob@example.com", "bob@example.com is logged in", session=True),
            who("after the login", "AnonymousUser"),
        )
        run = verify(pact)
        assert (run.exit_code, run.err) == (0, ""), run.out + run.err

    def test_an_application_that_does_not_ask_django(self, pact: Path) -> None:
        write_pact(pact, interaction("outside", "/outside", states=["ada@example.com is asking"]))
        run = verify(pact)
        assert run.exit_code == 0
        not_django = "tests.asgiapp.asgi.application answered, and did not ask Django."
        has(run, f"warning: No request filter ran: {not_django} warning: acting_as() had no effect: {not_django}")


class TestWhatGoesWrong:
    @pytest.mark.parametrize(
        ("path", "says"),
        [
            (
                "/waiting",
                "took 0.5 s to answer, and may take 0.5 s (--request-timeout). It waited at tests/asgiapp/views.py:",
            ),
            (
                "/endless",
                "took 0.5 s to answer, and may take 0.5 s (--request-timeout). It waited at tests/asgiapp/views.py:",
            ),
            ("/deaf", "and may take 0.5 s (--request-timeout). It waited at tests/asgiapp/asgi.py:"),
            ("/long", "The response is longer than 0.01 MB, and was not read to its end."),
            ("/unfinished", "The ASGI application returned before its response was complete."),
            ("/crash", 'tests/asgiapp/views.py:107 in crash raise RuntimeError("the tap drips")'),
            ("/crash-on-commit", 'in fail raise RuntimeError("the lid does not close")'),
            ("/leave", "in leave sys.exit(3) SystemExit: 3"),
            ("/exit", "view tests.asgiapp.asgi.application answered, and did not ask Django"),
            ("/nothing", "view no URL pattern matches. The nearest:"),
        ],
    )
    def test_only_its_interaction_fails(self, pact: Path, path: str, says: str) -> None:
        after = interaction("after", states=CUP, response={"body": ["cup"]})
        write_pact(pact, EMPTY, interaction("wrong", path), after)
        run = verify(pact, "--request-timeout", "0.5", settings={"PACT_MAX_RESPONSE_BYTES": 10_000})
        assert run.exit_code == 1
        has(run, says, "✓ 2 verified", "✗ wrong", "3 interactions of 1 consumer: 2 verified, 1 failed")

    @pytest.mark.parametrize(
        ("path", "says"),
        [
            ("/stubborn", "GET /stubborn, in tests.asgiapp.views.stubborn, which waited at tests/asgiapp/views.py:"),
            ("/blocking", 'GET /blocking, in tests.asgiapp.views.blocking. It was at File "'),
            ("/blocking", 'tests/asgiapp/views.py", line 102 in blocking'),
        ],
    )
    def test_what_does_not_end_when_it_is_cancelled_ends_the_run(self, pact: Path, path: str, says: str) -> None:
        write_pact(pact, EMPTY, interaction("it hangs", path))
        run = verify(pact, "--request-timeout", "0.5")
        assert run.exit_code == 1
        has(run, "✓ 1 verified", "? it hangs cause 1 It did not come back in 2 s, so the run was stopped:", says)


class TestLifespan:
    def test_it_starts_and_stops_once(self, pact: Path, tmp_path: Path) -> None:
        log = tmp_path / "log"
        assert verify(write_pact(pact, EMPTY, asked(["cup"])), ASGIAPP_LOG=str(log)).exit_code == 0
        assert log.read_text() == "startup\nshutdown\n"

    @pytest.mark.parametrize(
        ("fault", "says"),
        [
            ("raises", "RuntimeError: the pool does not open (tests/asgiapp/asgi.py:"),
            ("fails", "no pool"),
        ],
    )
    def test_a_startup_that_fails_ends_the_run(self, pact: Path, fault: str, says: str) -> None:
        run = verify(write_pact(pact, EMPTY), ASGIAPP_LIFESPAN=fault)
        assert (run.exit_code, run.out) == (2, "")
        has(run, f"The startup of the ASGI application tests.asgiapp.asgi.application failed: {says}")

    def test_an_application_without_a_lifespan(self, pact: Path) -> None:
        run = verify(write_pact(pact, EMPTY), ASGIAPP_LIFESPAN="unsupported")
        assert (run.exit_code, run.err) == (0, "")

    def test_a_shutdown_that_fails_does_not_change_the_verdict(self, pact: Path) -> None:
        run = verify(write_pact(pact, EMPTY), ASGIAPP_LIFESPAN="fails to stop")
        assert run.exit_code == 0
        assert run.err == (
            "The shutdown of the ASGI application tests.asgiapp.asgi.application failed: the pool does not close\n"
        )


async def never_starts(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await asyncio.sleep(999)


async def never_stops(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await asyncio.sleep(999)


class TestLifespanWithoutEnd:
    @contextmanager
    def running(self, application: str, blocker: DjangoDbBlocker) -> Iterator[LiveServer]:
        own = {"PACT_APPLICATION": "asgi", "ASGI_APPLICATION": f"{__name__}.{application}"}
        with blocker.unblock(), override_settings(**own, ROOT_URLCONF="tests.testapp.nodb.urls"):
            server = LiveServer(Registry(), NoIsolation, 5)
            with server.running():
                yield server

    def test_startup(self, monkeypatch: pytest.MonkeyPatch, django_db_blocker: DjangoDbBlocker) -> None:
        monkeypatch.setattr(asgi_project, "STARTUP_SECONDS", 0.1)
        with (
            pytest.raises(CannotVerify, match=r"never_starts did not end in 0.1 s\. It waited at .*test_asgi_project"),
            self.running("never_starts", django_db_blocker),
        ):
            pass

    def test_shutdown(
        self, monkeypatch: pytest.MonkeyPatch, django_db_blocker: DjangoDbBlocker, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(asgi_project, "SHUTDOWN_SECONDS", 0.1)
        with self.running("never_stops", django_db_blocker) as server:
            pass
        assert not server.thread.is_alive()
        (record,) = caplog.records
        assert "never_stops did not end in 0.1 s. It waited at" in record.getMessage()


class TestWhichApplication:
    @pytest.mark.parametrize(
        ("settings", "application"),
        [
            ({}, "wsgi"),
            ({"ASGI_APPLICATION": "shop.asgi.application"}, "asgi"),
            ({"ASGI_APPLICATION": "shop.asgi.application", "WSGI_APPLICATION": "shop.wsgi.application"}, "wsgi"),
            ({"WSGI_APPLICATION": "shop.wsgi.application", "PACT_APPLICATION": "asgi"}, "asgi"),
            ({"ASGI_APPLICATION": "shop.asgi.application", "PACT_APPLICATION": "wsgi"}, "wsgi"),
        ],
    )
    def test_it_is_detected_unless_the_setting_says(self, settings: dict[str, Any], application: str) -> None:
        with override_settings(**{"ASGI_APPLICATION": None, "WSGI_APPLICATION": None, **settings}):
            assert application == conf.PACT_APPLICATION

    def test_beside_the_settings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The settings are in a package of their own, and the application in the one around it."""
        (tmp_path / "crockery" / "settings").mkdir(parents=True)
        (tmp_path / "crockery" / "settings" / "production.py").touch()
        (tmp_path / "crockery" / "asgi.py").write_text("application = 'the application'")
        monkeypatch.syspath_prepend(tmp_path)
        with override_settings(ASGI_APPLICATION=None, SETTINGS_MODULE="crockery.settings.production"):
            assert load_application() == ("crockery.asgi.application", "the application")

    def test_there_is_none(self) -> None:
        own = {"SETTINGS_MODULE": "tests.testapp.settings", "ROOT_URLCONF": "tests.testapp.nodb.urls"}
        with override_settings(ASGI_APPLICATION=None, **own), pytest.raises(CannotVerify) as error:
            load_application()
        assert str(error.value) == (
            "PACT_APPLICATION is 'asgi', and there is no ASGI application: ASGI_APPLICATION is not set, and there is "
            "no module tests.testapp.asgi or tests.asgi or asgi or tests.testapp.nodb.asgi. Set ASGI_APPLICATION to "
            "its dotted name, such as 'config.asgi.application'."
        )

    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("tests.no_such.application", "ModuleNotFoundError: No module named 'tests.no_such'"),
            ("tests.asgiapp.asgi.app", "AttributeError: module 'tests.asgiapp.asgi' has no attribute 'app'"),
            ("application", "ValueError: Empty module name"),
        ],
    )
    def test_one_that_can_not_be_imported(self, pact: Path, name: str, says: str) -> None:
        run = verify(write_pact(pact, EMPTY), settings={"ASGI_APPLICATION": name})
        assert (run.exit_code, run.out) == (2, "")
        has(run, f"The ASGI application '{name}' can't be imported: {says}")


def test_the_scope_has_the_request_as_it_was_sent() -> None:
    environ = {
        "REQUEST_METHOD": "POST",
        "RAW_URI": "/a%2Fb/%C3%A9?c=%C3%A9",
        "QUERY_STRING": "c=%C3%A9",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "",
        "HTTP_HOST": "api.example.com",
        "HTTP_X_NAME": "\xe9",
        "wsgi.url_scheme": "https",
    }
    state = {"pool": 1}
    scope = scope_of(environ, state)
    assert scope == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": "/a/b/é",
        "raw_path": b"/a%2Fb/%C3%A9",
        "query_string": b"c=%C3%A9",
        "root_path": "",
        "headers": [(b"content-type", b"text/plain"), (b"host", b"api.example.com"), (b"x-name", b"\xe9")],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 8000),
        "state": {"pool": 1},
    }
    assert scope["state"] is not state
