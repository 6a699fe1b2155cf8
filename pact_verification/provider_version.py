"""Which version of the provider this is: from the options, else CI's variables, else git."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from pact_verification.conf import conf
from pact_verification.errors import CannotVerify

GIT_SECONDS = 60
SHORTEST_COMMIT = 7
NAMED = 5  # files, in a message


@dataclass(frozen=True, slots=True)
class ProviderVersion:
    """What results are published for.

    Attributes:
        number: the version; a commit, as a rule. Empty when nothing tells.
        branch: empty when nothing tells, as in a detached checkout.
        tags: besides the branch; none, as a rule.
        build_url: where the build that made the results can be seen.
    """

    number: str = ""
    branch: str = ""
    tags: tuple[str, ...] = ()
    build_url: str = ""


def find_version(
    environ: Mapping[str, str],
    *,
    number: str | None = None,
    branch: str | None = None,
    tags: tuple[str, ...] = (),
    build_url: str | None = None,
) -> ProviderVersion:
    """The options win over GIT_COMMIT and GIT_BRANCH, those over GitHub Actions' variables, and those over git."""
    environ = {name: value.strip() for name, value in environ.items()}
    number, branch = (number or "").strip(), (branch or "").strip()
    return ProviderVersion(
        number or environ.get("GIT_COMMIT") or environ.get("GITHUB_SHA") or head(),
        branch or environ.get("GIT_BRANCH") or _github_branch(environ) or _git("symbolic-ref", "--short", "HEAD") or "",
        tags,
        build_url or _github_build(environ),
    )


def head() -> str:
    """The commit that is checked out; empty without git or a repository."""
    return _git("rev-parse", "HEAD") or ""


def require_checked_out(number: str) -> None:
    """Make sure that what runs is the commit that a version names, and nothing else.

    Raises:
        CannotVerify: another commit is checked out, the tree has changes, or git can't tell.
    """
    if not head():
        raise CannotVerify(
            f"Results for {number} can't be published from here: git doesn't say which commit is checked out. Run in "
            "the repository's clone, or with --no-publish."
        )
    if doubt := why_not_checked_out(number):
        raise CannotVerify(f"{doubt} Check out {number} (actions/checkout: ref) without changes, or use --no-publish.")


def why_not_checked_out(number: str) -> str:
    """Why a result of what is checked out may be none of this version; empty when it is, or when nothing tells.

    A version may say more after the commit, as `make fake_ci` does to have a new one each time: `8c1f2ab-fake.1`.
    """
    commit, checked_out = re.split("[-+]", number)[0], head()
    if not checked_out:
        return ""
    if len(commit) < SHORTEST_COMMIT or not checked_out.startswith(commit):
        return f"Results are published for {number}, but {checked_out} is checked out."
    changes = _git("status", "--porcelain", "--untracked-files=normal")
    if changes is None:
        return f"Results are published for {number}, but git status fails, so nothing says that the tree is clean."
    files = [line.split(maxsplit=1)[1] for line in changes.splitlines()]
    more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
    named = ", ".join(files[:NAMED])
    return f"Results are published for {number}, but the working tree has changes: {named}{more}." if files else ""


def names_a_commit(number: str) -> bool:
    return bool(re.fullmatch(rf"[0-9a-f]{{{SHORTEST_COMMIT},40}}([-+].*)?", number))


def _github_branch(environ: Mapping[str, str]) -> str:
    """A pull request's own branch, else the branch that was pushed to; a tag is none."""
    if environ.get("GITHUB_HEAD_REF"):
        return environ["GITHUB_HEAD_REF"]
    return environ.get("GITHUB_REF_NAME", "") if environ.get("GITHUB_REF_TYPE") == "branch" else ""


def _github_build(environ: Mapping[str, str]) -> str:
    parts = [environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else ""


def _git(*arguments: str) -> str | None:
    """What git prints about the project; None when it fails."""
    # A stray GIT_DIR, as within a hook, would have it tell of another repository.
    environ = {name: value for name, value in os.environ.items() if name not in {"GIT_DIR", "GIT_WORK_TREE"}}
    try:
        ran = subprocess.run(  # noqa: S603  # arguments are ours
            ["git", *arguments],  # noqa: S607  # whichever git is used here
            cwd=conf.directory,
            env=environ,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ran.stdout.strip()
