"""Build and check the distribution of a new version: `make release`.

It refuses a version that can't be published. It pushes nothing by itself. With --push it pushes the version's tag, and
the workflow `release` then publishes the version.
"""

import argparse
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

CHANGELOG = "CHANGELOG.md"
DIST = Path("dist")
NOTES = DIST / "notes.md"
BRANCH = "origin/main"


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the version of pyproject.toml, or name every reason why it can't be published.

    RELEASE_TAG, in the environment, is the tag that the workflow runs for. It has to be that of the version.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.release", description=__doc__)
    parser.add_argument("--push", action="store_true", help="Push the version's tag.")
    push = parser.parse_args(arguments).push
    version = tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"]
    tag = f"v{version}"
    given = os.environ.get("RELEASE_TAG")
    if reasons := [*_unready(version), *(_other_tag(tag, given) if given else _existing_tag(tag, push=push))]:
        print(f"Version {version} can't be released:", *reasons, sep="\n* ", file=sys.stderr)
        return 2
    built = build()
    NOTES.write_text(section(Path(CHANGELOG).read_text(), version) or "")
    print(f"Version {version} is built and checked:", *built, NOTES, sep="\n  ")
    if push:
        git("tag", "--annotate", "--message", f"Version {version}", tag)
        git("push", "--quiet", "origin", f"refs/tags/{tag}")
        print(f"The tag {tag} is pushed. The workflow `release` tests the version again and publishes it.")
    elif not given:
        print(
            f"Nothing is pushed. To publish it: make release PUSH=1. That pushes the tag {tag}, and the workflow "
            "`release` publishes the version at PyPI and GitHub."
        )
    return 0


def section(changelog: str, version: str) -> str | None:
    """Return what the changelog says of a version that has a date: below its heading, without it."""
    found = re.search(
        rf"^## \[?{re.escape(version)}\]? - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL
    )
    return found and found[1].strip() + "\n"


def build() -> list[Path]:
    """Build the wheel and the sdist, and check them."""
    for old in (NOTES, *DIST.glob("django_pact_verification-*")):
        old.unlink(missing_ok=True)
    run("hatchling", "build", "--directory", str(DIST))
    built = sorted(DIST.glob("django_pact_verification-*"))
    run("twine", "check", "--strict", *map(str, built))
    run("check_wheel_contents", *(str(path) for path in built if path.suffix == ".whl"))
    return built


def _unready(version: str) -> Iterator[str]:
    if changed := git("status", "--porcelain"):
        yield f"The tree has changes that are not committed:\n{changed}"
    said = section(Path(CHANGELOG).read_text(), version)
    if not (said and said.strip()):
        yield f"{CHANGELOG} says nothing below a heading '## [{version}] - YYYY-MM-DD'. Write it for users."


def _other_tag(tag: str, given: str) -> Iterator[str]:
    if given != tag:
        yield f"The tag is {given!r}, and pyproject.toml has the version of {tag!r}. Push the tag of that version."


def _existing_tag(tag: str, *, push: bool) -> Iterator[str]:
    remote = "origin" in git("remote").split()
    if git("tag", "--list", tag) or (remote and git("ls-remote", "--tags", "origin", f"refs/tags/{tag}")):
        yield f"The tag {tag} exists. Raise `version` in pyproject.toml."
    if push and not remote:
        yield "There is no remote `origin` to push the tag to."
    elif push and not git("branch", "--remotes", "--contains", "HEAD", "--list", BRANCH):
        yield f"{BRANCH} does not have this commit. Push the branch first, and fetch."


def git(*arguments: str) -> str:
    """Run git, and return what it printed."""
    command = ["git", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def run(module: str, *arguments: str) -> None:
    """Run a Python program of this environment, with its output to stderr."""
    subprocess.run([sys.executable, "-m", module, *arguments], check=True, stdout=sys.stderr)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(map(str, error.cmd))} failed.")
