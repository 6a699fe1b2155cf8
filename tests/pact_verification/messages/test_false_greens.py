"""What is wrong with a message or its producer fails the interaction, and no other."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.pact_verification.messages.project import (
    asynchronous,
    message_project,
    outcomes,
    states,
    synchronous,
    verify,
    write,
)
from tests.pact_verification.provider.small_project import Project
from tests.pact_verification.running import has

PRODUCERS = """
@message_producer("good")
def good():
    return {"count": Item.objects.count()}


@message_producer("it raises")
def raises():
    raise RuntimeError("no such order")


@message_producer("it asks for too much")
def asks(colour):
    return {}


@message_producer("nothing")
def nothing():
    return None


@message_producer("a number")
def number():
    return 5


@message_producer("empty")
def empty():
    return Message(b"", "application/json")


@message_producer("an empty text")
def empty_text():
    return ""


@message_producer("several for one")
def several():
    return [Message({"count": 1}), Message({"count": 2})]


@message_producer("it exits")
def exits():
    sys.exit(0)


@message_producer("rows are left")
def leaves_rows():
    Item.objects.create(name="left")
    return {"count": Item.objects.count()}


@message_producer("its callback raises")
def callback_raises():
    transaction.on_commit(lambda: 1 / 0)
    return {"count": 1}


@message_producer("its callback writes")
def callback_writes():
    transaction.on_commit(lambda: Item.objects.create(name="on commit"))
    Item.objects.create(name="before")
    return {"count": 1}


@message_producer("two answers")
def answers(request):
    return [Message({"part": 1}), Message({"part": 2, "of": request.content["product"]})]


@message_producer("one answer of two")
def one_answer():
    return {"part": 1}


@message_producer("settings are changed")
def changes_settings():
    settings.PACT_PATHS = ["elsewhere"]
    return {"paths": settings.PACT_PATHS}


@message_producer("settings are read")
def reads_settings():
    return {"paths": settings.PACT_PATHS}


@message_producer("it is torn down")
def torn_down():
    yield {"count": 1}
    Path("torn-down").write_text(str(Item.objects.count()))


@message_producer("its teardown raises")
def teardown_raises():
    yield {"count": 1}
    raise RuntimeError("the lid does not close")


@message_producer("it yields twice")
def yields_twice():
    yield {"count": 1}
    yield {"count": 2}


@message_producer("it yields nothing")
def yields_nothing():
    return
    yield


@message_producer("a row without its parent")
def orphan():
    Part.objects.create(item_id=999)
    return {"count": 1}


@message_producer("not JSON")
def not_json():
    return {"item": ...}


@provider_state("an item exists")
def item_exists():
    return {"id": Item.objects.create(name="cup").pk, "count": 1}


@provider_state("it can't be set up")
def broken_state():
    Item.objects.create(name="half done")
    raise RuntimeError("no warehouse")


@message_producer("anything, {pact}")
def anything(pact):
    return {"a": 1}


@message_producer("JSON as text")
def json_as_text():
    return Message('{"a": 1}', "text/plain")


@message_producer("empty, {pact}")
def empty_too(pact):
    return Message(None)
"""
ONE = {"count": 1}
"""The small project has one item, which its migration inserts."""
GOOD = asynchronous("good", ONE)
METADATA = {"metadata": {"contentType": "application/json"}}

VERIFIED, MISMATCH, PRODUCER_ERROR = "verified", "mismatch", "producer_error"
RETURNS = "A producer returns a dict or list, text, bytes, or a Message"
BROKEN_STATE = {**GOOD, "providerStates": states("it can't be set up")}
TWO_ITEMS = {**asynchronous("good", {"count": 2}), "providerStates": states("an item exists")}
NOTHING_TO_COMPARE = "The pact says nothing of the message but its type at most, so there is nothing to compare."
NOT_EMPTY = "anything() returned a message with contents, and the pact's is empty. (shop/pact_states.py:LINE)"


@dataclass(frozen=True)
class Case:
    """An interaction, and what becomes of it. LINE stands for a line's number."""

    interaction: Mapping[str, Any]
    outcome: str = VERIFIED
    error: str = ""
    warnings: tuple[str, ...] = ()


def failing(description: str, error: str, content: Any = ONE, content_type: str = "application/json") -> Case:
    return Case(asynchronous(description, content, content_type), PRODUCER_ERROR, error)


