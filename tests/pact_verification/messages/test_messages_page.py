"""The code that docs/howto/messages.md shows works as it stands there, and prints what the page says."""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.pact_verification.pact_files import write_pact
from tests.pact_verification.provider.small_project import Project, small_project
from tests.pact_verification.running import ROOT, without_progress

pytestmark = [pytest.mark.no_database, pytest.mark.unmeasured]  # a run has its own

PAGE = (ROOT / "docs/howto/messages.md").read_text()
MODELS = """
from django.db import models


class Order(models.Model):
    customer = models.CharField(max_length=40)
    total = models.IntegerField()
"""
EVENTS = """
import json

DISCOUNT = 0


def discount_granted(order):
    return {"total": order.total - DISCOUNT}


def framed(value):
    return b"\\0\\0\\0\\0\\1" + json.dumps(value).encode()


def answer(question):
    return {"total": Order.objects.get(customer=question["customer"]).total}
"""
"""What the page's code calls and does not show."""

AN_ORDER = [{"name": "an order of Ada exists", "params": {"total": 7}}]


def blocks(language: str) -> list[str]:
    """Return the page's blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def message(description: str, contents: dict[str, Any], *, states: Any = (), **more: Any) -> dict[str, Any]:
    return {
        "type": "Asynchronous/Messages",
        "description": description,
        "providerStates": list(states),
        "contents": contents,
        **more,
    }


def question(description: str, request: Any, *responses: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "Synchronous/Messages",
        "description": description,
        "request": {"contents": as_json(request), **more},
        "response": list(responses),
        "providerStates": AN_ORDER,
    }


def as_json(value: Any, content_type: str = "application/json") -> dict[str, Any]:
    return {"contentType": content_type, "content": value, "encoded": False}


SMALLEST = json.loads(blocks("json")[0])
OTHERS = {
    "a producer that yields": message("a discount was granted", as_json({"total": 5}), states=AN_ORDER),
    "a value in the description": message(
        "an order was cancelled", as_json({"event": "cancelled", "total": 7}), states=AN_ORDER
    ),
    "metadata": message(
        "a catalogue was exported",
        as_json('<catalogue currency="EUR"/>', "application/xml"),
        metadata={"content-type": "application/xml", "key": 7},
    ),
    "Kafka's wire format": message(
        "a price was sent to Kafka", as_json({"price": 5}, "application/vnd.schemaregistry.v1+json")
    ),
    "a synchronous message": question(
        "a question about a total",
        {"customer": "Ada"},
        {"contents": as_json({"total": 7}), "metadata": {"topic": "totals"}},
        metadata={"replyTo": "totals"},
    ),
    "two responses": question(
        "a question about all orders",
        {"parts": 2},
        *({"contents": as_json({"part": part, "of": 2})} for part in (1, 2)),
    ),
}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """The small project with the page's code."""
    with small_project(tmp_path, "") as project:
        for migration in (tmp_path / "shop/migrations").iterdir():
            migration.unlink()
        (tmp_path / "shop/migrations").rmdir()
        (tmp_path / "pacts/web.json").unlink()
        project.write("shop/models.py", MODELS)
        project.write("shop/urls.py", "urlpatterns = []")
        project.write("manage.py", (ROOT / "manage.py").read_text().replace("config.settings", "project_settings"))
        events, *states = blocks("python")
        project.write("shop/events.py", events + EVENTS)
        project.write("shop/pact_states.py", "\n\n".join(states))
        yield project


@pytest.fixture
def expect(project: Project) -> Any:
    return partial(write_pact, project.folder / "pacts/mailer.json", provider="shop", consumer="mailer", version="4.0")


def shown(text: str) -> list[str]:
    """The lines of a report, without times and without the line that runs an interaction again."""
    text = re.sub(r"\bin [\d.]+ s( \([^)]*\))?", "in 0.1 s", text)
    text = re.sub(r"(took +).*?,", r"\1…,", text)
    return re.sub(r"(again +).*", r"\1…", text).strip().splitlines()


def test_the_smallest_example_prints_what_the_page_shows(project: Project, expect: Any) -> None:
    expect(SMALLEST)
    ran = project.verify()
    assert (ran.exit_code, without_progress(ran.err)) == (0, "")
    assert shown(ran.out) == blocks("console")[0].split("\n\n", 1)[1].splitlines()


def test_a_message_that_differs_prints_what_the_page_shows(project: Project, expect: Any) -> None:
    expect(SMALLEST)
    events = project.folder / "shop/events.py"
    events.write_text(events.read_text().replace('"total": order.total}', '"total": str(order.total)}'))
    ran = project.verify()
    assert ran.exit_code == 1
    found, _, _ = ran.out.strip().partition("\n\n")
    assert shown(found) == blocks("text")[0].splitlines(), found


def test_a_message_has_a_test_of_the_name_that_the_page_has(project: Project, expect: Any) -> None:
    expect(SMALLEST)
    (name,) = re.findall(r"such as `(pacts/.*)`", PAGE)
    ran = project.run("pytest", "-v", "-p", "pact_verification.pytest_plugin", "pacts")
    assert ran.exit_code == 0, ran.out
    assert f"{name} PASSED" in ran.out


@pytest.mark.parametrize("sample", OTHERS)
def test_every_other_sample_works(sample: str, project: Project, expect: Any) -> None:
    expect(OTHERS[sample])
    ran = project.verify("--json", "report.json")
    assert (ran.exit_code, without_progress(ran.err)) == (0, ""), ran.out
    (result,) = json.loads((project.folder / "report.json").read_text())["pacts"][0]["interactions"]
    assert result["warnings"] == []


def test_no_sample_is_without_a_test(project: Project, expect: Any) -> None:
    expect(SMALLEST, *OTHERS.values())
    ran = project.run("django", "pact_states", "--check")
    assert ran.exit_code == 0, ran.out + ran.err
    assert "1 provider state: 1 with a handler, 0 handlers unused" in ran.out
    assert "7 messages: 7 with a producer, 0 producers unused" in ran.out
