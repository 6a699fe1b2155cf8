"""What reports show of messages: one run with messages of every kind, and all of its reports."""

import html
import json
import re
import sys
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from junitparser import JUnitXml
from playwright.sync_api import Browser, Page

from pact_verification.pacts.pact import Interaction, Pact, PactMessage
from pact_verification.pacts.schema import SYNCHRONOUS
from pact_verification.reporters import github
from pact_verification.reporters import html as html_reporter
from pact_verification.reporters import json as json_reporter
from pact_verification.reporters.console import render
from pact_verification.reporters.failure import failure_text, short_reason
from pact_verification.results.coverage import Coverage, Produced, Use
from pact_verification.results.exchange import Exchange, Producer, RecordedMessage
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.printable import printable_values
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Report
from pact_verification.results.response_diff import response_diff
from pact_verification.results.responses import with_joined_responses
from pact_verification.text import Place
from tests.pact_verification.pact_files import write_pact
from tests.pact_verification.provider.small_project import SETTINGS, small_project
from tests.pact_verification.reporters.test_github import commands
from tests.pact_verification.reporters.test_html import shown
from tests.pact_verification.reporters.test_json import SCHEMA, STRICT
from tests.pact_verification.running import without_progress

pytestmark = pytest.mark.no_database

PRODUCERS = """
from pact_verification import Message, message_producer, provider_state

TOKEN = "hunter2crash"


@provider_state("an item exists")
def item_exists():
    return {"id": 7}


@message_producer("an item was added", "an item was found")
def item_was_added():
    return Message({"id": 1}, metadata={"topic": "items"})


@message_producer("a price changed")
def price_changed():
    content = {"price": "12", "password": "hunter2came", "token": "hunter2token"}
    metadata = {"topic": "prices", "x-api-key": "hunter2key", "authorization": "Bearer hunter2new"}
    return Message(content, metadata=metadata)


@message_producer("an item was removed")
def item_was_removed():
    raise LookupError(f"no item, token={TOKEN}")


@message_producer("a question")
def question(request):
    return [Message({"id": request.content["id"]}), Message({"text": "no", "secret": "hunter2secret"})]


@message_producer("a picture")
def picture():
    return bytes(range(40))


@message_producer("an item was lost")
def item_was_lost():
    return 7


@message_producer("an item was sold")
def item_was_sold():
    return {}
"""


def contents(content: Any, content_type: str = "application/json", **more: Any) -> dict[str, Any]:
    return {"contents": {"content": content, "contentType": content_type, "encoded": False}, **more}


SECRET_RULES = {"body": {"$.secret": {"matchers": [{"match": "type"}]}}}


def asynchronous(description: str, **message: Any) -> dict[str, Any]:
    return {"type": "Asynchronous/Messages", "description": description, **message}


MESSAGES = (
    asynchronous("an item was added", **contents({"id": 1}, metadata={"topic": "items"})),
    asynchronous(
        "a price changed",
        **contents(
            {"price": 12, "password": "hunter2wanted"},
            metadata={"topic": "prices", "authorization": "Bearer hunter2old"},
            matchingRules={
                "body": {
                    "$.price": {"matchers": [{"match": "integer"}]},
                    "$.password": {"matchers": [{"match": "type"}]},
                }
            },
        ),
    ),
    asynchronous("an item was removed", **contents({}), providerStates=[{"name": "an item exists"}]),
    {
        "type": "Synchronous/Messages",
        "description": "a question",
        "providerStates": [{"name": "an item exists"}],
        "request": contents(
            {"id": 1, "password": "hunter2request"},
            metadata={"replyTo": "answers", "x-api-key": "hunter2asked"},
            generators={"body": {"$.id": {"type": "ProviderState", "expression": "${id}"}}},
        ),
        "response": [
            contents({"id": 7}),
            contents({"text": "yes", "secret": "hunter2hidden"}, matchingRules=SECRET_RULES),
        ],
    },
    asynchronous(
        "a picture",
        contents={
            "content": b64encode(b"\0\xff").decode(),
            "contentType": "application/octet-stream",
            "encoded": "base64",
        },
    ),
    asynchronous("an item was lost", pending=True, **contents({})),
)


