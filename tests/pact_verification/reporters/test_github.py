"""GitHub Actions: the step summary and the workflow commands, as GitHub reads them."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.reporters import github
from pact_verification.results.causes import causes
from pact_verification.results.crash import Crash, Frame
from pact_verification.results.exchange import Exchange, RecordedRequest, RecordedResponse
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Report
from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.reporters.conftest import CONSUMER, HOSTILE, Reports, line_of
from tests.pact_verification.running import ROOT, Verify

pytestmark = pytest.mark.no_database

PACT = Pact("shop", "testapp", (), Path("shop.json"), "shop.json")


def commands(log: str) -> list[tuple[str, dict[str, str], str]]:
    """The commands that GitHub's runner would carry out.

    It takes lines that begin with ::, white space aside, and what begins with ##[ anywhere in another line.
    """
    found = []
    for line in map(str.strip, re.split("[\r\n]", log)):
        if match := re.fullmatch(r"::(\w+)(?: (.*?))?::(.*)", line):
            pairs = [pair.partition("=") for pair in (match[2] or "").split(",") if pair]
            found.append((match[1], {name: _read(value) for name, _, value in pairs}, _read(match[3])))
        elif match := re.search(r"##\[(\S+)(?: (.*?))?\](.*)", line):
            found.append((match[1], {}, match[3]))
    return found


def _read(value: str) -> str:
    for spelt, char in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        value = value.replace(spelt, char)
    return value


def test_annotations_stand_at_the_lines_of_code(reports: Reports) -> None:
    found = commands(reports.run.out)
    assert [kind for kind, *_ in found] == ["error", "error", "error", "warning"]
    state = line_of("tests/testapp/pact_states.py", "no such warehouse")
    assert [properties["title"] for _, properties, _ in found] == [
        "200 OK came instead of 201",
        "LookupError: the price service has no answer",
        f"The state 'the item raises' raised RuntimeError: no such warehouse ({state})",
        "later: to come",
    ]
    places = [f"{properties.get('file')}:{properties.get('line')}" for _, properties, _ in found]
    # From the top of the checkout, which is the folder above in that run.
    assert places[:3] == [
        f"{ROOT.name}/{line_of('tests/testapp/views.py', text)}"
        for text in ("def item(request", 'raise LookupError("the price')
    ] + [f"{ROOT.name}/{line_of('tests/testapp/pact_states.py', 'no such warehouse')}"]
    assert re.match(
        rf"GET /crash\n1 interaction of {re.escape(CONSUMER)}\nagain: .*python.* verify_pacts .* --interaction \w+$",
        found[1][2],
    )
    assert found[3][2].startswith("status 404 instead of 200\n")


def test_what_others_wrote_is_no_command(tmp_path: Path, verify: Verify) -> None:
    evil = interaction("evil\n::set-env name=PATH::x", "/nothing", response={"body": "\n::add-mask::x\n  ::error::y"})
    pact = write_pact(tmp_path / "pact.json", evil, consumer="::warning::")
    run = verify(pact, "--github")
    assert [kind for kind, *_ in commands(run.out)] == ["error"]


def test_what_others_wrote_is_no_command_among_errors_either(tmp_path: Path, verify: Verify) -> None:
    pact = write_pact(tmp_path / "pact.json", interaction("a", states=["::error::no such state"]))
    run = verify(pact, "--github")
    assert run.exit_code == 2
    assert "no such state" in run.err
    assert commands(run.err) == []


def test_only_where_it_is_wanted(tmp_path: Path, verify: Verify) -> None:
    pact = write_pact(tmp_path / "pact.json", interaction("red", "/nothing"))
    summary = tmp_path / "summary.md"
    assert "::" not in verify(pact).out
    run = verify(pact, "--no-github", GITHUB_STEP_SUMMARY=str(summary))
    assert "::" not in run.out
    assert not summary.exists()


def test_the_summary_is_added_to_that_of_other_steps(reports: Reports) -> None:
    assert reports.summary.startswith("of another step\n## ❌ Pacts of testapp\n")


def test_the_summary_escapes(reports: Reports) -> None:
    blocks = re.findall(r"^(`{3,})text\n(.*?)^\1$", reports.summary, re.MULTILINE | re.DOTALL)
    assert any(len(fence) > 3 for fence, _ in blocks)  # one holds ``` itself
    outside = reports.summary
    for fence, text in blocks:
        outside = outside.replace(f"{fence}text\n{text}{fence}", "")
    assert HOSTILE not in outside
    assert "<b>" not in outside
    assert "&lt;script&gt;" in outside
    rows = [line for line in outside.splitlines() if line.startswith("| ")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {4, 7}


def failing(count: int, size: int = 1, text: str = "x") -> Report:
    """Return a report of failures, each with a cause of its own."""
    response, crash = RecordedResponse(500, "Internal Server Error"), Crash("E: " + text * size)
    results = [
        InteractionResult(
            Interaction(f"number {n}"),
            Outcome.MISMATCH,
            Exchange(RecordedRequest("GET", f"/of{n}"), response, crash=crash),
            (Mismatch("status", "", 200, 500, "expected 200 but was 500"),),
            rerun=f"python manage.py verify_pacts --interaction {n}",
        )
        for n in range(count)
    ]
    return with_causes(Report("testapp", (PactResult(PACT, tuple(results)),)))


def with_causes(report: Report) -> Report:
    """As a run makes it, each cause with a long command line."""
    found = (replace(cause, rerun=f"again {'x' * 1000}") for cause in causes(report.pacts))
    return replace(report, causes=tuple(found))


def test_the_summary_begins_with_the_causes(reports: Reports) -> None:
    before_the_table = reports.summary.partition("\n| consumer |")[0]
    assert "\n1. **200 OK came instead of 201**\n" in before_the_table
    assert (
        "\n2. **LookupError: the price service has no answer**\n\n    GET /crash  tests/testapp/views.py:"
        in before_the_table
    )
    commands = re.findall(r"^    ```sh\n    (.*)\n    ```$", before_the_table, re.MULTILINE)
    assert len(commands) == 3
    assert all(re.search(r"verify_pacts .*--interaction \w+$", command) for command in commands)


def test_a_command_that_does_not_fit_an_annotation_is_not_cut() -> None:
    report = failing(1)
    report = replace(report, causes=tuple(replace(cause, rerun="x" * 10_000) for cause in report.causes))
    ((_, _, message),) = commands(github.render_annotations(report))
    assert message.endswith("\nagain: the step summary has the command")
    assert "x" * 10_000 in github.render(report)


def test_the_summary_stays_below_githubs_limit() -> None:
    for text in ("x", "品"):
        summary = github.render(failing(3000, 2000, text))
        assert re.search(r"and \d+ causes more, which would not fit here", summary)
        assert len(summary.encode()) < 1024 * 1024
        assert re.search(r"and \d+ more, which would not fit here", summary)


def test_more_annotations_than_github_shows_are_counted() -> None:
    found = commands(github.render_annotations(failing(30, 100_000)))
    assert len(found) == 10
    assert all(len(message) < 2000 for *_, message in found)
    assert found[-1][2] == "21 more in the step summary"


@pytest.mark.parametrize("report", [Report("testapp", ()), Report("testapp", (PactResult(PACT, ()),))])
def test_a_red_run_without_a_failure_is_an_error_too(report: Report) -> None:
    ((kind, _, message),) = commands(github.render_annotations(report))
    assert kind == "error"
    assert "nothing was verified" in message


def test_a_green_run_has_none() -> None:
    result = InteractionResult(Interaction("a"), Outcome.VERIFIED)
    report = Report("testapp", (PactResult(PACT, (result,)),))
    assert github.render_annotations(report) == ""
    assert "✅" in github.render(report)


def test_code_outside_the_checkout_gets_no_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    crash = Crash("E", (Frame("/elsewhere/views.py", 3, "view", "raise E", own=True),))
    exchange = Exchange(RecordedRequest("GET", "/"), RecordedResponse(500, "Internal Server Error"), crash=crash)
    mismatch = Mismatch("status", "", 200, 500, "expected 200 but was 500")
    result = InteractionResult(Interaction("a"), Outcome.MISMATCH, exchange, (mismatch,))
    report = with_causes(Report("testapp", (PactResult(PACT, (result,)),)))
    ((_, properties, _),) = commands(github.render_annotations(report))
    assert "file" not in properties
