"""acting_as and login_as: whose request an interaction's request is, and that nobody else's is."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pact_verification import acting_as, login_as
from pact_verification.errors import StateError
from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.running import ROOT, Run, environment, has
from tests.pact_verification.running import run as run_command

PROJECT = "tests.askingapp.settings"
STATES = "tests/askingapp/pact_states.py"

SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
BY_TOKEN = "tests.askingapp.middleware.by_token"
BY_PROCESS_VIEW = "tests.askingapp.middleware.ByProcessView"
REMOTE_USER = "django.contrib.auth.middleware.RemoteUserMiddleware"
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"

ACTING, LOGGED_IN = "ada is asking", "ada is logged in"

ANONYMOUS: dict[str, tuple[int, dict[str, Any]]] = {
    "/who": (200, {"body": {"user": ""}}),
    "/who-async": (200, {"body": {"user": ""}}),
    "/mine": (302, {"headers": {"Location": "/login?next=/mine"}}),
    "/permitted": (403, {}),
    "/drf/session": (403, {}),
    "/drf/token": (401, {"headers": {"WWW-Authenticate": "Token"}}),
    "/drf/jwt": (401, {"headers": {"WWW-Authenticate": "Bearer"}}),
}
"""What each URL answers without credentials."""


@pytest.fixture
def pact(tmp_path: Path) -> Path:
    return tmp_path / "shop.json"


@pytest.fixture(params=["wsgi", "asgi"])
def application(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def verify(pact: Path, *options: str, application: str = "wsgi", **settings: Any) -> Run:
    return run_command(
        "verify_pacts", pact, *options, project=PROJECT, settings={"PACT_APPLICATION": application, **settings}
    )


def as_user(path: str, *states: str, user: str = "ada", method: str = "GET", **more: Any) -> dict[str, Any]:
    """Return an interaction whose response names the user."""
    body = {"user": user, **more.pop("body", {})}
    description = f"{method} {path} as {user!r}, {' and '.join(states) or 'without a state'}"
    return interaction(description, path, states=states, method=method, response={"body": body}, **more)


def anonymous(path: str, after: str = "") -> dict[str, Any]:
    status, response = ANONYMOUS[path]
    return interaction(f"GET {path} without credentials, {after}", path, status=status, response=response)


def green(run: Run, interactions: int) -> None:
    assert (run.exit_code, run.err) == (0, ""), run.out + run.err
    has(run, f"{interactions} interactions of 1 consumer: {interactions} verified")


class TestGreen:
    def test_the_request_is_the_users_and_the_next_one_is_anonymous(self, pact: Path, application: str) -> None:
        acting = ["/who", "/who-async", "/mine", "/drf/session", "/drf/token", "/drf/jwt"]
        logged_in = ["/who", "/who-async", "/mine", "/drf/session"]
        interactions = []
        for state, paths in ((ACTING, acting), (LOGGED_IN, logged_in)):
            for path in paths:
                interactions += [as_user(path, state), anonymous(path, f"after {state}")]
        green(verify(write_pact(pact, *interactions), application=application), 20)

    def test_a_setup_that_fails_does_not_leave_the_user_to_the_next_interaction(
        self, pact: Path, application: str
    ) -> None:
        fails = interaction("it fails", "/who", states=[ACTING, "a name is asking"])
        run = verify(write_pact(pact, fails, anonymous("/who"), anonymous("/drf/token")), application=application)
        has(run, "E it fails", "3 interactions of 1 consumer: 2 verified, 1 state error")

    def test_permissions_are_the_users_as_the_last_state_left_them(self, pact: Path, application: str) -> None:
        interactions = []
        for state in (ACTING, LOGGED_IN):
            may = [state, "ada may add groups"]
            interactions += [
                interaction(f"{state}, refused", "/permitted", states=[state], status=403),
                as_user("/permitted", *may),
                as_user("/who", state, "ada is staff", body={"staff": True}),
            ]
        interactions += [
            interaction("DRF refuses", "/drf/permitted", states=[ACTING], method="POST", status=403),
            as_user("/drf/permitted", ACTING, "ada may add groups", method="POST"),
            anonymous("/permitted"),
        ]
        green(verify(write_pact(pact, *interactions), application=application), 9)

    def test_the_csrf_check_is_out_of_the_way_of_this_request_alone(self, pact: Path, application: str) -> None:
        interactions = [
            as_user(path, state, method="POST") for state in (ACTING, LOGGED_IN) for path in ("/who", "/drf/session")
        ]
        interactions.append(interaction("nobody posts", "/who", method="POST", status=403))
        green(verify(write_pact(pact, *interactions), application=application), 5)

    def test_the_pacts_own_headers_arrive(self, pact: Path, application: str) -> None:
        """A placeholder for a token does not disturb, and neither does a cookie of the pact's."""
        placeholder = {"headers": {"Authorization": "Bearer placeholder"}}
        cookies = {"headers": {"Cookie": "sessionid=of-the-pact; theme=dark"}}
        write_pact(
            pact,
            as_user("/drf/jwt", ACTING, request=placeholder),
            as_user("/who", ACTING, request=placeholder, body={"authorization": "Bearer placeholder"}),
            as_user("/who", ACTING, request=cookies, body={"theme": "dark"}),
            as_user("/who", LOGGED_IN, request=cookies, body={"session": True, "theme": "dark"}),
        )
        green(verify(pact, application=application), 4)

    def test_the_last_call_counts(self, pact: Path, application: str) -> None:
        write_pact(
            pact,
            as_user("/who", ACTING, "bob is asking", user="bob"),
            as_user("/who", ACTING, "bob is logged in", user="bob", body={"session": True}),
            as_user("/who", LOGGED_IN, "bob is asking", user="bob", body={"session": False}),
            as_user("/who", ACTING, "nobody is asking", user=""),
            as_user("/who", LOGGED_IN, "nobody is asking", user="", body={"session": False}),
            as_user("/who", "an unsaved user is asking", user="una"),
        )
        green(verify(pact, application=application), 6)

    @pytest.mark.parametrize("more", [BY_TOKEN, BY_PROCESS_VIEW, REMOTE_USER, LOGIN_REQUIRED])
    def test_acting_as_wins_over_middleware(self, pact: Path, application: str, more: str) -> None:
        """RemoteUserMiddleware logs users out whom it does not know."""
        write_pact(pact, *(as_user(path, ACTING) for path in ("/who", "/who-async", "/mine", "/drf/session")))
        run = verify(pact, application=application, MIDDLEWARE=[SESSIONS, CSRF, AUTHENTICATION, more])
        green(run, 4)

    def test_drf_without_a_middleware_that_knows_users(self, pact: Path, application: str) -> None:
        write_pact(pact, as_user("/drf/token", ACTING), anonymous("/drf/token"))
        green(verify(pact, application=application, MIDDLEWARE=[]), 2)

    @pytest.mark.parametrize("engine", ["cache", "file", "cached_db", "signed_cookies"])
    def test_login_as_with_another_session_engine(self, pact: Path, engine: str) -> None:
        write_pact(pact, as_user("/who", LOGGED_IN), anonymous("/who"), as_user("/mine", LOGGED_IN))
        green(verify(pact, SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}"), 3)

    def test_a_backend_that_lets_inactive_users_in(self, pact: Path) -> None:
        write_pact(
            pact,
            as_user("/who", "an inactive user is asking", user="ina"),
            as_user("/who", "an inactive user is logged in", user="ina"),
        )
        green(verify(pact, AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.AllowAllUsersModelBackend"]), 2)


INACTIVE = (
    "this user is inactive, and no backend in AUTHENTICATION_BACKENDS lets an inactive user in. Set is_active, or "
    "leave the call out for an anonymous request."
)
UNSAVED = "login_as() takes a user that is in the database, and <User: una> is not saved. Save it first."
NO_USER = (
    "has no user to log in. A request is anonymous by itself: leave the call out, or take an earlier one back with "
    "acting_as(None)."
)


class TestMistakes:
    def test_in_a_state(self, pact: Path, application: str) -> None:
        mistakes = (
            (["an inactive user is asking"], f"acting_as(<User: ina>): {INACTIVE} ({STATES}:"),
            (["an inactive user is logged in"], f"login_as(<User: ina>): {INACTIVE} ({STATES}:"),
            ([ACTING, "ada is deactivated"], f"acting_as(<User: ada>): {INACTIVE} ({STATES}:15)"),
            ([ACTING, "ada is deleted"], f"acting_as(<User: ada>): a later state has deleted this user. ({STATES}:15)"),
            (["a name is asking"], f"acting_as() takes a user, such as User.objects.get(…), not 'ada'. ({STATES}:"),
            (["a name is logged in"], f"login_as() takes a User (AUTH_USER_MODEL), not 'ada'. ({STATES}:"),
            (["an unsaved user is logged in"], f"{UNSAVED} ({STATES}:"),
            (["an anonymous user is asking"], f"acting_as(AnonymousUser) {NO_USER} ({STATES}:"),
            (["an anonymous user is logged in"], f"login_as(AnonymousUser) {NO_USER} ({STATES}:"),
        )
        write_pact(pact, *(interaction("it asks", "/who", states=states) for states, _ in mistakes))
        run = verify(pact, application=application)
        assert run.exit_code == 1
        has(run, "9 interactions of 1 consumer: 9 state errors")
        read = re.sub(r"\] cause \d ", "] ", " ".join(run.out.split()))
        for states, says in mistakes:
            assert f"E it asks [{', '.join(states)}] {says}" in read

    def test_in_a_request_filter(self, pact: Path, application: str) -> None:
        late = interaction("too late", "/who", request={"headers": {"X-Too-Late": "1"}})
        run = verify(write_pact(pact, late), application=application)
        has(run, "StateError: acting_as() was called outside of a provider state. Call it in a function that", STATES)

    @pytest.mark.parametrize("function", [acting_as, login_as])
    def test_outside_of_an_interaction(self, function: Any) -> None:
        with pytest.raises(StateError, match=rf"^{function.__name__}\(\) was called outside of a provider state\."):
            function(object())

    @pytest.mark.parametrize(("state", "called"), [(ACTING, "acting_as"), (LOGGED_IN, "login_as")])
    def test_no_middleware_knows_users(self, pact: Path, application: str, state: str, called: str) -> None:
        """The project has no DRF, which would look at the request itself."""
        run = verify(
            write_pact(pact, interaction("it asks", "/static-who", states=[state])),
            application=application,
            MIDDLEWARE=[SESSIONS],
            ROOT_URLCONF="tests.askingapp.urls_without_drf",
            INSTALLED_APPS=[
                *("tests.askingapp", "pact_verification"),
                *("django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"),
            ],
        )
        assert run.exit_code == 1
        has(
            run,
            f"StateError: {called}() has no effect: no middleware sets request.user. Add Django's "
            "AuthenticationMiddleware to MIDDLEWARE, or give the request credentials in a request_filter.",
        )

    def test_login_without_the_app_for_sessions(self, pact: Path) -> None:
        apps = [
            *("tests.askingapp", "pact_verification", "django.contrib.auth", "django.contrib.contenttypes"),
            *("rest_framework", "rest_framework.authtoken"),
        ]
        run = verify(
            write_pact(pact, interaction("it asks", "/drf/token", states=[LOGGED_IN])),
            INSTALLED_APPS=apps,
            MIDDLEWARE=[],
        )
        has(
            run,
            "login_as() needs django.contrib.sessions in INSTALLED_APPS, and it is not there. For a project without "
            "sessions, use acting_as(), or give the request a token in a request_filter.",
        )


@contextmanager
def served(settings: dict[str, Any]) -> Iterator[str]:
    """Run the asking app under gunicorn, and yield its URL. The socket listens from the start."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--no-control-socket"),
                "django.core.wsgi:get_wsgi_application()",
            ],
            cwd=ROOT,
            env={
                **environment(project=PROJECT, settings={**settings, "ALLOWED_HOSTS": ["127.0.0.1"]}),
                "PYTHONWARNINGS": "",
            },
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as gunicorn,
    ):
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            gunicorn.terminate()


@pytest.mark.no_database  # its database is a file
class TestServerElsewhere:
    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        name = str(tmp_path / "scratch.sqlite3")
        settings = {
            "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": name}},
            "PACT_DISPOSABLE_DATABASES": [name],
        }
        ran = run_command("migrate", "--verbosity", "0", project=PROJECT, settings=settings)
        assert ran.exit_code == 0, ran.err
        return settings

    @pytest.mark.parametrize("own", [{}, {"CSRF_USE_SESSIONS": True}], ids=str)
    def test_login_as_reaches_it_and_its_csrf_check_lets_the_request_through(
        self, pact: Path, settings: dict[str, Any], own: dict[str, Any]
    ) -> None:
        write_pact(
            pact,
            as_user("/who", LOGGED_IN),
            as_user("/who", LOGGED_IN, method="POST"),
            as_user("/drf/session", LOGGED_IN, method="POST"),
            anonymous("/who"),
            anonymous("/drf/session"),
            interaction("nobody posts", "/who", method="POST", status=403),
        )
        with served({**settings, **own}) as url:
            run = verify(pact, "--provider-url", url, **settings, **own)
        assert run.exit_code == 0, run.out + run.err
        has(run, "6 interactions of 1 consumer: 6 verified")

    def test_acting_as_and_sessions_that_are_not_shared_are_refused(self, pact: Path, settings: dict[str, Any]) -> None:
        write_pact(
            pact, interaction("acting", "/who", states=[ACTING]), interaction("login", "/who", states=[LOGGED_IN])
        )
        cached = {**settings, "SESSION_ENGINE": "django.contrib.sessions.backends.cache"}
        with served(cached) as url:
            run = verify(pact, "--provider-url", url, **cached)
        assert run.exit_code == 1
        has(
            run,
            "acting_as() can't change the request of a server that runs elsewhere (--provider-url). Use login_as() for "
            f"a session, or give the request a token in a request_filter. ({STATES}:",
            "login_as() can't reach the sessions of the server (--provider-url): SESSION_ENGINE is "
            "'django.contrib.sessions.backends.cache', whose sessions this process does not share. Give the request a "
            f"token in a request_filter, or use a session engine on the database. ({STATES}:",
            "2 interactions of 1 consumer: 2 state errors",
        )