@dataclass(frozen=True)
class Reports:
    """The reports of one run, and what pytest shows of the same pact."""

    console: str
    github: str
    junit: str
    json: str
    html: str
    pytest: str
    states: str
    page: Path

    def result(self, description: str) -> dict[str, Any]:
        """Return an interaction's result in the JSON report."""
        results = [each for pact in json.loads(self.json)["pacts"] for each in pact["interactions"]]
        (found,) = [each for each in results if each["description"] == description]
        return dict(found)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reports]:
    folder = tmp_path_factory.mktemp("messages")
    with small_project(folder, "") as project:
        project.write("project_settings.py", f"{SETTINGS}\nos.environ['GITHUB_STEP_SUMMARY'] = 'summary.md'\n")
        project.write("shop/pact_states.py", PRODUCERS)
        write_pact(folder / "pacts" / "web.json", *MESSAGES, provider="shop", consumer="mailer", version="4.0")
        files = [f"--{name}=report.{name}" for name in ("junit", "json", "html")]
        done = project.verify("--coverage", "--github", *files)
        assert (done.exit_code, without_progress(done.err)) == (1, "")
        tested = project.run("pytest", "-p", "pact_verification.pytest_plugin", "-rx", "pacts")
        states = project.run("django", "pact_states").out
        written = {name: (folder / f"report.{name}").read_text() for name in ("junit", "json", "html")}
        summary = (folder / "summary.md").read_text()
        yield Reports(done.out, summary, **written, pytest=tested.out, states=states, page=folder / "report.html")


def steady(text: str) -> str:
    """Return a text without times and without the interpreter's path."""
    return re.sub(r"\d+(\.\d+)? ms", "N ms", text).replace(sys.executable, "python")


PRICE = """\
  ✗ a price changed
      producer price_changed() (shop/pact_states.py:17)
      message  application/json
      took     N ms, 0 SQL queries
      - expected, + came
          topic: prices
        # metadata authorization: Expected '(hidden)' but received '(hidden)'
        - authorization: (hidden)
        + authorization: (hidden)
          {
        # $.price: '12' (text) is no whole number (rule: integer)
        -   "price": 12,
        +   "price": "12",
            "password": "(hidden)",
            "token": "(hidden)"
          }
      again    python -m django verify_pacts --interaction 71a1dc9e84
"""
REMOVED = """\
  E an item was removed  [an item exists]
      item_was_removed() raised LookupError: no item, token=(hidden))
      state    an item exists: item_exists() (shop/pact_states.py:7), gave id=7
      producer item_was_removed() (shop/pact_states.py:24)
      the exception
        shop/pact_states.py:26 in item_was_removed
          raise LookupError(f"no item, token={TOKEN}")
        LookupError: no item, token=(hidden)
      again    python -m django verify_pacts --interaction 5e37559e60
"""
QUESTION = """\
  ✗ a question  [an item exists]
      state    an item exists: item_exists() (shop/pact_states.py:7), gave id=7
      request  application/json
               replyTo: answers
               x-api-key: (hidden)
               {"id": 7, "password": "(hidden)"}
      producer question() (shop/pact_states.py:29)
      message  response 2 of 2: application/json
      took     N ms, 0 SQL queries
      - expected, + came
        @ response 2 of 2
          {
        # $.text: 'no' (text) came, and the contract has 'yes' (text)
        -   "text": "yes",
        +   "text": "no",
            "secret": "(hidden)"
          }
      again    python -m django verify_pacts --interaction fd2be9789e
"""
PICTURE = """\
  ✗ a picture
      producer picture() (shop/pact_states.py:34)
      message  application/octet-stream
      took     N ms, 0 SQL queries
      - expected, + came
        # $: Actual body [application/octet-stream, 40 bytes, starting with \
000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f] is not equal to the expected body \
[application/octet-stream, 2 bytes, starting with 00ff]
        ! body $
        - (binary, 2 bytes: 00 ff)
        + (binary, 40 bytes: 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d \
1e 1f …)
      again    python -m django verify_pacts --interaction cd106532c3
"""
COVERAGE = """
Of 7 producers of messages, consumers depend on 6:
  message              producer                                     consumers
  an item was added    item_was_added() (shop/pact_states.py:12)    mailer
  an item was found
  a price changed      price_changed() (shop/pact_states.py:17)     mailer (failing)
  an item was removed  item_was_removed() (shop/pact_states.py:24)  mailer (failing)
  a question           question() (shop/pact_states.py:29)          mailer (failing)
  a picture            picture() (shop/pact_states.py:34)           mailer (failing)
  an item was lost     item_was_lost() (shop/pact_states.py:39)     mailer (failing)
  an item was sold     item_was_sold() (shop/pact_states.py:44)     no consumer

4 failures, 5 causes
"""
CONCLUSION = """
shop: 6 interactions of 1 consumer: 1 verified, 3 failed, 1 producer error, 1 producer error (pending), in """


