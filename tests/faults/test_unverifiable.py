"""What can't be verified at all is a result of its own. Everything else is verified and reported."""

import json
import socket
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import (
    NOT_VERIFIED,
    OK,
    OK_TOO,
    PRODUCER_ERROR,
    VERIFIED,
    Fault,
    Place,
    Ran,
    check,
    judge,
    run,
    table,
)
from tests.pact_verification.pact_files import document

PENDING = {"pending": True}
HTTP = {"type": "Synchronous/HTTP"}
V4_OK = {**OK, **HTTP}
ASYNCHRONOUS = {"type": "Asynchronous/Messages", "description": "a shelf is empty", "contents": {"content": {"a": 1}}}
SYNCHRONOUS = {
    "type": "Synchronous/Messages",
    "description": "how many cups",
    "request": {"contents": {"content": {"a": 1}, "contentType": "application/json"}},
    "response": [{"contents": {"content": {"b": 1}, "contentType": "application/json"}}],
}
NO_RESPONSE = {**SYNCHRONOUS, "response": []}
UNKNOWN_STATE = [{"name": "a state that has no handler"}]

Arrange = Callable[[Place], None]


def pacts(**documents: Mapping[str, Any] | str) -> Arrange:
    """Write pacts, each into a file of its own; a text is written as it is."""

    def arrange(place: Place) -> None:
        (place.pacts / "shop.json").unlink()
        for name, content in documents.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (place.pacts / f"{name}.json").write_text(text)

    return arrange


