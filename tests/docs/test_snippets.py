"""The Python and the console blocks of README and docs/ work as they stand there.

Two pages have tests elsewhere, in tests/pact_verification/messages/: docs/howto/messages.md and capturing-messages.md.
tests_outside/ installs the package as README says. test_names.py only parses the console blocks of other pages: they
need a broker, a service, CI or a person at a terminal, or show no output.
"""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.checks import run_checks
from django.test import override_settings

from pact_verification.conf import DEFAULTS
from tests.broken_example import BREAKS, copy_example, edit, verify
from tests.docs.pages import ALL_PAGES, Block, blocks, matches, of_page
from tests.docs.recipes import FILES, RECIPES, Recipe
from tests.pact_verification.pact_files import write_pact
from tests.pact_verification.running import ROOT, inherited, without_progress

pytestmark = [pytest.mark.no_database, pytest.mark.unmeasured]  # a run has its own

README, EXAMPLE, OWN = "README.md", "docs/tutorial/example.md", "docs/tutorial/your-project.md"
TESTED_ELSEWHERE = {"docs/howto/messages.md", "docs/howto/capturing-messages.md"}
PYTHON = [block for block in blocks() if block.language == "python" and block.page not in TESTED_ELSEWHERE]
SETTINGS = [block for block in PYTHON if block.is_settings and block.page != OWN]
QUOTES = [block for block in PYTHON if block.page in (README, EXAMPLE) and not block.is_settings]
COLUMNS = "100"


def test_each_block_of_python_has_a_test() -> None:
    of_recipes = [block for recipe in RECIPES for block in of_page(recipe.page, "python", recipe.heading)]
    tested = {str(block) for block in (*SETTINGS, *QUOTES, *of_recipes, *of_page(OWN, "python"))}
    assert {str(block) for block in PYTHON} == tested


@pytest.mark.parametrize("block", QUOTES, ids=str)
def test_a_quote_is_as_the_file_has_it(block: Block) -> None:
    assert block.source.strip("\n") + "\n" in (ROOT / "products/pact_states.py").read_text()


@pytest.mark.parametrize("block", SETTINGS, ids=str)
def test_settings_can_be_used(block: Block) -> None:
    statements = [each for each in ast.parse(block.source).body if not isinstance(each, ast.ImportFrom)]
    names: dict[str, Any] = {"INSTALLED_APPS": [], "BASE_DIR": Path()}  # of the settings that a block extends
    exec(compile(ast.Module(statements, []), str(block), "exec"), names)
    ours = {name: value for name, value in names.items() if name.startswith("PACT_")}
    assert ours.keys() <= DEFAULTS.keys()
    assert ours or names["INSTALLED_APPS"]
    with override_settings(**ours):
        assert run_checks() == []


@pytest.mark.parametrize("page", [README, EXAMPLE])
def test_the_example_prints_what_the_page_shows(page: str, tmp_path: Path) -> None:
    copy_example(tmp_path)
    (block,) = [each for each in of_page(page, "console") if "21 verified" in each.source]
    installing, command, *output = block.output().splitlines()
    assert installing == "Installing requirements/verify.txt into .venv"
    assert command == ".venv/bin/python manage.py verify_pacts"
    ran = verify(tmp_path)
    assert (ran.returncode, without_progress(ran.stderr)) == (0, "")
    assert matches("\n".join(output), ran.stdout), ran.stdout


@pytest.mark.parametrize("page", [README, EXAMPLE])
def test_a_contract_of_the_example_breaks_as_the_page_shows(page: str, tmp_path: Path) -> None:
    (block,) = [each for each in of_page(page, "console") if "16 verified, 5 failed" in each.source]
    copy_example(tmp_path, BREAKS["number-as-text"])
    ((file, ((old, new),)),) = BREAKS["number-as-text"].edits.items()
    sentence = " ".join((ROOT / page).read_text().split())
    assert f"In `{file}`, find `{old}` and write `True`." in sentence
    ran = verify(tmp_path)
    assert ran.returncode == 1
    assert matches(block.output(), ran.stdout), ran.stdout
    if page == EXAMPLE:  # then the page mends it
        edit(tmp_path / file, (new, old))
        ran = verify(tmp_path, "--last-failed")
        (mended,) = of_page(page, "console", "Mend it")
        assert matches(mended.output(), ran.stdout), ran.stdout