def test_the_console(reports: Reports) -> None:
    text = steady(reports.console)
    failures = [
        re.sub("\n", f"  cause {causes}\n", failure, count=1)
        for failure, causes in zip((PRICE, REMOVED, QUESTION, PICTURE), ("1 and 2", "3", "4", "5"), strict=True)
    ]
    assert text.startswith(f"\nmailer  (pacts/web.json)  ✓ 1 verified\n{''.join(failures)}  E an")
    assert COVERAGE in text
    assert CONCLUSION in text


@pytest.mark.parametrize("failure", [PRICE, REMOVED, QUESTION, PICTURE])
@pytest.mark.parametrize("name", ["github", "junit", "pytest"])
def test_other_outputs_have_the_consoles_text(reports: Reports, name: str, failure: str) -> None:
    text = steady(getattr(reports, name))
    text = html.unescape(text) if name == "junit" else text
    again = failure.index("      again ")  # pytest names the test in its place
    assert failure[:again] in text


def test_annotations_stand_at_the_producers(reports: Reports) -> None:
    found = commands(steady(reports.console))
    assert [(kind, f"{at['file']}:{at['line']}") for kind, at, _ in found] == [
        ("error", "shop/pact_states.py:17"),
        ("error", "shop/pact_states.py:17"),
        ("error", "shop/pact_states.py:26"),
        ("error", "shop/pact_states.py:29"),
        ("error", "shop/pact_states.py:34"),
        ("warning", "shop/pact_states.py:39"),
    ]
    _, price, removed, question, picture, _ = [at["title"] for _, at, _ in found]
    assert price == "`$.price`: '12' (text) is no whole number"
    assert removed == "item_was_removed() raised LookupError: no item, token=(hidden))"
    assert question == "`$.text`: 'no' (text) came, and the contract has 'yes' (text)"
    assert picture.startswith("`$`: Actual body [application/octet-stream, 40 bytes, starting with 00010203")
    assert found[1][2] == (
        "message of price_changed()\n1 interaction of mailer\n"
        "again: python -m django verify_pacts --interaction 71a1dc9e84"
    )


def test_the_summary(reports: Reports) -> None:
    assert "| mailer | pacts/web.json | 1 | 4 | 1 | 0 |\n" in reports.github
    assert "| an item was added, an item was found | item\\_was\\_added\\(\\) | mailer |\n" in reports.github
    assert "| an item was sold | item\\_was\\_sold\\(\\) | **no consumer** |\n" in reports.github


