import gzip
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from pact_verification.broker import hal
from pact_verification.broker.hal import Client, linked, origin
from pact_verification.errors import BrokerError
from pact_verification.system.credentials import Credentials, hide_credentials
from tests.broker_double import BrokerDouble, Fault

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(
    "url",
    ["http://broker:80/x", "HTTP://Broker/", "http://broker?x", "http://broker"],
)
def test_one_origin(url: str) -> None:
    assert origin(url) == origin("http://broker/a/path")


@pytest.mark.parametrize(
    "url",
    [
        "https://broker/",
        "http://broker:81/",
        "http://broker.evil/",
        "http://evil\\@broker/",
        "http://broker@evil/",
        "http://evil@broker/",
        "http://bro\tker/",
        "http://broker\n/",
        "http://[::1",
        "//broker/",
        "",
    ],
)
def test_another_origin(url: str) -> None:
    assert origin(url) != origin("http://broker/")


def test_links_that_are_none() -> None:
    documents: list[Any] = [None, [], {}, {"_links": 1}, {"_links": {"a": 1}}, {"_links": {"a": {"href": None}}}]
    for document in documents:
        assert linked(document, "a") is None


def test_a_relative_link_is_followed() -> None:
    with BrokerDouble() as broker:
        assert Client(broker.url, Credentials()).get("/pacticipants")["_links"]


@pytest.mark.parametrize("compressed", [False, True])
def test_an_answer_without_an_end(monkeypatch: pytest.MonkeyPatch, *, compressed: bool) -> None:
    monkeypatch.setattr(hal, "ANSWER_BYTES", 1_000_000)
    body = b"x" * 20_000_000
    headers = {"Content-Encoding": "gzip"} if compressed else {}
    with BrokerDouble() as broker:
        broker.fault("GET", "", Fault(status=200, body=gzip.compress(body) if compressed else body, headers=headers))
        with pytest.raises(BrokerError, match="was answered with more than 1,000,000 bytes"):
            Client(broker.url, Credentials()).content(broker.url)


def test_an_answer_that_is_not_what_it_says() -> None:
    with BrokerDouble() as broker:
        broker.fault("GET", "", Fault(status=200, body=b"plain", headers={"Content-Encoding": "gzip"}))
        with pytest.raises(BrokerError, match="broke off, or garbled, its answer to GET"):
            Client(broker.url, Credentials()).content(broker.url)


def test_answers_that_together_take_too_long() -> None:
    """Each would be in time."""
    with BrokerDouble() as broker:
        client = Client(broker.url, Credentials(), answer_seconds=60)
        broker.fault("GET", "pacticipants", Fault.hang())
        with client.at_once():
            client.get(broker.url)
            client._deadline = 0  # what is left when others have taken all of it
            with pytest.raises(BrokerError, match="did not answer GET"):
                client.get(f"{broker.url}/pacticipants")
        assert client.get(broker.url)


def test_secrets_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACT_BROKER_TOKEN", "a-long-secret")
    assert hide_credentials("xa-long-secretx") == "x(hidden)x"
    monkeypatch.setenv("PACT_BROKER_TOKEN", "")
    monkeypatch.setenv("PACT_BROKER_USERNAME", "pact")
    monkeypatch.setenv("PACT_BROKER_PASSWORD", "pact")
    assert hide_credentials("the pacticipant's password is pact (cGFjdDpwYWN0)") == (
        "the pacticipant's password is (hidden) ((hidden))"
    )


@pytest.mark.parametrize("spell", [str, repr, json.dumps, quote, lambda secret: quote(secret, safe="")])
def test_secrets_are_hidden_however_they_are_spelt(
    monkeypatch: pytest.MonkeyPatch, spell: Callable[[str], str]
) -> None:
    secret = "a/secret+pass \"wö'rd\\"
    monkeypatch.setenv("PACT_BROKER_TOKEN", secret)
    assert "secret" not in hide_credentials(f"<{spell(secret)}>")
    assert "secret" not in hide_credentials(secret.encode("ascii", "backslashreplace").decode())


def test_credentials_are_not_in_their_repr() -> None:
    assert "secret" not in repr(Credentials("secret", "me", "secret"))
