"""Every text of a report that a person reads is printable once it passed `printable_values`."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pact_verification.pacts.matching_rules import Matcher, Rule
from pact_verification.pacts.pact import AtBroker, Expected, Interaction, Pact, ProviderState, Request
from pact_verification.results.coverage import Coverage, Operation, Produced, Use
from pact_verification.results.crash import Crash, Frame
from pact_verification.results.diff import Diff, DiffLine
from pact_verification.results.exchange import (
    Endpoint,
    Exchange,
    Producer,
    RecordedMessage,
    RecordedRequest,
    RecordedResponse,
    SetUpState,
)
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.printable import NOT_SHOWN, printable_values
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Publication, Report
from pact_verification.text import Place, described_binary

pytestmark = pytest.mark.no_database

ODD = "a\x1b[31m\u202eb\x00\r\ud800"
SPELLED = "a\\x1b[31m\\u202eb\\x00\\r\\ud800"


def report_with(text: str) -> Report:
    """A report with a text in every place."""
    state = ProviderState(text, {text: text})
    crash = Crash(text, (Frame(text, 1, text, text, own=True),))
    endpoint = Endpoint(text, text, Place(text, 1))
    body = text.encode(errors="surrogatepass")
    message = RecordedMessage(body, text, {text: text})
    exchange = Exchange(
        RecordedRequest(text, text, {text: text}, body),
        RecordedResponse(200, text, {text: text}, body),
        states=(SetUpState(state, text, {text: text}),),
        endpoint=endpoint,
        no_route=text,
        state_error=text,
        message=message,
        message_request=message,
        producer=Producer(text, Place(text, 1)),
        producer_error=text,
        crash=crash,
        refusal=crash,
        log=(text,),
        self_call=text,
        refused=(text,),
        refused_elsewhere=(text,),
        left_alone=text,
        over_limit=text,
        unanswered=text,
        warnings=(text,),
    )
    interaction = Interaction(text, (state,), text, id=text, key=text, unverifiable=text, test_name=text)
    mismatch = Mismatch(text, text, None, None, text, Rule((Matcher(text, text),)))
    lines = (DiffLine(text, text, text),)
    result = InteractionResult(
        interaction, Outcome.MISMATCH, exchange, (mismatch,), text, Diff(lines, lines, lines, lines), text
    )
    at_broker = AtBroker(text, text, text, text, text, notices=((text, text),))
    use = Use(text, (200,))
    produced = Produced((text,), Producer(text, Place(text, 1)), (use,))
    return Report(
        text,
        (PactResult(Pact(text, text, (), Path("p"), text, at_broker), (result,), text),),
        (text,),
        (text,),
        nothing_is_fine=text,
        publication=Publication(text, text, text, (text,), ((text, text),)),
        unpublished=text,
        started=datetime.now(UTC),
        coverage=Coverage((Operation(text, endpoint, (use,)),), nowhere=((text, use),), produced=(produced,)),
        nothing_because=text,
    )


def texts(value: Any) -> list[str]:
    """All texts that a person may read."""
    if isinstance(value, str | ProviderState):
        return [str(value)]
    if isinstance(value, bytes):
        return [value.decode(errors="replace")]
    members: Iterable[Any] = ()
    if isinstance(value, dict):
        members = (*value.keys(), *value.values())
    elif isinstance(value, tuple):
        members = value
    elif isinstance(value, SetUpState):
        members = (value.state, value.handler, *value.values.keys())
    elif is_dataclass(value) and not isinstance(value, Request):
        members = [getattr(value, field.name) for field in fields(value) if field.name not in NOT_SHOWN]
    return [text for member in members for text in texts(member)]


def test_every_text_is_spelled_out() -> None:
    odd, printable = texts(report_with(ODD)), texts(printable_values(report_with(ODD)))
    assert len(odd) == len(printable) > 60
    assert {text for text in printable if "a" in text} <= {
        SPELLED,
        f"{SPELLED} ({SPELLED}='{SPELLED}')",
        described_binary(ODD.encode(errors="surrogatepass")),  # of a body, which has a NUL
    }


def test_a_line_stays_a_line_and_a_text_keeps_its_lines() -> None:
    (result,) = printable_values(report_with("a\n\tb")).interactions
    assert (result.interaction.description, result.rerun) == ("a\\n\tb", "a\\n\tb")
    assert (result.error, result.exchange.warnings) == ("a\n\tb", ("a\n\tb",))


def test_a_body_keeps_its_lines() -> None:
    message = RecordedResponse(200, body=b"a\r\nb\n\x01\xff")
    assert printable_values(message).body == "a\nb\n\\x01\ufffd".encode()


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"", b""),
        ("Größe\x1b".encode(), "Größe\\x1b".encode()),
        ("Größenwahn".encode("latin-1"), "Größenwahn".encode("latin-1")),
        (b"text\0", b"(binary, 5 bytes: 74 65 78 74 00)"),
        (b"\xff\xfe\xfd", b"(binary, 3 bytes: ff fe fd)"),
        (b"\xff" * 33, f"(binary, 33 bytes: {' '.join(['ff'] * 32)} …)".encode()),
    ],
)
def test_a_binary_body_is_described(body: bytes, shown: bytes) -> None:
    assert printable_values(RecordedMessage(body)).body == shown


def test_a_printable_value_stays_the_same() -> None:
    report = report_with("Größe ✓ 品")
    assert printable_values(report) == report


def test_what_the_pact_expects_is_not_read() -> None:
    """Reports show it in the diff. It may be nested too deeply for any walk."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    interaction = Interaction("a", request=Request(body=deep), expected=Expected(body=deep))
    assert printable_values(interaction) is interaction