def test_junit(reports: Reports) -> None:
    (suite,) = JUnitXml.fromstring(reports.junit.encode())
    assert [[(type(each).__name__, each.type) for each in case.result] for case in suite] == [
        [],
        [("Failure", "failed")],
        [("Error", "producer error")],
        [("Failure", "failed")],
        [("Failure", "failed")],
        [("Skipped", None)],
    ]


def test_json(reports: Reports) -> None:
    document = json.loads(reports.json)
    Draft202012Validator(SCHEMA).validate(document)
    Draft202012Validator(STRICT).validate(document)
    assert document["counts"]["producer_error"] == 2
    assert document["coverage"]["producers"][0] == {
        "messages": ["an item was added", "an item was found"],
        "producer": "item_was_added()",
        "location": "shop/pact_states.py:12",
        "uses": [{"consumer": "mailer", "statuses": [], "failing": False}],
    }
    assert document["coverage"]["producers"][-1]["uses"] == []
    question = reports.result("a question")
    assert question["message_request"] == {
        "content_type": "application/json",
        "metadata": {"replyTo": "answers", "x-api-key": "(hidden)"},
        "body": '{"id": 7, "password": "(hidden)"}',
    }
    assert question["message"]["body"] == '{"text": "no", "secret": "(hidden)"}'
    assert question["message_number"] == 1
    assert [each["message_number"] for each in question["mismatches"]] == [1]
    assert question["diff"]["body"][0] == {"sign": "@", "text": "response 2 of 2", "note": ""}
    assert (question["request"], question["response"]) == (None, None)
    assert question["expected"] == {"status": 0, "headers": {}, "body": None}
    assert [each["body"] for each in question["expected_messages"]] == [
        {"id": 7},
        {"text": "yes", "secret": "(hidden)"},
    ]
    price = reports.result("a price changed")
    assert price["message"]["metadata"] == {"topic": "prices", "x-api-key": "(hidden)", "authorization": "(hidden)"}
    assert price["message_number"] == 0
    assert [each["message_number"] for each in price["mismatches"]] == [None, None]
    removed = reports.result("an item was removed")
    assert (removed["outcome"], removed["failed"]) == ("producer_error", True)
    assert removed["producer"] == "item_was_removed() (shop/pact_states.py:24)"
    assert removed["crash"]["exception"] == "LookupError: no item, token=(hidden)"
    assert (removed["message"], removed["message_number"]) == (None, None)
    picture = reports.result("a picture")
    assert picture["expected_messages"][0]["body"] == "\x00\\xff"
    assert [line["text"] for line in picture["diff"]["body"]] == [
        "body $",
        "(binary, 2 bytes: 00 ff)",
        f"(binary, 40 bytes: {bytes(range(32)).hex(' ')} …)",
    ]


@pytest.mark.parametrize("name", ["console", "github", "junit", "json", "html", "pytest"])
def test_no_secret(reports: Reports, name: str) -> None:
    text = getattr(reports, name)
    assert "a price changed" in text
    assert "hunter2" not in text


def test_pact_states(reports: Reports) -> None:
    assert (
        "\n✓ synchronous message: a question\n"
        "    producer   question() (shop/pact_states.py:29)\n"
        "    needed by  mailer: a question (pacts/web.json)\n"
        "\n✓ message: a picture\n"
    ) in reports.states
    assert (
        'producers that no selected pact needs:\n    "an item was sold"  item_was_sold() (shop/pact_states.py:44)\n'
    ) in reports.states
    assert reports.states.endswith("6 messages: 6 with a producer, 1 producer unused\n")


