"""pact_impact's answer for the example, against what verify_pacts says once the change is made in its serializer."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.broken_example import SERIALIZERS, Break, clean_environment, copy_example, verify

pytestmark = [pytest.mark.no_database, pytest.mark.unmeasured]

REFUSED = 400
"""The status whose body is no product. The changes below leave it alone."""

BEFORE = "    def validate_id(self, value: str) -> str:\n"

CHANGES = {
    "removed": "del data[{name!r}]",
    "renamed": "data['renamed'] = data.pop({name!r})",
    "null": "data[{name!r}] = None",
    "type": "data[{name!r}] = 7 if isinstance(data[{name!r}], str) else 'another type'",
    "value": "data[{name!r}] = data[{name!r}] + 1 if isinstance(data[{name!r}], float) else 'another value'",
}
"""What is done to a member of each product that the serializer writes, by the kind that pact_impact calls it."""


def in_serializer(name: str, kind: str) -> Break:
    change = CHANGES[kind].format(name=name)
    method = (
        "    def to_representation(self, instance: Product) -> dict:\n"
        f"        data = super().to_representation(instance)\n        {change}\n        return data\n\n"
    )
    return Break(f"{name}: {kind}", {SERIALIZERS: ((BEFORE, method + BEFORE),)})


def ask(folder: Path, *arguments: str) -> dict[str, Any]:
    """Ask an unchanged copy, and return the JSON report."""
    report = folder / "impact.json"
    subprocess.run(
        [folder / ".venv" / "bin" / "python", "manage.py", "pact_impact", "--json", report, *arguments],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        check=False,
    )
    answer: dict[str, Any] = json.loads(report.read_text())
    return answer


def broken_by(change: Break, folder: Path) -> set[str]:
    """Make the change in a copy, and return the keys of the interactions that fail then."""
    copy_example(folder, change)
    report = folder / "report.json"
    verify(folder, "--json", str(report))
    return {
        interaction["key"]
        for pact in json.loads(report.read_text())["pacts"]
        for interaction in pact["interactions"]
        if interaction["outcome"] != "verified"
    }


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("example")
    copy_example(folder)
    return ask(folder)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("name", "removed"),
        ("name", "type"),
        ("type", "null"),
        ("type", "value"),
        ("version", "removed"),
        ("price", "removed"),
        ("price", "type"),
        ("name", "value"),
    ],
)
def test_the_table_names_the_interactions_that_fail(
    table: dict[str, Any], tmp_path: Path, name: str, kind: str
) -> None:
    predicted = {
        key
        for operation in table["operations"]
        for member in operation["members"]
        for need in member["needs"]
        for key in need["interactions"]
        if operation["status"] != REFUSED
        and member["path"] in {f"$.{name}", f"$[*].{name}"}
        and kind in need["noticed"]
    }
    assert broken_by(in_serializer(name, kind), tmp_path) == predicted


@pytest.mark.parametrize(("name", "kind"), [("name", "renamed"), ("version", "removed")])
def test_a_plan_names_the_interactions_that_fail(tmp_path: Path, kind: str, name: str) -> None:
    folder, changed = tmp_path / "unchanged", tmp_path / "changed"
    folder.mkdir()
    changed.mkdir()
    copy_example(folder)
    asked = ["--rename", f"{name}=renamed"] if kind == "renamed" else ["--without", name]
    plan = ask(folder, *asked)["plan"]
    predicted = {
        each["interaction"]["key"] for each in plan["breaks"] if not each["operation"].endswith(f", {REFUSED}")
    }
    assert broken_by(in_serializer(name, kind), changed) == predicted
