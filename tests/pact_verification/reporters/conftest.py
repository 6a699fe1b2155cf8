"""One run with an interaction of every kind, and all of its reports."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.running import ROOT, Run, run

HOSTILE = "<script>document.title='taken'</script>"
"""What an item is called; escaped, it is text."""

CONSUMER = 'R&D "shop" <b>]]>'

QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync --disable-background-networking"


def find_browser() -> str:
    """The browser of this machine. In CI there has to be one; make check says how to get it."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    message = "no Chromium is installed (Debian's package: chromium)"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=QUIET.split())
        yield browser
        browser.close()


def rule(**matcher: Any) -> dict[str, Any]:
    return {"matchers": [matcher], "combine": "AND"}


@dataclass(frozen=True)
class Reports:
    """The reports of one run, each as its reader gets it."""

    run: Run
    junit: Path
    json: Path
    html: Path
    summary: str


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    folder = tmp_path_factory.mktemp("reports")
    write_pact(
        folder / "pacts" / "a.json",
        interaction("a list", states=["an item cup exists"], response={"body": ["cup"]}),
        interaction(
            f"an item {HOSTILE} ::error::`x` ```",
            "/items/99",
            states=[(f"an item {HOSTILE} exists", {"name": HOSTILE})],
            status=201,
            request={
                "headers": {"Authorization": "Bearer old", "X-Trace": "seen", "Cookie": "sessionid=hunter2cookie"},
                "query": {"token": ["hunter2query"], "page": ["1"]},
                "generators": {"path": {"type": "ProviderState", "expression": "/items/${id}"}},
            },
            response={
                "headers": {"Content-Type": "application/json", "X-Rate": "12"},
                "body": {"name": 12, "price": 1.5, "password": "hunter2body"},
                "matchingRules": {
                    "body": {"$.name": rule(match="type")},
                    "header": {"X-Rate": rule(match="regex", regex="\\d+")},
                },
            },
        ),
        interaction("a crash", "/crash", response={"body": {}}),
        interaction("a state error", states=["the item raises"]),
        interaction("a list", states=["an item cup exists"], response={"body": ["cup"]}),  # the same once more
        consumer=CONSUMER,
    )
    write_pact(
        folder / "pacts" / "b.json",
        interaction("to come", "/nothing", type="Synchronous/HTTP", pending=True),
        interaction("done", type="Synchronous/HTTP"),
        consumer="later",
        version="4.0",
    )
    summary = folder / "summary.md"
    summary.write_text("of another step\n")
    files = {"junit": "report.xml", "json": "report.json", "html": "report.html"}
    done = run(
        "verify_pacts",
        folder / "pacts",
        "--coverage",
        *(f"--{name}={folder / file}" for name, file in files.items()),
        settings={"PACT_SECRET_NAMES": ["Password", "token"]},
        GITHUB_STEP_SUMMARY=str(summary),
        GITHUB_WORKSPACE=str(ROOT.parent),
    )
    assert done.exit_code == 1, done.err
    assert done.err == ""
    junit, json, html = (folder / file for file in files.values())
    return Reports(done, junit, json, html, summary.read_text())


def every_report(reports: Reports) -> dict[str, str]:
    """All that a person could read, by report."""
    files = {name: getattr(reports, name).read_text() for name in ("junit", "json", "html")}
    files["html"] = re.sub(r'<wbr>|<span class="word">(.*?)</span>', r"\1", files["html"])  # where lines may break
    return {"console": reports.run.out, "github": reports.summary, **files}


def line_of(file: str, text: str) -> str:
    """File and line of the code that a report has to name."""
    lines = (ROOT / file).read_text().splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if text in line]
    return f"{file}:{number}"


def plain(text: str) -> str:
    """Without the white space that a report lays out with."""
    return re.sub(r"\s+", " ", text)