class TestHTML:
    @pytest.fixture
    def page(self, browser: Browser, reports: Reports) -> Iterator[Page]:
        with browser.new_context(java_script_enabled=False) as context:
            page = context.new_page()
            page.goto(reports.page.as_uri())
            yield page

    def test_a_producer_error_has_its_own_kind(self, page: Page) -> None:
        assert shown(page) == ["failed", "producer error", "failed", "failed", "pending", "verified"]
        page.get_by_role("radio", name="producer error (1)").check(force=True)
        assert shown(page) == ["producer error"]
        item = page.locator(".item.producer-error")
        assert item.get_attribute("open") is not None
        colours = {
            page.locator(kind).first.evaluate("e => getComputedStyle(e).borderLeftColor")
            for kind in (".item.failed", ".item.producer-error")
        }
        assert len(colours) == 1

    def test_which_response_failed(self, page: Page) -> None:
        item = page.locator(".item", has_text="a question")
        assert item.locator(".short").inner_text().startswith("response 2: $.text: ")
        assert item.locator(".diff .response").all_inner_texts() == ["@ response 2 of 2"]
        assert item.locator("dd", has_text="response 2 of 2").inner_text() == "response 2 of 2: application/json"

    def test_the_request(self, page: Page) -> None:
        details = page.locator("details", has_text="the whole request").last
        details.locator("summary").click()
        assert details.locator("pre").inner_text() == (
            'application/json\nreplyTo: answers\nx-api-key: (hidden)\n\n{"id": 7, "password": "(hidden)"}'
        )

    def test_producers_and_their_consumers(self, page: Page) -> None:
        rows = page.locator("[aria-label='Which messages consumers depend on'] tbody tr")
        assert [text.strip() for text in rows.first.locator("td").all_inner_texts()] == [
            "an item was added\nan item was found",
            "item_was_added() (shop/pact_states.py:12)",
            "mailer",
        ]
        unused = page.locator("[aria-label='Which messages consumers depend on'] tr.unused")
        assert [row.locator("td").last.inner_text() for row in unused.all()] == ["no consumer"]


PACT = Pact("mailer", "shop", (), Path("mailer.json"), "mailer.json")
JSON = "application/json"


def response(number: int, outcome: Outcome, **more: Any) -> InteractionResult:
    """A result for one of three responses, as the core compares them."""
    interaction = Interaction(
        "a question", kind=SYNCHRONOUS, messages=(PactMessage({"n": 0}, JSON),) * 3, response=number
    )
    message = RecordedMessage(json.dumps({"n": number}).encode(), JSON)
    exchange = Exchange(message=message, producer=Producer("question()", Place("shop/pact_states.py", 3)))
    result = InteractionResult(interaction, outcome, exchange, **more)
    return replace(result, diff=response_diff(result) if result.mismatches else result.diff)


def joined(*results: InteractionResult) -> InteractionResult:
    (result,) = with_joined_responses(PactResult(PACT, results)).interactions
    return result


def test_several_responses_that_failed() -> None:
    wrong = Mismatch("body", "$.n", "0", "1", "differs")
    result = joined(
        response(0, Outcome.VERIFIED),
        response(1, Outcome.MISMATCH, mismatches=(wrong,)),
        response(2, Outcome.PRODUCER_ERROR, error="question() raised KeyError: 1"),
    )
    assert failure_text(PactResult(PACT, (result,)), result) == (
        "mailer  (mailer.json)\n"
        "  ✗ a question\n"
        "      response 3 of 3: question() raised KeyError: 1\n"
        "      producer question() (shop/pact_states.py:3)\n"
        "      message  response 2 of 3: application/json\n"
        "      took     0.0 ms, 0 SQL queries\n"
        "      - expected, + came\n"
        "        @ response 2 of 3\n"
        "          {\n"
        "        # $.n: differs\n"
        '        -   "n": 0\n'
        '        +   "n": 1\n'
        "          }\n"
    )
    assert short_reason(result) == "response 2: $.n: differs"


def test_the_number_of_a_response_is_shown_far_from_its_difference() -> None:
    wrong = Mismatch("body", "$.z", "0", "1", "differs")
    interaction = Interaction("a", kind=SYNCHRONOUS, messages=(PactMessage({"z": 0}, JSON),) * 2)
    body = json.dumps({**{f"m{number}": 0 for number in range(50)}, "z": 1}).encode()
    first = InteractionResult(interaction, Outcome.MISMATCH, Exchange(message=RecordedMessage(body, JSON)), (wrong,))
    first = replace(first, diff=response_diff(first))
    result = joined(first, InteractionResult(replace(interaction, response=1), Outcome.VERIFIED))
    assert "        @ response 1 of 2\n          {\n" in failure_text(PactResult(PACT, (result,)), result)


