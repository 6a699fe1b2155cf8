"""The core's sentences in our words. The core itself says them here, of a small server's responses."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pact_verification.core.engine import VerifyRequest, running_engine
from pact_verification.pacts.matching_rules import Matcher, Rule
from pact_verification.results.mismatch import Mismatch, explained, said
from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.running import TIMEOUT

pytestmark = pytest.mark.no_database

JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain"}
XML = {"Content-Type": "application/xml"}
SECONDS = TIMEOUT
"""How long the core may take for all of them."""


@dataclass(frozen=True)
class Case:
    """What a pact expects, what comes, and what is said of it."""

    expected: Any
    came: Any
    words: tuple[str, ...]
    rules: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    headers_came: Mapping[str, str] = field(default_factory=lambda: JSON)
    status: int = 200


def case(expected: Any, came: Any, *words: str, **rule: Any) -> Case:
    """A case of JSON's member `a`, by default without a rule."""
    rules = {"body": {"$.a": {"matchers": [rule]}}} if rule else {}
    return Case({"a": expected}, {"a": came}, words, rules)


CASES = (
    case("x", "y", "'y' (text) came, and the contract has 'x' (text)"),
    case("x", 1, "1 (a whole number) came, and the contract has 'x' (text)"),
    case("x", None, "null came, and the contract has 'x' (text)"),
    case(["x"], {"b": 1}, '{"b":1} is an object, and the contract has an array'),
    Case({"a": 1, "b": 2}, {"c": 1}, ("missing: a, b",)),
    Case(["a"], ["a", "b"], ("2 elements came, and the contract has 1",)),
    case("x", 1, "1 is a whole number, and the contract has text", match="type"),
    case(1, None, "null came, and the contract has a whole number", match="type"),
    case({"b": 1}, "x", "'x' is text, and the contract has an object", match="type"),
    case(1, "x", "'x' (text) is no whole number", match="integer"),
    case(1, 1.5, "1.5 (a decimal number) is no whole number", match="integer"),
    case(1.5, 2, "2 (a whole number) is no decimal number", match="decimal"),
    case(1.5, "x", "'x' (text) is no number", match="number"),
    case(True, "x", "'x' (text) is neither true nor false", match="boolean"),
    case(None, "x", "'x' (text) is not null", match="null"),
    case("12", "x", r"'x' does not match the regular expression \d+", match="regex", regex=r"\d+"),
    case([1], [], "0 elements came, and at least 2 should", match="type", min=2),
    case([1], [1], "1 element came, and at least 2 should", match="type", min=2),
    case([1], [1, 2, 3], "3 elements came, and at most 2 may", match="type", max=2),
    case("2020-01-01", "x", "'x' does not match the date pattern yyyy-MM-dd", match="date", format="yyyy-MM-dd"),
    case("10:00", "x", "'x' does not match the time pattern HH:mm", match="time", format="HH:mm"),
    case("2020", "x", "'x' does not match the timestamp pattern yyyy", match="timestamp", format="yyyy"),
    case("b", "x", "'x' does not contain 'b'", match="include", value="b"),
    case("1.0.0", "x", "'x' is no semantic version", match="semver"),
    case("x", "", "'' came, and it should not be empty", match="notEmpty"),
    Case(
        {"a": 1},
        "hello",
        (
            "the header Content-Type is 'text/plain', and the contract has 'application/json'",
            "the content type is text/plain, and the contract has application/json",
        ),
        headers_came=TEXT,
    ),
    Case({}, {}, ("the header X-A is missing",), headers={**JSON, "X-A": "b"}),
    Case(
        {},
        {},
        ("the header X-A is 'c', and the contract has 'b'",),
        headers={**JSON, "X-A": "b"},
        headers_came={**JSON, "X-A": "c"},
    ),
    Case(
        {},
        {},
        (r"the header X-A is 'c', which does not match the regular expression \d+",),
        {"header": {"X-A": {"matchers": [{"match": "regex", "regex": r"\d+"}]}}},
        {**JSON, "X-A": "1"},
        {**JSON, "X-A": "c"},
    ),
    Case({}, {}, ("status 200 came instead of 201",), status=201),
    Case("hello", "bye", ("the body is 'bye', and the contract has 'hello'",), headers=TEXT, headers_came=TEXT),
    Case({"a": 1}, None, ("the body is empty, and the contract has one",)),
    Case({"a": 1}, "{", ("the body can't be read: EOF while parsing an object at line 1 column 1",)),
    Case("<a><b>1</b></a>", "<a><c>1</c></a>", ("<b/> is missing",), headers=XML, headers_came=XML),
    case(
        [1],
        ["x"],
        "Variant at index 0 (1) was not found in the actual list",  # the core's own words, since we have none
        match="arrayContains",
        variants=[{"index": 0, "rules": {"$": {"matchers": [{"match": "integer"}]}}}],
    ),
)


