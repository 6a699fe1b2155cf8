"""Virtual environments with the wheel in them. uv makes them, and both processes of a session share them.

The wheel is built from this checkout, or it is the one in the folder that OUTSIDE_DIST names.
"""

import fcntl
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import which

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements/outside.txt"
UV = str(Path(sys.executable).with_name("uv"))


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    folder: Path

    def program(self, name: str) -> str:
        return str(self.folder / "bin" / name)


class Environments:
    """The environments of a session, in a folder of its own. Each is made when a test first asks for it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def everything(self) -> Environment:
        """Return the one with all packages of the lock."""
        return self._made("everything", ["--require-hashes", "--requirement", str(LOCK)], ["--no-deps", self._wheel()])

    def bare(self) -> Environment:
        """Return the one with what the wheel asks for and nothing else."""
        return self._made("bare", ["--constraint", str(LOCK), self._wheel()])

    def of(self, python: str, django: str) -> Environment:
        """Return the one with DRF on this Python, and the newest release of this Django series."""
        others = self._folder / "others.txt"
        others.write_text(re.sub(r"^django==.*\n(?: .*\n)*", "", LOCK.read_text(), flags=re.MULTILINE))
        wanted = [f"Django~={django}.0", "djangorestframework", self._wheel()]
        return self._made(f"python{python}-django{django}", ["--constraint", str(others), *wanted], python=python)

    def before_installation(self, name: str, django: str) -> Environment:
        """Return one of this name with this Django series alone."""
        return self._made(name, [f"Django~={django}.0"])

    def install(self, environment: Environment, installer: str) -> None:
        """Install the wheel with pip or uv, as a developer does."""
        python = environment.program("python")
        commands = {
            "pip": (sys.executable, "-m", "pip", "--python", python, "install"),
            "uv": (UV, "pip", "install", "--python", python),
        }
        run_quietly(*commands[installer], self._wheel())

    def _made(self, name: str, *installs: list[str], python: str = "{}.{}".format(*sys.version_info)) -> Environment:
        environment = Environment(self._folder / name)
        done = environment.folder / "done"
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                interpreter = find_python(python)
                assert interpreter, f"Python {python} is not here."
                uv("venv", "--clear", "--python", interpreter, str(environment.folder))
                for install in installs:
                    uv("pip", "install", "--python", environment.program("python"), *install)
                uv("pip", "check", "--python", environment.program("python"))
                done.touch()
        return environment

    def _wheel(self) -> str:
        """Return the path of the wheel, which is built once."""
        if given := os.environ.get("OUTSIDE_DIST"):
            (wheel,) = Path(ROOT, given).glob("*.whl")
            return str(wheel)
        folder = self._folder / "wheel"
        with (self._folder / "wheel.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                run_quietly(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder))
        (wheel,) = folder.glob("*.whl")
        return str(wheel)


@cache
def find_python(version: str) -> str | None:
    """Return a Python of this version: one on PATH, or one of pyenv's."""
    candidates = [sys.executable, which(f"python{version}")]
    if pyenv := which("pyenv"):
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=True).stdout.strip()
        candidates += sorted(str(path) for path in Path(root, "versions").glob(f"{version}.*/bin/python"))
    for candidate in candidates:
        # pyenv's shim of a version that is not selected is on PATH, and fails.
        if candidate and _version_of(candidate) == version:
            return candidate
    return None


def _version_of(python: str) -> str:
    code = "import sys; print('{}.{}'.format(*sys.version_info))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip()


def uv(*arguments: str) -> None:
    run_quietly(UV, *arguments, UV_PYTHON_DOWNLOADS="never")


def run_quietly(*command: str, **variables: str) -> None:
    """Run a command, and show what it printed if it fails."""
    environment = {**os.environ, **variables}
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, f"{command}\n{finished.stdout}{finished.stderr}"
