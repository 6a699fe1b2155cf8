"""Values of provider states in messages: for producers, and in the request of a synchronous message."""

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

pytestmark = pytest.mark.no_database

PRODUCERS = """
@provider_state("an item {name} exists")
def item_exists(name, size=1):
    return {"id": Item.objects.create(name=name).pk, "label": f"{name} {size}"}


@message_producer("item {name} was made in {colour}")
def made(name, colour, id, label, size=0, **others):
    return {"name": name, "colour": colour, "id": id, "label": label, "size": size, "others": sorted(others)}


@message_producer("a question")
def question(request):
    item = Item.objects.get(pk=request.content["item"])
    return Message({"name": item.name, "of": request.metadata["key"], "to": request.metadata["replyTo"]})


@message_producer("a picture of it")
def picture(request, id):
    return Message(request.content + bytes([id]), request.content_type)


@message_producer("rules of metadata")
def rules():
    return Message({}, metadata={"key": "order-77", "Tags": {"id": 2}})
"""
OF_STATE = {"type": "ProviderState", "expression": "${id}"}


def test_values(tmp_path: Path) -> None:
    cup: dict[str, Any] = {"providerStates": states(("an item cup exists", {"size": 3}))}
    made = {"name": "cup", "colour": "red", "id": 2, "label": "cup 3", "size": 3, "others": []}
    question = synchronous("a question", {"item": 99}, {"name": "cup", "of": "item-2", "to": "answers"}, **cup)
    question["request"] |= {
        "generators": {
            "body": {"$.item": OF_STATE},
            "metadata": {"key": {"type": "ProviderState", "expression": "item-${id}"}},
        },
        "metadata": {"key": "item-99", "replyTo": "answers"},
    }
    picture = synchronous("a picture of it", None, None, **cup)
    for part, content in ((picture["request"], "AAH/"), (picture["response"][0], "AAH/Ag==")):
        part["contents"] = {"content": content, "contentType": "application/octet-stream", "encoded": "base64"}
    rules = asynchronous("rules of metadata", {}, metadata={"key": "order-1", "Tags": {"id": 1}})
    rules["matchingRules"] = {
        "metadata": {
            "key": {"combine": "AND", "matchers": [{"match": "regex", "regex": r"order-\d+"}]},
            "Tags": {"combine": "AND", "matchers": [{"match": "type"}]},
        }
    }
    with message_project(tmp_path, PRODUCERS) as project:
        write(project, asynchronous("item cup was made in red", made, **cup), question, picture, rules)
        ran, came = verify(project)
    assert set(outcomes(came).values()) == {"verified"}, ran.out
    assert len(came) == 4
    assert [each["warnings"] for each in came.values()] == [[]] * 4


COUNTING = """
CALLS = []


@message_producer("both")
def both(request):
    CALLS.append(request.content)
    return [Message({"call": len(CALLS), "id": request.content["id"]}), Message({"call": len(CALLS)})]


@provider_state("an id")
def an_id():
    return {"id": 7}
"""


def test_a_producer_is_called_once_for_all_responses(tmp_path: Path) -> None:
    """The values have the types that the generators name."""
    both = synchronous("both", {"id": "example"}, {"call": 1, "id": "7"}, {"call": 1}, providerStates=states("an id"))
    both["request"]["generators"] = {"body": {"$.id": {**OF_STATE, "dataType": "STRING"}}}
    with message_project(tmp_path, COUNTING) as project:
        write(project, both)
        ran, came = verify(project)
    assert outcomes(came) == {"both": "verified"}, ran.out