def v4(*interactions: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {**document(*interactions, provider="faults", version="4.0"), **more}


def v3(*interactions: Mapping[str, Any], consumer: str = "shop", **more: Any) -> dict[str, Any]:
    return {**document(*interactions, provider="faults", consumer=consumer), **more}


def holding(name: str, *outcomes: str, says: tuple[str, ...] = (), exit_code: int = 1, **documents: Any) -> Fault:
    options = () if exit_code else ("--verbosity", "2")  # which lists what is green, too
    return Fault(name, exit_code=exit_code, outcomes=outcomes, says=says, options=options, arrange=pacts(**documents))


@table(
    Fault(
        "messages beside HTTP without producers, with states that no handler knows",
        exit_code=2,
        says=("1 provider state has no handler and 2 messages have no producer:", '@message_producer("how many cups")'),
        arrange=pacts(shop=v4({**ASYNCHRONOUS, "providerStates": UNKNOWN_STATE}, V4_OK, SYNCHRONOUS)),
    ),
    Fault(
        "nothing but a message",
        exit_code=2,
        says=("1 message has no producer:",),
        arrange=pacts(shop=v4(ASYNCHRONOUS)),
    ),
    holding(
        "a pact of V3 messages of which it says nothing beside another",
        *(NOT_VERIFIED, VERIFIED, VERIFIED),
        says=("The pact says nothing of the message but", "2 verified, 1 not verified"),
        a={**v3(consumer="listener"), "messages": [{"description": "m"}]},
        b=v3(OK, OK_TOO),
    ),
    holding(
        "a pending message without a producer",
        *(VERIFIED, PRODUCER_ERROR),
        exit_code=0,
        says=("No producer for the message 'a shelf is empty'.",),
        shop=v4(V4_OK, {**ASYNCHRONOUS, **PENDING}),
    ),
    holding("V3 with an empty list of messages", VERIFIED, exit_code=0, shop=v3(OK, messages=[])),
)  # fmt: skip
def test_messages(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


@table(
    holding(
        "an unreadable pact beside another",
        *(NOT_VERIFIED, VERIFIED),
        says=("a.json: interaction 1 ('d') has no response.",),
        a=v3({"description": "d", "request": {"path": "/items"}}),
        b=v3(OK),
    ),
    holding(
        "no JSON beside a pact",
        *(NOT_VERIFIED, VERIFIED),
        says=("a.json can't be read: it is not JSON", "(unknown consumer)"),
        a="{",
        b=v3(OK),
    ),
    Fault("nothing but unreadable pacts", exit_code=2, says=("interaction 1 ('d') has no request", "b.json: interact"),
          arrange=pacts(a=v3({"description": "d"}), b=v3({"description": "e"}))),
    holding(
        "another provider's pact, whatever is in it",
        VERIFIED,
        exit_code=0,
        a={"consumer": {"name": "c"}, "provider": {"name": "another"}, "interactions": None, "metadata": 3},
        b=v3(OK),
    ),
)  # fmt: skip
def test_unreadable_pacts(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


ANY_ANSWER = {"request": {"path": "/items"}, "response": {"status": 200}}


@table(
    holding(
        "provider states in a text are none, as the core reads them",
        VERIFIED,
        exit_code=0,
        says=("The pact's providerStates is the text 'a state'. The Pact core takes that for no state.",),
        shop=v3({"description": "d", "providerStates": "a state", **ANY_ANSWER}),
    ),
    holding(
        "provider states that are texts have no name, as the core reads them",
        VERIFIED,
        exit_code=0,
        says=("The pact's providerStates holds texts, not objects: a state, b.",),
        shop=v3({"description": "d", "providerStates": ["a state", "b"], **ANY_ANSWER}),
    ),
    holding(
        "an empty name before another spelling",
        VERIFIED,
        exit_code=0,
        shop=v3({"description": "d", "providerState": "", "provider_state": "unknown", **ANY_ANSWER}),
    ),
    holding("no description", VERIFIED, exit_code=0, says=("Interaction 0",), shop=v3(ANY_ANSWER)),
    holding("null for a description", VERIFIED, exit_code=0, says=("null",),
            shop=v3({"description": None, **ANY_ANSWER})),
)  # fmt: skip
def test_forms_that_the_core_accepts(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


PLUGINS = {"metadata": {"pactSpecification": {"version": "4.0"}, "plugins": [{"name": "csv", "version": "0.0.6"}]}}


@pytest.fixture
def proxy() -> Iterator[socket.socket]:
    """What everything that leaves this machine would have to pass."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def asked(proxy: socket.socket) -> bool:
    try:
        proxy.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@pytest.mark.no_database
def test_a_plugin_that_is_not_installed_is_not_downloaded(proxy: socket.socket, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
    fault = Fault(
        "plugin",
        outcomes=(NOT_VERIFIED, VERIFIED),
        says=(
            "The pact needs the Pact plugin csv 0.0.6, which is not in",
            "pact plugin install csv",
            "PACT_PLUGIN_DIR",
        ),
        arrange=pacts(a={**v4(V4_OK), **PLUGINS}, b=v3(OK)),
        environment={"HTTPS_PROXY": url, "HTTP_PROXY": url, "PACT_PLUGIN_DIR": str(tmp_path / "p")},
    )
    check(fault, tmp_path)
    assert not asked(proxy)


MANIFEST = {
    "pluginInterfaceVersion": 1,
    "name": "csv",
    "version": "0.0.7",
    "executableType": "exec",
    "entryPoint": "plugin",
}


def install(folder: Path, manifest: Mapping[str, Any] = MANIFEST) -> Path:
    """A plugin that notes that it was started, and ends."""
    home = folder / "plugins" / "csv-0.0.7"
    home.mkdir(parents=True)
    (home / "pact-plugin.json").write_text(json.dumps(manifest))
    program = home / "plugin"
    program.write_text(f"#!/bin/sh\ntouch {folder}/started\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return home.parent


@pytest.mark.no_database
def test_a_plugin_that_is_installed_is_the_cores_to_start(proxy: socket.socket, tmp_path: Path) -> None:
    """What a whole plugin would make of the pact is not tested here: this one ends at once, which the report tells."""
    url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
    fault = Fault(
        "plugin",
        outcomes=(NOT_VERIFIED, VERIFIED),
        says=("The pact needs plugins (csv 0.0.6). Their output is in",),
        arrange=pacts(a={**v4(V4_OK), **PLUGINS}, b=v3(OK)),
        environment={"HTTPS_PROXY": url, "HTTP_PROXY": url, "PACT_PLUGIN_DIR": str(install(tmp_path))},
    )
    check(fault, tmp_path)
    assert (tmp_path / "started").exists()
    assert not asked(proxy)


@pytest.mark.no_database
def test_a_manifest_that_the_core_can_not_read_is_named(tmp_path: Path) -> None:
    """The core reads none of the folder then, and would download."""
    plugins = install(tmp_path, {"name": "another"})
    fault = Fault(
        "plugin",
        outcomes=(NOT_VERIFIED,),
        says=("pact-plugin.json is no manifest of a plugin",),
        arrange=pacts(a={**v4(V4_OK), **PLUGINS}),
        environment={"PACT_PLUGIN_DIR": str(plugins)},
    )
    check(fault, tmp_path)


def everywhere(ran: Ran) -> Iterator[str]:
    """The reason stands in every report."""
    for name in ("report.json", "report.html", "report.xml"):
        text = (ran.place.out / name).read_text()
        if "The pact expects no response to this message" not in text:
            yield f"{name} does not tell why the message was not verified"


@pytest.mark.no_database
def test_every_report_tells_why(tmp_path: Path) -> None:
    options = ("--html", "{out}/report.html", "--junit", "{out}/report.xml")
    with Place.make(tmp_path) as place:
        fault = Fault(
            "reports",
            outcomes=(VERIFIED, NOT_VERIFIED),
            options=options,
            arrange=pacts(shop=v4(V4_OK, NO_RESPONSE)),
            afterwards=everywhere,
        )
        judge(fault, run(fault, place))


def test_an_interaction_that_can_not_be_verified_is_chosen_by_its_key(tmp_path: Path) -> None:
    with Place.make(tmp_path) as place:
        fault = Fault("key", outcomes=(VERIFIED, NOT_VERIFIED), arrange=pacts(shop=v4(V4_OK, NO_RESPONSE)))
        ran = run(fault, place)
        judge(fault, ran)
        assert ran.report
        (pact,) = ran.report["pacts"]
        keys = [each["key"] for each in pact["interactions"]]
    for key, outcome, exit_code in zip(keys, (VERIFIED, NOT_VERIFIED), (0, 1), strict=True):
        folder = tmp_path / key
        folder.mkdir()
        one = Fault(
            "one", exit_code=exit_code, outcomes=(outcome,), options=("--interaction", key), arrange=fault.arrange
        )
        check(one, folder)
