import os
from dataclasses import replace

import pytest

from pact_verification.core import engine
from pact_verification.core.engine import VerifyRequest, read_answer, running_engine
from pact_verification.errors import CannotVerify

pytestmark = pytest.mark.no_database  # the verifier process has no database

REQUEST = VerifyRequest("testapp", "pact.json", "127.0.0.1", 1, "http://127.0.0.1:1/state", ("X-Run", "secret"), 1000)


def test_a_pact_that_the_core_can_not_load_has_no_results() -> None:
    answer = {
        "error": "Failed to execute verifier",
        "results": {
            "result": False,
            "interactionResults": [],
            "errors": [{"interaction": "", "mismatch": {"type": "error", "message": "Could not load pact"}}],
        },
    }
    report = read_answer(answer, "")
    assert (report.results, report.error) == ((), "Could not load pact")


def test_a_panic_is_an_error_though_the_core_says_true() -> None:
    """An invalid filter: RuntimeError, and `result` stays True."""
    report = read_answer({"error": "panic", "results": {"result": True, "interactionResults": [], "errors": []}}, "")
    assert report.error == "panic"


def test_no_results_at_all() -> None:
    assert read_answer({"error": "no pact-python", "results": None}, "").error == "no pact-python"


def test_a_process_that_ends_is_told_and_the_next_request_gets_another() -> None:
    with running_engine() as running:
        running.start()
        running.process.kill()
        running.begin(REQUEST)
        ended = running.answer(10)
        running.begin(REQUEST)
        answered = running.answer(10)
    assert ended
    assert "ended over pact.json (exit code -9)" in str(ended.error)
    assert answered
    assert answered.error == "ValueError: Invalid source: pact.json"


def test_an_answer_that_was_not_taken_is_not_the_next_requests() -> None:
    """Something, a time-out of pytest's say, ended the waiting for it."""
    with running_engine() as running:
        running.begin(replace(REQUEST, pact="first.json"))
        running.begin(replace(REQUEST, pact="second.json"))
        answered = running.answer(10)
    assert answered
    assert answered.error == "ValueError: Invalid source: second.json"


def test_a_pact_library_that_is_not_pact_python_ends_the_run() -> None:
    with pytest.raises(CannotVerify, match="can't be imported"):
        read_answer({"error": "pact-python can't be imported: x", "results": None, "fatal": True}, "")


def test_without_a_reason_the_cores_last_words_are_told() -> None:
    answer = {"error": "Failed for VerifierHandle(0x7f)", "results": {"interactionResults": [], "errors": []}}
    assert read_answer(answer, "no such plugin\n").error == "no such plugin"


def test_mismatches_come_in_the_order_of_a_response() -> None:
    def mismatch(kind: str, **more: str) -> dict[str, str]:
        return {"type": kind, "expected": "a", "actual": "b", "mismatch": "", **more}

    unsorted = [
        mismatch("BodyMismatch", path="$[10].a"),
        mismatch("HeaderMismatch", key="Link"),
        mismatch("BodyMismatch", path="$[2].a"),
        mismatch("StatusMismatch"),
    ]
    result = {"description": "d", "providerStates": [], "result": "Error", "mismatch": {"mismatches": unsorted}}
    (read,) = read_answer({"error": "x", "results": {"interactionResults": [result]}}, "").results
    assert [found.where for found in read.mismatches] == ["status", "header Link", "body $[2].a", "body $[10].a"]


def test_the_process_uses_no_proxy_for_loopback_and_is_not_tracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "example.com")
    monkeypatch.setenv("PACT_BROKER_TOKEN", "it asks no broker")
    environment = engine._environment(os.environ)
    assert "PACT_BROKER_TOKEN" not in environment
    assert environment["NO_PROXY"] == environment["no_proxy"] == "127.0.0.1,localhost"
    assert environment["HTTPS_PROXY"] == environment["https_proxy"] == "http://127.0.0.1:1"  # nothing listens there
    assert environment["PACT_DO_NOT_TRACK"] == "true"