def test_an_error_of_all_responses_stands_once() -> None:
    error = "question() returned 1 message, and the pact has 3 responses."
    result = joined(*(response(number, Outcome.PRODUCER_ERROR, error=error) for number in range(3)))
    assert result.error == short_reason(result) == error


def test_a_large_binary_message_keeps_its_size() -> None:
    body = b"\0\1\2\3" * 50_000
    message = RecordedMessage(body, "application/octet-stream").cut()
    assert message.body.decode() == f"(binary, 200000 bytes: {body[:32].hex(' ')} …)"
    result = InteractionResult(Interaction("a"), Outcome.MISMATCH, Exchange(message=message))
    report = printable_values(Report("shop", (PactResult(PACT, (result,)),)))
    assert "(binary, 200000 bytes: 00 01 02 03 " in html_reporter.render(report)


@pytest.mark.parametrize(
    ("content", "body"),
    [
        ({"a": ["ü"]}, b'{"a": ["\\u00fc"]}'),
        ("text \ud800", b"text \xed\xa0\x80"),
        (b"\0", b"\0"),
        (None, b""),
        (False, b"false"),
    ],
)
def test_a_request_of_every_kind_is_recorded(content: Any, body: bytes) -> None:
    """Also one that no message of a producer could be."""
    assert RecordedMessage.of_request(content, None, {"a": 1}) == RecordedMessage(body, "", {"a": 1})


def test_coverage_of_a_project_that_only_publishes_messages() -> None:
    use = Use("mailer", (), failing=True)
    produced = (
        Produced(("an item was <b>added</b>",), Producer("added()", Place("shop/pact_states.py", 3)), ()),
        Produced(("an item was lost",), None, (use,)),
    )
    report = Report("shop", (), coverage=Coverage((), produced=produced))
    assert render(report).startswith(
        "\n"
        "Of 1 producer of messages, consumers depend on 0:\n"
        "  message                   producer                         consumers\n"
        "  an item was <b>added</b>  added() (shop/pact_states.py:3)  no consumer\n"
        "  an item was lost          no producer                      mailer (failing)\n"
        "\n"
    )
    assert "Which URLs" not in html_reporter.render(report)
    assert "an item was &lt;b&gt;added" in html_reporter.render(report)
    summary = github.render(report)
    assert "Which URLs" not in summary
    assert "| an item was lost | **no producer** | mailer |\n" in summary
    document = json.loads(json_reporter.render(report))
    Draft202012Validator(SCHEMA).validate(document)
    assert document["coverage"]["producers"][1] == {
        "messages": ["an item was lost"],
        "producer": None,
        "location": "",
        "uses": [{"consumer": "mailer", "statuses": [], "failing": True}],
    }


def test_a_verified_message_in_detail() -> None:
    exchange = Exchange(message=RecordedMessage(b"", ""), producer=Producer("added()", Place("shop/pact_states.py", 3)))
    result = InteractionResult(Interaction("an item was added"), Outcome.VERIFIED, exchange)
    text = render(Report("shop", (PactResult(PACT, (result,)),)), verbosity=2)
    assert "✓ an item was added  0.0 ms\n      added() → no content type\n" in text


def test_a_failed_message_in_detail() -> None:
    message = RecordedMessage(b"{}", JSON, {"topic": "a", "retries": 2})
    result = InteractionResult(Interaction("an item was added"), Outcome.MISMATCH, Exchange(message=message))
    text = render(Report("shop", (PactResult(PACT, (result,)),)), verbosity=2)
    assert "      message  application/json\n               topic: a\n               retries: 2\n      took " in text
