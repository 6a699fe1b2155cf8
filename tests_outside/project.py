"""A Django project that a developer starts with django-admin, and edits."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests_outside.documented import snippet
from tests_outside.environments import Environment

TIMEOUT = 100


@dataclass(frozen=True)
class Run:
    """A finished command."""

    exit_code: int
    out: str

    def has(self, *texts: str) -> None:
        """Check that a person reads these texts, whatever the white space."""
        read = " ".join(self.out.split())
        for text in texts:
            assert " ".join(text.split()) in read, self.out


class Project:
    """A project in a folder, with commands as they are typed there."""

    def __init__(self, folder: Path, environment: Environment) -> None:
        self.folder = folder
        self.manage_py = "manage.py"
        self._environment = environment
        folder.mkdir(exist_ok=True)

    def program(self, name: str) -> str:
        return self._environment.program(name)

    def run(self, program: str, *arguments: str, cwd: str = ".", **variables: str) -> Run:
        """Run a program of the environment, with none of this session's own variables."""
        # PYTHON… and DJANGO_… lead to the repository; a CI service's variables are about its own build.
        mine = re.compile("PYTHON|DJANGO_|PACT_|GIT_|GITHUB_|COV|VIRTUAL_ENV|CI$")
        inherited = {name: value for name, value in os.environ.items() if not mine.match(name)}
        finished = subprocess.run(
            [self.program(program), *arguments],
            cwd=self.folder / cwd,
            env={
                **inherited,
                "COLUMNS": "120",
                "PYTHONWARNINGS": "default",
                "PYTHONDONTWRITEBYTECODE": "1",
                **variables,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        return Run(finished.returncode, finished.stdout)

    def start(self, *apps: str) -> None:
        """Start the project and its apps, and install pact_verification as README says."""
        self.do("django-admin", "startproject", "config", ".")
        self.append("config/settings.py", snippet("In your own project"))
        self.add_apps(*apps)

    def add_apps(self, *apps: str) -> None:
        for app in apps:
            self.do("python", "manage.py", "startapp", app)
        self.append("config/settings.py", f"INSTALLED_APPS += {list(apps)}\n")

    def do(self, program: str, *arguments: str, cwd: str = ".") -> None:
        """Run a program that has to succeed."""
        ran = self.run(program, *arguments, cwd=cwd)
        assert ran.exit_code == 0, ran.out

    def verify(self, *arguments: str) -> Run:
        return self.run("python", self.manage_py, "verify_pacts", *arguments)

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def append(self, path: str, text: str) -> None:
        with (self.folder / path).open("a") as file:
            file.write(f"\n{text}")

    def replace(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text()
        assert text.count(old) == 1, f"{path} has {old!r} {text.count(old)} times."
        self.write(path, text.replace(old, new))

    def pact(self, *interactions: Mapping[str, Any], consumer: str = "app") -> None:
        """Write a pact of a consumer, in Pact's specification 4."""
        document = {
            "consumer": {"name": consumer},
            "provider": {"name": "shop"},
            "interactions": interactions,
            "metadata": {"pactSpecification": {"version": "4.0"}},
        }
        self.write(f"pacts/{consumer}.json", json.dumps(document))


def interaction(
    description: str,
    request: str,
    *,
    states: Sequence[str | tuple[str, Mapping[str, Any]]] = (),
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    status: int = 200,
    response: Any = None,
    response_headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return an interaction; its request is written like 'GET /products?page=1', its bodies are JSON."""
    method, _, target = request.partition(" ")
    path, _, query = target.partition("?")
    asked: dict[str, Any] = {"method": method, "path": path}
    if query:
        asked["query"] = {name: [value] for name, value in (pair.split("=") for pair in query.split("&"))}
    answered: dict[str, Any] = {"status": status}
    for part, given, content in ((asked, headers, body), (answered, response_headers, response)):
        part["headers"] = {name: [value] for name, value in (given or {}).items()}
        if content is not None:
            part["headers"].setdefault("Content-Type", ["application/json"])
            part["body"] = {"content": content, "contentType": "application/json", "encoded": False}
    return {
        "type": "Synchronous/HTTP",
        "description": description,
        "providerStates": [
            {"name": state} if isinstance(state, str) else {"name": state[0], "params": state[1]} for state in states
        ],
        "request": asked,
        "response": answered,
    }


def proved(project: Project, *options: str, breaking: tuple[str, str, str], shows: str) -> None:
    """Check that a project keeps its pact without a warning, and what a person reads where it does not.

    `breaking` is a change of a file's text, and `shows` a part of the report on it.
    """
    kept = json.loads((project.folder / "pacts/app.json").read_text())["interactions"]
    ran = project.verify(*options)
    assert ran.exit_code == 0, ran.out
    ran.has(f": {len(kept)} verified", "The contracts hold.")
    assert not re.search("warning", ran.out, re.IGNORECASE), ran.out

    path, old, new = breaking
    project.replace(path, old, new)
    ran = project.verify(*options)
    assert ran.exit_code == 1, ran.out
    ran.has(shows, "The contracts are broken.")
    project.replace(path, new, old)

    project.pact(*kept, interaction("of a state", "GET /nothing", states=["nobody has written this"]))
    ran = project.verify(*options)
    assert ran.exit_code == 2, ran.out
    ran.has("1 provider state has no handler: nobody has written this")
    project.pact(*kept)
