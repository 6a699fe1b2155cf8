"""A pact with requests, asynchronous and synchronous messages: of each a green, a red and a pending interaction."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from junitparser import JUnitXml

from tests.pact_verification.messages.project import asynchronous, message_project, states, synchronous, write
from tests.pact_verification.pact_files import interaction
from tests.pact_verification.provider.small_project import Project
from tests.pact_verification.running import has

pytestmark = pytest.mark.unmeasured

PRODUCERS = """
@provider_state("an item {name} exists")
def item_exists(name):
    return {"id": Item.objects.create(name=name).pk, "name": name}


@message_producer("{colour}: an item was created")
def created(name, id):
    assert Item.objects.get(pk=id).name == name
    sent = []
    transaction.on_commit(lambda: sent.append(name))
    return {"names": [*Item.objects.order_by("pk").values_list("name", flat=True)]}


@message_producer("{colour}: two answers")
def answers(request):
    Item.objects.create(name="of the answer")
    return [Message({"part": 1, "of": request.content["item"]}), Message({"part": 2, "items": Item.objects.count()})]
"""
ASGI = """
from django.core.asgi import get_asgi_application

application = get_asgi_application()
"""
NAMES = ["kettle", "cup"]
"""The first is the migration's."""


def _each(colour: str, *, right: bool, **more: Any) -> Iterator[dict[str, Any]]:
    """Yield an interaction of each kind."""
    cup: dict[str, Any] = {"providerStates": states("an item cup exists")}
    response = {"body": {"content": NAMES if right else ["pot"], "contentType": "application/json", "encoded": False}}
    request = interaction(f"{colour}: all items", "/items", response=response, type="Synchronous/HTTP")
    yield {**request, **cup, **more}
    yield asynchronous(f"{colour}: an item was created", {"names": NAMES if right else ["pot"]}, **cup, **more)
    second = {"part": 2, "items": 2 if right else 3}
    yield synchronous(f"{colour}: two answers", {"item": 7}, {"part": 1, "of": 7}, second, **more)


INTERACTIONS = [
    *_each("green", right=True),
    *_each("red", right=False),
    *_each("late", right=False, pending=True),
]
OUTCOMES = ["verified"] * 3 + ["mismatch"] * 6


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with message_project(tmp_path, PRODUCERS) as project:
        for consumer in ("mailer", "billing"):
            write(project, *INTERACTIONS, consumer=consumer)
        yield project


@pytest.mark.parametrize(
    ("options", "application"),
    [((), "wsgi"), (("--parallel", "2"), "wsgi"), (("--isolation", "flush"), "wsgi"), ((), "asgi")],
    ids=["one process", "two processes", "flush", "asgi"],
)
def test_outcomes(project: Project, options: tuple[str, ...], application: str) -> None:
    own = (project.folder / "project_settings.py").read_text()
    more = f'\nPACT_APPLICATION = "{application}"\nASGI_APPLICATION = "shop.asgi.application"\n'
    project.write("project_settings.py", own + more)
    project.write("shop/asgi.py", ASGI)
    ran = project.verify("--json", "report.json", *options)
    report = json.loads((project.folder / "report.json").read_text())
    assert (ran.exit_code, report["exit_code"]) == (1, 1)
    descriptions = [each["description"] for each in INTERACTIONS]
    for pact in report["pacts"]:
        came = pact["interactions"]
        assert [each["description"] for each in came] == descriptions
        assert [each["outcome"] for each in came] == OUTCOMES
        assert [each["failed"] for each in came] == [False] * 3 + [True] * 3 + [False] * 3
        assert [each["pending"] for each in came] == [False] * 6 + [True] * 3
        assert [each["warnings"] for each in came] == [[]] * 9
        _, created, answers = [[mismatch["path"] for mismatch in each["mismatches"]] for each in came[3:6]]
        assert created == ["$.names", "$.names[0]"]
        assert answers == ["$.items"]
        assert came[5]["mismatches"][0]["message"].endswith("Expected 2 (Integer) to be equal to 3 (Integer)")
    assert ran.out.count("pending: does not fail the run") == 6
    has(
        ran,
        "shop: 18 interactions of 2 consumers: 6 verified, 6 failed, 6 failed (pending), in",
        "The contracts are broken.",
    )


def test_pytest(project: Project) -> None:
    ran = project.run(
        "pytest", "-p", "pact_verification.pytest_plugin", "pacts/mailer.json", "-rx", "--junitxml=junit.xml"
    )
    assert ran.exit_code == 1
    [suite] = JUnitXml.fromfile(str(project.folder / "junit.xml"))
    came = {case.name: type(case.result[0]).__name__ if case.result else "Passed" for case in suite}
    cup = ", given an item cup exists"
    assert came == {
        f"{colour}: {rest}": outcome
        for colour, outcome in (("green", "Passed"), ("red", "Failure"), ("late", "Skipped"))
        for rest in (f"all items{cup}", f"an item was created{cup}", "two answers")
    }
    has(ran, "3 failed, 3 passed, 3 xfailed", "pending: ")


def test_pytest_with_a_producer_that_raises_and_one_that_is_missing(project: Project) -> None:
    raising = '@message_producer("it raises")\ndef raises():\n    raise RuntimeError("no such order")\n'
    states_py = project.folder / "shop" / "pact_states.py"
    project.write("shop/pact_states.py", f"{states_py.read_text()}\n\n{raising}")
    both = asynchronous("it raises", {}), asynchronous("it raise", {})
    write(project, *both, *_each("green", right=True), consumer="mailer")
    ran = project.run("pytest", "-p", "pact_verification.pytest_plugin", "pacts/mailer.json")
    assert ran.exit_code == 1
    has(
        ran,
        "raises() raised RuntimeError: no such order (shop/pact_states.py:",
        '@message_producer("it raise")',
        'did you mean "it raises"?',
        "2 failed, 3 passed",
    )
