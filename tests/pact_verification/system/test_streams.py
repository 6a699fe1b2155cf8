"""What a process prints: no commands but ours to GitHub's runner. And what it does where a stream takes nothing."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pact_verification.text import printable, visible, without_commands
from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.reporters.test_github import commands
from tests.pact_verification.running import ROOT, Verify, command, environment, run

pytestmark = [pytest.mark.no_database, pytest.mark.unmeasured]

EVIL = "evil ##[error]x\n::set-env name=PATH::x\r::add-mask::y\u2028  ::error::z"
RED = interaction(EVIL, "/%23%23%5Bgroup%5D/nothing", response={"body": {"a": EVIL, EVIL: 1}})
NO_STATE = interaction(EVIL, states=[("an item cup exists", {"n": EVIL})])
LOGGED: dict[str, Any] = {
    "LOGGING": {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"stderr": {"class": "logging.StreamHandler"}},
        "loggers": {"django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False}},
    }
}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("##[error]x", "## [error]x"),
        ("a ###[group]b ##[x", "a ### [group]b ## [x"),
        ("# [a] ##a[", "# [a] ##a["),
        ("::error::x", ": :error::x"),
        ("a::b\n \t::error::x", "a::b\n \t: :error::x"),
        ("a\r::error::x", "a\r: :error::x"),
        ("\u3000\x85::error::x", "\u3000\x85: :error::x"),
        (":::", ": ::"),
    ],
)
def test_both_spellings_of_a_command(text: str, shown: str) -> None:
    assert without_commands(text) == without_commands(shown) == shown


@pytest.mark.parametrize("arguments", [(), ("--no-github",), ("--github",), ("--parallel", "2")])
def test_nothing_but_annotations_is_a_command(tmp_path: Path, verify: Verify, arguments: tuple[str, ...]) -> None:
    pacts = [write_pact(tmp_path / name, RED, NO_STATE, consumer=f"{name} {EVIL}") for name in ("a.json", "b.json")]
    ran = verify(*pacts, *arguments, "--verbosity=3", "--durations=3", "--coverage", settings=LOGGED)
    assert ran.exit_code == 1
    assert "evil ## [error]x" in ran.out
    assert "Not Found: /## [group]/nothing" in ran.out  # the project's own log, in this process or in a worker
    wanted = ["error"] * 2 if "--github" in arguments else []  # one for each cause
    assert [kind for kind, *_ in commands(ran.out)] == wanted
    assert commands(ran.err) == []
    if wanted:
        assert "##[" not in ran.out


@pytest.mark.parametrize("name", ["verify_pacts", "pact_states"])
def test_nor_is_an_error(tmp_path: Path, name: str) -> None:
    evil = interaction(EVIL, states=[EVIL])
    for ran in (
        run(name, write_pact(tmp_path / "pact.json", evil)),
        run(name, write_pact(tmp_path / "pact.json", evil), "--stubs" if name == "pact_states" else "--coverage"),
        run(name, "--consumer", "##[error]x", tmp_path / "##[error]x"),
        run(name, "--no-such=##[error]x"),
        run(name, "##[error]x\n::error::x"),
    ):
        assert ran.out + ran.err
        assert commands(ran.out) == commands(ran.err) == []


@pytest.mark.parametrize(
    "char", [*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\x9b\x1b\x00"]
)
def test_characters_that_a_terminal_or_a_browser_obeys(char: str) -> None:
    assert char not in printable(f"a{char}b")
    assert char not in visible(f"a{char}b")
    assert json.loads(visible(f'"a{char}b"')) == f"a{char}b"


def test_what_is_visible_already_stays() -> None:
    text = "\ta ✓ Größe ⚠️ 品\n"
    assert visible(text) == text
    assert visible(f"{text}\x1b[1;31mred\x1b[0m") == f"{text}\\u001b[1;31mred\\u001b[0m"


def test_no_report_reorders_its_text(tmp_path: Path, verify: Verify) -> None:
    bidi = "\u202egnorw\u202c \u2066x\u2069 \u061c\x9b"
    obeyed = set(bidi) - set(" gnorwx")
    red = interaction(bidi, "/nothing", states=[("an item cup exists", {bidi: bidi})], response={"body": {bidi: bidi}})
    pact = write_pact(tmp_path / f"pact-{bidi}.json", red, consumer=bidi)
    files = {name: tmp_path / name for name in ("json", "junit", "html")}
    summary = tmp_path / "summary"
    ran = verify(
        pact,
        "--coverage",
        "--github",
        "--verbosity=3",
        *(f"--{name}={file}" for name, file in files.items()),
        GITHUB_STEP_SUMMARY=str(summary),
    )
    assert ran.exit_code == 1
    for text in (ran.out, ran.err, *(file.read_text() for file in (*files.values(), summary))):
        assert not obeyed & set(text)
    (reported,) = json.loads(files["json"].read_text())["pacts"]
    assert reported["consumer"] == bidi


def closed(redirection: str, *arguments: str | Path, name: str = "verify_pacts", **variables: Any) -> int:
    """The exit code of a command with its streams redirected."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *command(*arguments, name=name)],
        cwd=ROOT,
        env=environment(**variables),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    ).returncode


