import os
import re

import pytest

from pact_verification import engine
from pact_verification.engine import Job, read_answer, running_engine
from pact_verification.errors import CannotVerify
from pact_verification.pacts import Filter, Interaction, ProviderState

JOB = Job("testapp", "pact.json", "127.0.0.1", 1, "http://127.0.0.1:1/state", 1000)


def test_only_names_what_was_chosen() -> None:
    a = Interaction("a (b)", (ProviderState("x.y"), ProviderState("other")))
    job = JOB.only(Filter.of("a", "x"), [a, Interaction("c|d", (ProviderState("x z"),))])
    assert job.description
    assert re.search(job.description, "a (b)")
    assert re.search(job.description, "c|d")
    for name in ("a b", "c", "a (b) c", ""):
        assert not re.search(job.description, name)
    assert job.state
    assert re.search(job.state, "x.y")
    assert not re.search(job.state, "other")


def test_without_a_filter_the_job_stays_as_it_is() -> None:
    assert JOB.only(Filter(), [Interaction("a")]) == JOB


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
    """An invalid filter: RuntimeError, and `result` stays True (F17)."""
    report = read_answer({"error": "panic", "results": {"result": True, "interactionResults": [], "errors": []}}, "")
    assert report.error == "panic"


def test_no_results_at_all() -> None:
    assert read_answer({"error": "no pact-python", "results": None}, "").error == "no pact-python"


def test_a_process_that_ends_is_told() -> None:
    with running_engine() as running:
        running.process.kill()
        running.begin(JOB)
        with pytest.raises(CannotVerify, match=r"ended in the middle of pact\.json \(exit code -9\)"):
            running.answer(10)


def test_a_job_that_fails_gets_an_answer() -> None:
    with running_engine() as running:
        running.begin(JOB)
        report = running.answer(10)
    assert report
    assert report.error == "ValueError: Invalid source: pact.json"


def test_without_pact_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    with pytest.raises(CannotVerify, match="pact-python is not installed"), running_engine():
        pass


def test_the_process_uses_no_proxy_for_loopback_and_is_not_tracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "example.com")
    environment = engine._environment(os.environ)
    assert environment["NO_PROXY"] == environment["no_proxy"] == "example.com,127.0.0.1,localhost"
    assert environment["PACT_DO_NOT_TRACK"] == "true"
