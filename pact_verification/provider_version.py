"""Which version of the provider this is: from the options, else CI's variables, else git."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from pact_verification.errors import CannotVerify

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
    return ProviderVersion(
        number or environ.get("GIT_COMMIT") or environ.get("GITHUB_SHA") or head(),
        branch or environ.get("GIT_BRANCH") or _github_branch(environ) or _git("symbolic-ref", "--short", "HEAD"),
        tags,
        build_url or _github_build(environ),
    )


def head() -> str:
    """The commit that is checked out; empty without git or a repository."""
    return _git("rev-parse", "HEAD")


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
    changed = changes()
    more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
    named = ", ".join(changed[:NAMED])
    return f"Results are published for {number}, but the working tree has changes: {named}{more}." if changed else ""


def names_a_commit(number: str) -> bool:
    return bool(re.fullmatch(rf"[0-9a-f]{{{SHORTEST_COMMIT},40}}([-+].*)?", number))


def changes() -> list[str]:
    """The files that differ from the commit that is checked out, new ones among them."""
    return [line[3:] for line in _git("status", "--porcelain", strip=False).splitlines()]


def _github_branch(environ: Mapping[str, str]) -> str:
    """A pull request's own branch, else the branch that was pushed to; a tag is none."""
    if environ.get("GITHUB_HEAD_REF"):
        return environ["GITHUB_HEAD_REF"]
    return environ.get("GITHUB_REF_NAME", "") if environ.get("GITHUB_REF_TYPE") == "branch" else ""


def _github_build(environ: Mapping[str, str]) -> str:
    parts = [environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else ""


def _git(*arguments: str, strip: bool = True) -> str:
    try:
        ran = subprocess.run(  # noqa: S603  # arguments are ours
            ["git", *arguments],  # noqa: S607  # whichever git is used here
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return ran.stdout.strip() if strip else ran.stdout
