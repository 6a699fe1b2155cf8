"""Copies of the example provider with deliberate faults, for the pictures in docs/ and for tests."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("manage.py", "config", "products", "pact_verification", "pacts")

SERIALIZERS, PAGINATION, STATES = "products/serializers.py", "products/pagination.py", "products/pact_states.py"


@dataclass(frozen=True)
class Break:
    """A fault in the example.

    Attributes:
        title: what the developer has done.
        edits: replacements of texts that stand in a file once, by file.
    """

    title: str
    edits: Mapping[str, tuple[tuple[str, str], ...]]


BREAKS = {
    "renamed-field": Break(
        "a field gets another name",
        {
            SERIALIZERS: (
                (
                    "    class Meta:\n        model = Product\n",
                    '    title = serializers.CharField(source="name")\n\n    class Meta:\n        model = Product\n',
                ),
                ('("id", "type", "name", "version", "price")', '("id", "type", "title", "version", "price")'),
            )
        },
    ),
    "wrong-status": Break(
        "a view answers with another status",
        {PAGINATION: (('Response(data, headers={"Link"', 'Response(data, status=206, headers={"Link"'),)},
    ),
    "view-raises": Break(
        "a view raises an exception",
        {PAGINATION: (("self.page.paginator.num_pages", "self.page.paginator.pages"),)},
    ),
    "removed-url": Break(
        "a URL is removed",
        {
            "products/urls.py": (
                (
                    (
                        '    re_path(rf"^product/(?P<pk>{ID_PATTERN})$", ProductViewSet.as_view({"get": "retrieve"}), '
                        'name="product-alias"),\n'
                    ),
                    "",
                ),
            )
        },
    ),
    "state-raises": Break(
        "a provider state raises an exception",
        {STATES: (("    Product.objects.filter(id=id).delete()", "    Product.objects.remove(id=id)"),)},
    ),
    "number-as-text": Break(
        "a number is sent as text",
        {"config/settings.py": (('"COERCE_DECIMAL_TO_STRING": False', '"COERCE_DECIMAL_TO_STRING": True'),)},
    ),
}
"""The faults, by the name of their picture."""


def copy_example(folder: Path, *breaks: Break) -> None:
    """Copy the example into a folder, with faults."""
    for part in PARTS:
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
    # A command names its Python. A project has its own, in its own folder.
    (folder / ".venv").symlink_to(sys.prefix)
    for each in breaks:
        for file, replacements in each.edits.items():
            edit(folder / file, *replacements)


def edit(file: Path, *replacements: tuple[str, str]) -> None:
    """Replace texts that stand in a file once. Raises ValueError if one does not."""
    text = file.read_text()
    for old, new in replacements:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} stands {text.count(old)} times in {file.name}.")
        text = text.replace(old, new)
    file.write_text(text)


def verify(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run verify_pacts of a copy as a process."""
    return subprocess.run(
        [folder / ".venv" / "bin" / "python", "manage.py", "verify_pacts", *arguments],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def clean_environment() -> dict[str, str]:
    """Return this process's environment without the variables that configure a run."""
    own = ("PACT_", "DJANGO_", "GITHUB_", "DATABASE_URL", "COVERAGE_")
    return {key: value for key, value in os.environ.items() if not key.startswith(own)}


def last_screen(output: str) -> str:
    """Return what a run says last, from its number of failures and causes on."""
    begins = list(re.finditer(r"^\S*\d+ failures?, \d+ causes?", output, re.MULTILINE))
    return output[begins[-1].start() :] if begins else ""