class Server(BaseHTTPRequestHandler):
    """Answers state calls, and each case's request with what comes."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(JSON, b"{}")

    def do_GET(self) -> None:
        found = CASES[int(self.path[1:])]
        body = found.came if isinstance(found.came, str) else "" if found.came is None else json.dumps(found.came)
        self.answer(found.headers_came, body.encode())

    def answer(self, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Mismatch, ...]]:
    """What the core says of each case."""
    pact = write_pact(
        tmp_path_factory.mktemp("pacts") / "shop.json",
        *(
            interaction(
                str(number),
                f"/{number}",
                status=each.status,
                response={"headers": each.headers, "body": each.expected, "matchingRules": each.rules},
            )
            for number, each in enumerate(CASES)
        ),
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/state"
    try:
        with running_engine() as engine:
            engine.start()
            engine.begin(VerifyRequest("testapp", str(pact), "127.0.0.1", server.server_port, url, ("X", "x"), 5000))
            report = engine.answer(SECONDS)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert report
    return [result.mismatches for result in report.results]


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: CASES[number].words[0])
def test_the_cores_sentence(sentences: list[tuple[Mismatch, ...]], number: int) -> None:
    assert tuple(map(said, sentences[number])) == CASES[number].words


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("Expected message metadata 'topic' but was missing", "the metadata topic is missing"),
        ("Expected a header 'X' but was missing", "the header X is missing"),
        (
            "Expected 'a (b) to be equal to c' (String) to be equal to 'd' (String)",
            "'a (b) to be equal to c' (text) came, and the contract has 'd' (text)",
        ),
        ("Expected 'a\nb' (String) to be an integer", "'a\nb' (text) is no whole number"),
        ("Expected '{0} {pact}' to include '{x}'", "'{0} {pact}' does not contain '{x}'"),
        ("Expected 1 (Unheard) to be an integer", "1 (Unheard) is no whole number"),
        ("Expected '(hidden)' but received '(hidden)'", "Expected '(hidden)' but received '(hidden)'"),
        ("It is wrong.", "It is wrong."),
        ("", ""),
    ],
)
def test_a_sentence(sentence: str, words: str) -> None:
    assert said(Mismatch("body", "$.a", "", "", sentence)) == words


def test_explained_with_place_rule_and_response() -> None:
    wrong = Mismatch("body", "$.a", 1, "x", "Expected 'x' (String) to be an integer", Rule((Matcher("integer"),)))
    assert explained() == ""
    assert explained(wrong) == "$.a: 'x' (text) is no whole number (rule: integer)"
    also = Mismatch("body", "$.a", "", "", "It is wrong.", response=1)
    assert explained(also, wrong) == "response 2: $.a: It is wrong.; 'x' (text) is no whole number (rule: integer)"
    hidden = Mismatch("metadata", "token", "", "", "Expected '(hidden)' but received '(hidden)'")
    assert explained(hidden) == "metadata token: Expected '(hidden)' but received '(hidden)'"