AT = "(shop/pact_states.py:LINE)"
CASES = (
    Case(
        {"type": "Asynchronous/Messages", "description": "it raises", "metadata": {"topic": "orders"}},
        PRODUCER_ERROR,
        f"raises() raised RuntimeError: no such order {AT}",
    ),
    Case(GOOD),
    failing(
        "it asks for too much",
        "asks() needs 'colour', and the interaction's description and provider states give no values. A state handler "
        f"returns such values in a dict. {AT}",
    ),
    failing("nothing", f"nothing() returned None. {RETURNS}; an empty message is Message(None). {AT}"),
    failing("a number", f"number() returned 5, of type int. {RETURNS}. {AT}"),
    failing("empty", f"empty() returned an empty message, and the pact's has contents. {AT}"),
    failing(
        "an empty text",
        f"empty_text() returned an empty message, and the pact's has contents. {AT}",
        "Hi",
        "text/plain",
    ),
    failing(
        "several for one",
        f"several() returned 2 messages, and the pact has 1 message. Choose one, such as messages[0]. {AT}",
    ),
    failing("it exits", f"exits() raised SystemExit: 0 {AT}"),
    Case(asynchronous("rows are left", {"count": 2})),
    Case(TWO_ITEMS),
    Case(GOOD),
    failing("its callback raises", f"callback_raises() raised ZeroDivisionError: division by zero {AT}"),
    Case(asynchronous("its callback writes", ONE)),
    Case(synchronous("two answers", {"product": 7}, {"part": 1}, {"part": 2, "of": 7})),
    Case(synchronous("two answers", {"product": 7}, {"part": 1}, {"part": 3, "of": 7}), MISMATCH),
    Case(synchronous("two answers", {"product": 7}, {"part": 0}, {"part": 2, "of": 7}), MISMATCH),
    Case(
        synchronous("one answer of two", {}, {"part": 1}, {"part": 2}),
        PRODUCER_ERROR,
        f"one_answer() returned 1 message, and the pact has 2 responses. Return a list with a Message for each. {AT}",
    ),
    Case(
        asynchronous("settings are changed", {"paths": ["elsewhere"]}),
        warnings=("The interaction left settings changed, which were put back: PACT_PATHS.",),
    ),
    Case(asynchronous("settings are read", {"paths": ["pacts"]})),
    Case(asynchronous("it is torn down", ONE)),
    Case(
        asynchronous("its teardown raises", ONE),
        warnings=(f"The teardown of shop/pact_states.py:LINE failed: RuntimeError: the lid does not close {AT}",),
    ),
    Case(
        asynchronous("it yields twice", ONE),
        warnings=(
            (
                "The teardown of shop/pact_states.py:LINE failed: yields_twice() yields more than once; what follows "
                f"the first yield is the teardown. {AT}"
            ),
        ),
    ),
    failing("it yields nothing", f"yields_nothing() ended without a yield. {AT}"),
    failing(
        "not JSON",
        f"The message's content is not JSON: Object of type ellipsis is not JSON serializable. Give plain values. {AT}",
    ),
    Case(
        asynchronous("a row without its parent", ONE),
        PRODUCER_ERROR,
        f"orphan() raised IntegrityError: … {AT}",
    ),
    Case(BROKEN_STATE, "state_error", f'The state "it can\'t be set up" raised RuntimeError: no warehouse {AT}'),
    Case(GOOD),
    Case(asynchronous("JSON as text", {"a": 1}), MISMATCH),
    Case({**asynchronous("JSON as text", {"a": 1}), "contents": {"content": {"a": 1}}}, MISMATCH),
    # Contents that say little, or nothing.
    Case(asynchronous("anything, V4's are null", None), PRODUCER_ERROR, NOT_EMPTY),
    Case({**asynchronous("anything, V4's object is null", None), "contents": None}, PRODUCER_ERROR, NOT_EMPTY),
    Case(asynchronous("anything, V4's are an empty text", "", "text/plain"), PRODUCER_ERROR, NOT_EMPTY),
    Case(asynchronous("empty, V4's are null", None)),
    Case(asynchronous("anything, V4's are no bytes", "", "image/png", encoded="base64"), PRODUCER_ERROR, NOT_EMPTY),
    Case(asynchronous("empty, V4's are no bytes", "", "image/png", encoded="base64")),
    Case(
        {**asynchronous("anything, a content type alone", None), "contents": {}, **METADATA},
        "not_verified",
        NOTHING_TO_COMPARE,
    ),
    Case(
        asynchronous("anything, multipart", "--b--", "multipart/form-data; boundary=b"),
        "not_verified",
        "The message is multipart. The Pact core can't compare such a message, and would end the whole run.",
    ),
    Case(asynchronous("anything, Base64 is none", "%%%", encoded="base64"), MISMATCH),
    Case(
        {**asynchronous("anything, no contents", None), "contents": {"contentType": "application/json"}},
        "not_verified",
        NOTHING_TO_COMPARE,
    ),
    Case(
        {"type": "Asynchronous/Messages", "description": "anything, no contents at all"},
        "not_verified",
        NOTHING_TO_COMPARE,
    ),
    Case(
        synchronous("anything, no response", {}),
        "not_verified",
        "The pact expects no response to this message, so there is nothing to compare.",
    ),
    Case({**synchronous("anything, an empty response", {}), "response": [{}]}, "not_verified", NOTHING_TO_COMPARE),
    Case(GOOD),
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with message_project(tmp_path_factory.mktemp("faults"), PRODUCERS) as project:
        yield project


@pytest.mark.parametrize("options", [(), ("--isolation", "flush")], ids=["transaction", "flush"])
def test_each_case_in_one_run(project: Project, options: tuple[str, ...]) -> None:
    write(project, *(case.interaction for case in CASES))
    ran = project.verify("--json", "report.json", *options)
    [pact] = json.loads((project.folder / "report.json").read_text())["pacts"]
    came = [
        (each["description"], each["outcome"], _lines(each["error"]), [_lines(text) for text in each["warnings"]])
        for each in pact["interactions"]
    ]
    assert came == [(case.interaction["description"], case.outcome, case.error, [*case.warnings]) for case in CASES]
    assert ran.exit_code == 1
    assert (project.folder / "torn-down").read_text() == "1"


def _lines(text: str) -> str:
    """Return a text without numbers of lines and the database's own words."""
    text = re.sub(r"IntegrityError: .* \(", "IntegrityError: … (", text, flags=re.DOTALL)
    return re.sub(r"(pact_states\.py):\d+", r"\1:LINE", text)


DISTURBED = """
import threading


@message_producer("good")
def good():
    return {"count": 1}


@message_producer("too slow")
def too_slow():
    threading.Event().wait(0.7)
    return {"count": 1}


@message_producer("it hangs")
def hangs():
    threading.Event().wait()


@message_producer("the process ends")
def process_ends():
    os._exit(0)
"""


def test_a_producer_over_the_limit_and_one_that_hangs(tmp_path: Path) -> None:
    with message_project(tmp_path, DISTURBED) as project:
        write(project, GOOD, asynchronous("too slow", ONE), GOOD, asynchronous("it hangs", ONE), GOOD)
        ran, came = verify(project, "--request-timeout", "0.5")
    assert ran.exit_code == 1
    assert outcomes(came) == {"good": "not_verified", "too slow": "mismatch", "it hangs": "not_verified"}
    assert re.fullmatch(
        r"The producer took 0\.\d s, and may take 0\.5 s \(--request-timeout\)\.", came["too slow"]["error"]
    )
    has(ran, "the producer hangs() (shop/pact_states.py:", "line 28 in hangs", "did not come back")
    has(ran, "2 verified")


def test_a_producer_that_ends_the_process(tmp_path: Path) -> None:
    with message_project(tmp_path, DISTURBED) as project:
        write(project, GOOD, asynchronous("the process ends", ONE))
        ran, came = verify(project)
    assert ran.exit_code == 1
    assert outcomes(came) == {"good": "verified", "the process ends": "not_verified"}
    has(ran, "the producer process_ends() (shop/pact_states.py:")


UNREADABLE = {
    "V4 contents that are no object": (
        {**GOOD, "contents": "text"},
        "contents is the text 'text', and should be an object.",
    ),
    "misspelt contents": (
        {"type": "Asynchronous/Messages", "description": "good", "content": {}},
        "interaction 1 ('good') has no contents. Is 'content' a misspelling of it?",
    ),
    "misspelt content": (
        {**GOOD, "contents": {"contnet": {}, "contentType": "application/json"}},
        "has no content. Is 'contnet' a misspelling of it?",
    ),
    "misspelt response": (
        {**synchronous("good", {}), "response": None, "responses": []},
        "response is null, and should be a list.",
    ),
    "one response without a list": ({**synchronous("good", {}), "response": {}}, "response is an object"),
    "misspelt contents of a response": (
        {**synchronous("good", {}), "response": [{"contens": {}}]},
        "response 1 has no contents. Is 'contens' a misspelling of it?",
    ),
    "misspelt type": (
        {**GOOD, "type": "Asynchronous/Message"},
        "type is the text 'Asynchronous/Message', and should be one of",
    ),
}


def test_messages_in_pacts_with_an_unreadable_part(tmp_path: Path) -> None:
    """The other pacts are verified."""
    with message_project(tmp_path, DISTURBED) as project:
        write(project, GOOD, consumer="readable")
        for number, (interaction, _) in enumerate(UNREADABLE.values()):
            write(project, interaction, GOOD, consumer=f"unreadable-{number}")
        ran, _ = verify(project)
        pacts = json.loads((tmp_path / "report.json").read_text())["pacts"]
    assert ran.exit_code == 1
    came = {pact["consumer"]: [(each["outcome"], each["error"]) for each in pact["interactions"]] for pact in pacts}
    assert came.pop("readable") == [("verified", "")]
    for number, (_, error) in enumerate(UNREADABLE.values()):
        [(outcome, text)] = came[f"unreadable-{number}"]
        assert outcome == "not_verified"
        assert error in text


def test_a_missing_producer_stops_the_run_with_a_stub(tmp_path: Path) -> None:
    with message_project(tmp_path, DISTURBED) as project:
        write(project, GOOD, asynchronous("it hang", ONE), synchronous("a question", {}, {}))
        ran, came = verify(project)
    assert (ran.exit_code, came) == (2, {})
    assert (
        "2 messages have no producer:\n"
        "\n"
        "  it hang\n"
        "      needed by mailer: it hang (pacts/mailer.json)\n"
        '      did you mean "it hangs"? (shop/pact_states.py:26)\n'
        "\n"
        "  a question\n"
        "      needed by mailer: a question (pacts/mailer.json)\n"
        "\n"
        "Add to shop/pact_states.py, and fill in:\n"
        "\n"
        "from pact_verification import Message, message_producer\n"
        "\n"
        "\n"
        '@message_producer("it hang")\n'
        "def it_hang() -> Message:\n"
        '    raise NotImplementedError("return the message")\n'
        "\n"
        "\n"
        '@message_producer("a question")\n'
        "def a_question(request: Message) -> Message:\n"
        '    raise NotImplementedError("return the message")\n'
    ) in ran.err


def test_a_missing_producer_of_a_pending_message_fails_it_alone(tmp_path: Path) -> None:
    with message_project(tmp_path, DISTURBED) as project:
        write(project, GOOD, asynchronous("it hang", ONE, pending=True))
        ran, came = verify(project)
    assert ran.exit_code == 0
    assert outcomes(came) == {"good": "verified", "it hang": "producer_error"}
    assert came["it hang"]["error"] == "No producer for the message 'it hang'."
    has(ran, 'did you mean "it hangs"?', '@message_producer("it hang")')


def test_two_producers_of_a_message(tmp_path: Path) -> None:
    twice = '@message_producer("a {thing}")\ndef a(thing): ...\n\n\n@message_producer("a {other}")\ndef b(other): ...\n'
    with message_project(tmp_path, twice) as project:
        write(project, asynchronous("a cup", ONE))
        ran, _ = verify(project)
        assert ran.exit_code == 2
        assert (
            "Several producers claim the message 'a cup': 'a {thing}' (shop/pact_states.py:11) and 'a {other}' "
            "(shop/pact_states.py:15). Their patterns have equal amounts of literal text. Make one more specific, or "
            "register 'a cup' itself."
        ) in ran.err
        states_py = (tmp_path / "shop" / "pact_states.py").read_text()
        project.write("shop/pact_states.py", states_py.replace("a {other}", "a {thing}"))
        ran, _ = verify(project)
    assert ran.exit_code == 2
    has(
        ran,
        "Two producers claim the message 'a {thing}': shop/pact_states.py:11 and shop/pact_states.py:15. A message "
        "has one producer; several names may share one.",
    )
