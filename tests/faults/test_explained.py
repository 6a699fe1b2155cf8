"""Of everything that isn't green the report has the reason."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import MISMATCH, STATE_ERROR, VERIFIED, Fault, Place, Ran, check, table
from tests.pact_verification.pact_files import document, interaction

DJANGO = "django.middleware"


def refused(name: str, says: str, *, path: str = "", never_says: tuple[str, ...] = (), **more: Any) -> Fault:
    settings = more.pop("settings", {})
    return Fault(
        name,
        interactions=(interaction("refused", path or f"/refuse/{name}", **more),),
        outcomes=(MISMATCH,),
        says=(says,),
        never_says=never_says,
        settings=settings,
    )


FORM = {"headers": {"Content-Type": "application/x-www-form-urlencoded"}, "body": "a=1"}
CSRF = {"MIDDLEWARE": [f"{DJANGO}.csrf.CsrfViewMiddleware"]}
COMMON = {"MIDDLEWARE": [f"{DJANGO}.common.CommonMiddleware"]}
MULTIPART = {"headers": {"Content-Type": "multipart/form-data"}, "body": "a"}


@table(
    refused("denied", "raised PermissionDenied: ann may not see the ledger"),
    refused("gone", "raised Http404: no ledger for 2024"),
    refused("suspicious", "raised SuspiciousOperation: the cursor was tampered with"),
    refused("bad", "raised BadRequest: not in this form"),
    refused("form", "raised MultiPartParserError: Invalid boundary", path="/form", method="POST", request=MULTIPART),
    refused(
        "csrf",
        "raised The CSRF check failed: CSRF cookie not set.",
        path="/form",
        method="POST",
        request=FORM,
        settings=CSRF,
        never_says=("views.form",),
    ),
    refused(
        "host",
        "raised DisallowedHost: Invalid HTTP_HOST header: 'not_a_host'",
        path="/items",
        request={"headers": {"Host": "not_a_host"}},
        settings=COMMON,
        never_says=("views.items",),
    ),
)  # fmt: skip
def test_the_exception_behind_a_refusal(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


@table(
    Fault(
        "of the view",
        interactions=(interaction("logs", "/act/log", status=201),),
        outcomes=(MISMATCH,),
        says=("log ERROR shop: the shelf A is empty", "log ERROR shop: 'two %s' (TypeError"),
        never_says=("not asked for", "Traceback", "Logging error"),
    ),
    Fault(
        "of a thread of the view's",
        interactions=(interaction("logs", "/act-in-a-thread/log", status=201),),
        outcomes=(MISMATCH,),
        says=("log ERROR shop: the shelf A is empty",),
    ),
    Fault(
        "of a state",
        interactions=(interaction("logs", states=["the state does log", "the state does fail"]),),
        outcomes=(STATE_ERROR,),
        says=("log ERROR shop: the shelf A is empty", "the project's own mistake"),
    ),
    Fault(
        "of what was verified",
        interactions=(interaction("logs", "/act/log"),),
        exit_code=0,
        outcomes=(VERIFIED,),
        never_says=("the shelf A is empty",),
    ),
    Fault(
        "of a view that raises",
        interactions=(interaction("raises", "/act/fail"),),
        outcomes=(MISMATCH,),
        says=("RuntimeError: the project's own mistake",),
        never_says=("Traceback (most recent call last)",),
    ),
)  # fmt: skip
def test_the_log(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def logged(ran: Ran) -> Iterator[str]:
    if "the shelf A is empty" not in (ran.place.out / "shop.log").read_text():
        yield "The project's own log file lacks the record."


def test_handlers_that_do_not_write_to_the_console_get_the_log(tmp_path: Path) -> None:
    logging = {
        "version": 1,
        "handlers": {
            "console": {"class": "logging.StreamHandler"},
            "file": {"class": "logging.FileHandler", "filename": str(tmp_path / "out" / "shop.log"), "delay": True},
        },
        "root": {"handlers": ["console", "file"]},
    }
    fault = Fault(
        "file",
        interactions=(interaction("logs", "/act/log"),),
        exit_code=0,
        outcomes=(VERIFIED,),
        never_says=("the shelf A is empty",),
        settings={"LOGGING": logging},
        afterwards=logged,
    )
    check(fault, tmp_path)


def v4(*interactions: Any) -> Callable[[Place], None]:
    def arrange(place: Place) -> None:
        content = document(*interactions, provider="faults", version="4.0")
        (place.pacts / "shop.json").write_text(json.dumps(content))

    return arrange


HTTP: dict[str, Any] = {"type": "Synchronous/HTTP"}
COMMENTS: dict[str, Any] = {
    "comments": {"text": ["agreed with the shop"], "testname": "test_list", "references": {"issue": "12"}}
}


def in_every_report(*texts: str) -> Callable[[Ran], Iterator[str]]:
    def look(ran: Ran) -> Iterator[str]:
        for name in ("report.json", "report.html", "report.xml", "summary.md"):
            content = (ran.place.out / name).read_text().replace("\\", "").replace("<wbr>", "")
            yield from (f"{name} lacks {text!r}" for text in texts if text not in content)

    return look


def reporting(name: str, *interactions: Any, outcome: str, says: tuple[str, ...], folder: Path) -> Fault:
    return Fault(
        name,
        exit_code=0 if outcome == VERIFIED else 1,
        outcomes=(outcome,),
        says=says,
        options=("--html", "{out}/report.html", "--junit", "{out}/report.xml", "--github", "--verbosity", "2"),
        environment={"GITHUB_STEP_SUMMARY": str(folder / "out" / "summary.md")},
        arrange=v4(*interactions),
        afterwards=in_every_report(*says),
    )


@pytest.mark.no_database
@pytest.mark.parametrize(("status", "outcome"), [(200, VERIFIED), (201, MISMATCH)])
def test_comments_and_the_tests_name_stand_in_every_report(tmp_path: Path, status: int, outcome: str) -> None:
    says = ("test_list", "agreed with the shop", "references")
    listed = interaction("a list", status=status, **HTTP, **COMMENTS)
    check(reporting("comments", listed, outcome=outcome, says=says, folder=tmp_path), tmp_path)


def of_state(**more: Any) -> dict[str, Any]:
    return {"type": "ProviderState", "expression": "${orderId}", **more}


NOTES = {
    "a value that no state gives": (
        interaction("d", request={"query": {"a": ["1"]}, "generators": {"query": {"a": of_state()}}}, **HTTP),
        "wants the value orderId of a provider state",
    ),
    "a generator in the response": (
        interaction("d", response={"generators": {"body": {"$[0]": of_state()}}}, **HTTP),
        "has generators for the response (body $[0]). The Pact core ignores them",
    ),
    "null where a regex is": (
        interaction(
            "d",
            "/constant",
            response={
                "headers": {"Content-Type": ["application/json"]},
                "body": {"contentType": "application/json", "encoded": False, "content": {"name": "cup"}},
                "matchingRules": {"body": {"$.name": {"matchers": [{"match": "regex", "regex": "[a-z]+"}]}}},
            },
            **HTTP,
        ),
        "is null, which the Pact core accepts for the matching rule regex [a-z]+",
    ),
    "a number that is too large": (
        interaction(
            "d",
            "/constant",
            response={
                "body": {
                    "contentType": "application/json",
                    "encoded": False,
                    "content": {"number": 18446744073709551616},
                }
            },
            **HTTP,
        ),
        "is 18446744073709551617, the pact says 18446744073709551616",
    ),
}


@pytest.mark.no_database
@pytest.mark.parametrize("name", NOTES)
def test_what_the_core_gets_wrong_stands_in_every_report(tmp_path: Path, name: str) -> None:
    sent, says = NOTES[name]
    fault = reporting(name, sent, outcome=VERIFIED, says=(), folder=tmp_path)
    check(Fault(**{**vars(fault), "says": (says.replace("orderId", "'orderId'"),)}), tmp_path)


HEADERS = {"X-Scopes": ["read", "write", "admin"], "Cache-Control": ["no-store, private"]}


@pytest.mark.no_database
def test_all_mismatches_of_a_header_are_told(tmp_path: Path) -> None:
    fault = Fault(
        "headers",
        outcomes=(MISMATCH,),
        says=(
            "Expected 'read,delete,list' to be equal to 'read' for value at index 0; Expected value 'write' at index 1",
            "Expected value 'admin' at index 2",
            "Both are the same list of values.",
        ),
        arrange=v4(interaction("scopes", "/scopes", response={"headers": HEADERS}, **HTTP)),
    )
    check(fault, tmp_path)


def unrouted(name: str, path: str, *says: str, **more: Any) -> Fault:
    return Fault(name, interactions=(interaction("d", path),), outcomes=(MISMATCH,), says=says, **more)


CATCH_ALL = {"ROOT_URLCONF": "tests.faults.project.urls_with_catch_all"}


@table(
    unrouted("nothing near", "/nowhere/at/all", "view no URL pattern matches"),
    unrouted("a misspelt one", "/itms", "view no URL pattern matches. The nearest: 'items'"),
    unrouted(
        "a catch-all",
        "/itms",
        "view no URL pattern matches, but '' (tests.faults.project.views.catch_all), which matches everything. "
        "The nearest: 'items'",
        settings=CATCH_ALL,
    ),
    unrouted(
        "a prefix of the server's",
        "/api/items",
        "FORCE_SCRIPT_NAME is '/api': your server takes that off the path before Django sees it",
        settings={"FORCE_SCRIPT_NAME": "/api"},
    ),
    unrouted("a path that is not ASCII", "/orte/日本/x", "request GET /orte/日本/x", "no URL pattern matches"),
    Fault(
        "another path that is not ASCII",
        interactions=(interaction("d", "/orte/stra%C3%9Fe", response={"body": {"name": "straße"}}),),
        exit_code=0,
        outcomes=(VERIFIED,),
    ),
)
def test_a_path_that_no_view_is_meant_for(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def depends(ran: Ran) -> Iterator[str]:
    operations = ran.report["coverage"]["operations"] if ran.report else []
    for each in operations:
        if each["route"] == "items" and [use["consumer"] for use in each["uses"]] != ["shop"]:
            yield f"The coverage does not tell that the shop depends on /items: {each}"
    if not operations:
        yield "There is no coverage."


@pytest.mark.no_database
def test_the_coverage_knows_what_failed_before_its_request(tmp_path: Path) -> None:
    fault = Fault(
        "coverage",
        interactions=(interaction("d", states=["the state does fail"]),),
        outcomes=(STATE_ERROR,),
        options=("--coverage",),
        afterwards=depends,
    )
    check(fault, tmp_path)
