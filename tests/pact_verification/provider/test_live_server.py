"""Who can reach the state endpoint, and what it answers."""

import http.client
import json
from collections.abc import Iterator

import pytest
from django.test import Client, override_settings
from django.urls import get_resolver
from pytest_django import DjangoDbBlocker

from pact_verification.pacts.pact import Interaction, ProviderState
from pact_verification.provider.http_connection import HOST, RUN_HEADER
from pact_verification.provider.isolation import Isolation
from pact_verification.provider.live_server import LiveServer
from pact_verification.states.registry import Registry

pytestmark = pytest.mark.no_database  # its project has no database


def interaction(description: str, *states: str) -> Interaction:
    return Interaction(description, tuple(map(ProviderState, states)))


class NoIsolation(Isolation):
    def __init__(self) -> None: ...

    def begin(self) -> None: ...

    def open(self) -> None: ...

    def commit(self) -> None: ...

    def roll_back(self) -> None: ...


@pytest.fixture
def server(django_db_blocker: DjangoDbBlocker) -> Iterator[LiveServer]:
    registry = Registry()
    registry.provider_state("fine")(lambda: {"id": 1})
    registry.provider_state("broken")(_raise_system_exit)
    with django_db_blocker.unblock(), override_settings(ROOT_URLCONF="tests.testapp.nodb.urls", MIDDLEWARE=[]):
        server = LiveServer(registry, NoIsolation, 5)
        with server.running():
            yield server


def _raise_system_exit() -> None:
    raise SystemExit(3)


def post(server: LiveServer, path: str, body: object) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(HOST, server.http.port, timeout=5)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", RUN_HEADER: server.secret})
    response = connection.getresponse()
    try:
        return response.status, response.read()
    finally:
        connection.close()


def setup(state: str) -> dict[str, object]:
    return {"action": "setup", "state": state, "params": {}}


class TestStateEndpoint:
    def test_values_of_a_state_are_the_answer(self, server: LiveServer) -> None:
        server.expect([interaction("a", "fine")])
        assert post(server, server.state_path, setup("fine")) == (200, b'{"id": 1}')

    def test_a_state_that_fails_is_not_tried_again(self, server: LiveServer) -> None:
        """The answer is 422: after a 5xx the core would try for two minutes. SystemExit is not an Exception."""
        server.expect([interaction("a", "broken", "fine"), interaction("b", "fine")])
        assert post(server, server.state_path, setup("broken"))[0] == 422
        assert post(server, server.state_path, setup("fine"))[0] == 422
        assert post(server, server.state_path, setup("fine"))[0] == 200
        assert "SystemExit: 3" in (server.recordings[0].exchange.state_error or "")
        assert server.recordings[1].exchange.state_error is None

    def test_out_of_step_is_an_error(self, server: LiveServer) -> None:
        server.expect([interaction("a", "broken")])
        assert post(server, server.state_path, setup("fine"))[0] == 422
        assert "out of step" in (server.recordings[0].exchange.state_error or "")

    def test_the_last_interaction_is_ended_without_a_request(self, server: LiveServer) -> None:
        server.expect([interaction("a", "fine")])
        post(server, server.state_path, setup("fine"))
        assert not server.recordings[0].ended
        assert server.finish(10)
        assert server.recordings[0].ended

    def test_any_other_path_is_the_projects(self, server: LiveServer) -> None:
        server.expect([interaction("a", "fine")])
        post(server, server.state_path, setup("fine"))
        assert post(server, server.state_path + "x", setup("fine"))[0] == 404
        assert post(server, "/", setup("fine"))[0] == 404

    def test_a_request_before_the_first_interaction_disturbs_nothing(self, server: LiveServer) -> None:
        assert post(server, "/", {})[0] == 503
        server.expect([interaction("a", "fine")])
        assert post(server, "/", {})[0] == 503
        assert post(server, server.state_path, setup("fine")) == (200, b'{"id": 1}')
        server.check_alive()

    def test_no_other_server_has_it(self, server: LiveServer) -> None:
        """The project as everybody else serves it, asked at the very path that works here, while it works here."""
        server.expect([interaction("a", "fine")])
        assert post(server, server.state_path, setup("fine"))[0] == 200
        answer = Client().post(server.state_path, setup("fine"), content_type="application/json")
        assert answer.status_code == 404

    def test_the_path_can_not_be_guessed(self) -> None:
        paths = {LiveServer(Registry(), NoIsolation, 5).state_path for _ in range(100)}
        assert len(paths) == 100
        assert min(map(len, paths)) > 30


def test_no_url_leads_here() -> None:
    views = [str(getattr(pattern, "callback", pattern)) for pattern in get_resolver().url_patterns]
    assert views
    assert not [view for view in views if "pact_verification" in view]


def test_a_thread_that_can_not_start_says_why() -> None:
    def no_isolation() -> Isolation:
        raise RuntimeError("no connection")

    server = LiveServer(Registry(), no_isolation, 5)
    with pytest.raises(RuntimeError, match="no connection"), server.running():
        pass
    assert not server.thread.is_alive()