class Newcomer:
    """Somebody who follows the tutorial in an empty folder.

    Attributes:
        packages: a folder with the package alone. The repository has a module `config` too.
    """

    def __init__(self, folder: Path, packages: Path) -> None:
        self.folder = folder
        self.packages = packages
        (packages / "pact_verification").symlink_to(ROOT / "pact_verification")

    def follow(self, block: Block) -> None:
        if block.language == "console":
            self.type(block)
        elif block.language == "json":
            (self.folder / "pacts").mkdir()
            (self.folder / "pacts/web.json").write_text(block.source)
        else:
            self.edit(block)

    def edit(self, block: Block) -> None:
        assert block.file, f"{block} does not name its file."
        file = self.folder / block.file
        first, _, code = block.source.partition("\n")
        if block.is_settings:  # the page says to add to them
            file.write_text(file.read_text() + block.source)
        elif first.endswith(", the last line"):
            file.write_text("".join([*file.read_text().splitlines(keepends=True)[:-1], code]))
        else:
            file.write_text(block.source)

    def type(self, block: Block) -> None:
        commands = [each for each in block.commands() if not each.startswith(("python3 -m venv", ". ", "pip "))]
        for command in commands:  # but for the three that install, which tests_outside/ tests
            ran = self.run(*shlex.split(command))
            if shown := block.output() if len(commands) == 1 else "":
                assert matches(shown, ran.stdout + ran.stderr), ran.stdout + ran.stderr
            else:
                assert ran.returncode == 0, ran.stdout + ran.stderr

    def run(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        start = {"python": [], "django-admin": ["-m", "django"]}[program]
        return subprocess.run(
            [sys.executable, *start, *arguments],
            cwd=self.folder,
            env={**inherited(), "PYTHONPATH": str(self.packages), "COLUMNS": COLUMNS, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )


def test_a_newcomer_follows_the_tutorial_in_an_empty_folder(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    newcomer = Newcomer(tmp_path, tmp_path_factory.mktemp("packages"))
    for block in of_page(OWN):
        newcomer.follow(block)
    views = tmp_path / "shop/views.py"
    edit(views, ('"title": found.name', '"name": found.name'))  # "Write "name" again, and the run is green."
    assert newcomer.run("python", "manage.py", "verify_pacts").returncode == 0


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: f"{recipe.page}, {recipe.heading}")
def test_a_recipe(recipe: Recipe, shop: Path) -> None:
    sources = [block for block in of_page(recipe.page, "python", recipe.heading) if not block.is_settings]
    assert sources
    for block in sources:
        file = block.file or "shop/pact_states.py"
        (shop / file).write_text(block.source + recipe.more.get(file, ""))
    write_pact(shop / "pacts/app.json", *recipe.interactions, provider="shop", consumer="app")
    ran = subprocess.run(
        [sys.executable, "-m", "django", "verify_pacts", "--json", "report.json"],
        cwd=shop,
        env={
            **inherited(),
            "PYTHONPATH": f"{shop}{os.pathsep}{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": "shop_settings",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    results = json.loads((shop / "report.json").read_text())["pacts"][0]["interactions"]
    assert [result["outcome"] for result in results] == ["verified"] * len(recipe.interactions)
    assert [result["warnings"] for result in results] == [[]] * len(results)
    handlers = {state["handler"] for result in results for state in result["states"]}
    registered = re.findall(r"^@provider_state\(", (shop / "shop/pact_states.py").read_text(), re.MULTILINE)
    assert len(handlers) >= len(registered), "An interaction has to need each state of the recipe."


@pytest.mark.parametrize("block", [each for each in blocks() if each.language in ("yaml", "json")], ids=str)
def test_data_can_be_read(block: Block) -> None:
    """CI's files are run by tests/test_ci.py, and the tutorial's pact by the tutorial's test."""
    data = yaml.safe_load(block.source) if block.language == "yaml" else json.loads(block.source)
    assert isinstance(data, dict)
    for step in data.get("steps", ()):
        if "/.github/actions/" in step.get("uses", ""):
            _, _, path = step["uses"].partition("example-provider-python/")
            action = yaml.safe_load((ROOT / path.partition("@")[0] / "action.yml").read_text())
            assert step["with"].keys() <= action["inputs"].keys()
    for repository in data.get("repos", ()):
        hooks = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
        assert {hook["id"] for hook in repository["hooks"]} <= hooks
    for included in data.get("include", ()):
        assert (ROOT / included["remote"].partition("/v1/")[2]).is_file()


def test_the_pages_have_blocks() -> None:
    assert len(ALL_PAGES) > 30
    assert len(PYTHON) > 20