FULL = pytest.param(
    "2>/dev/full", marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is none here")
)


@pytest.mark.parametrize("redirection", ["2>&-", "2>&- >&-", "2>&- <&- >&-", FULL])
class TestAStandardErrorThatTakesNothing:
    @pytest.mark.parametrize("argument", ["no-such.json", "--no-such-option", "--traceback=", "--description=("])
    def test_what_could_not_run_is_2(self, redirection: str, argument: str) -> None:
        assert closed(redirection, argument) == 2

    def test_so_it_is_for_the_other_commands(self, redirection: str) -> None:
        assert closed(redirection, "no-such.json", name="pact_states") == 2
        assert closed(redirection, "--to-environment", "e", name="can_i_deploy") == 2
        assert closed(redirection, "list-environments", name="pact_broker") == 2

    def test_a_verdict_is_the_same(self, redirection: str, tmp_path: Path) -> None:
        green = write_pact(tmp_path / "green.json", interaction("empty", response={"body": []}))
        red = write_pact(tmp_path / "red.json", interaction("red", "/nothing"))
        assert closed(redirection, green, "--json=/dev/full") == 0
        assert closed(redirection, red, settings=LOGGED) == 1


class TestSettingsThatCanNotBeUsed:
    def test_no_secret_key(self, tmp_path: Path, verify: Verify) -> None:
        pact = write_pact(tmp_path / "pact.json", interaction("empty", response={"body": []}))
        ran = verify(pact, settings={"SECRET_KEY": ""})
        assert ran.exit_code == 2
        assert ran.err == "CommandError: The SECRET_KEY setting must not be empty.\n"
        assert closed("2>&-", pact, settings={"SECRET_KEY": ""}) == 2

    @pytest.mark.parametrize("name", ["verify_pacts", "pact_states", "can_i_deploy", "pact_broker"])
    @pytest.mark.parametrize(
        ("variables", "why"),
        [
            ({"DJANGO_SETTINGS_MODULE": "no.such"}, "No module named 'no'"),
            ({"DJANGO_DEBUG": "false"}, "DJANGO_SECRET_KEY is not set"),
            ({"DATABASE_URL": "nonsense://"}, "nonsense"),
        ],
    )
    def test_of_the_example_provider(self, name: str, variables: dict[str, str], why: str) -> None:
        """Django itself ends with 1 where it can't load settings: it has not come to the command yet."""
        own = environment(project="config.settings")
        ran = subprocess.run(
            [*command()[:1], "manage.py", name],
            cwd=ROOT,
            env={**own, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 2, ran.stderr
        assert why in ran.stderr

    def test_another_command_of_it_ends_as_django_has_it(self) -> None:
        own = environment(project="no.such")
        ran = subprocess.run(
            [*command()[:1], "manage.py", "migrate"], cwd=ROOT, env=own, capture_output=True, check=False
        )
        assert ran.returncode == 1
