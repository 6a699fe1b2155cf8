"""The provider's version and branch: from options, CI's variables or git."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from pact_verification.broker.build import detect_build, named_branch
from pact_verification.conf import conf
from pact_verification.errors import CannotVerify

GIT_SECONDS = 60
SHORTEST_COMMIT = 7
MAX_FILES = 5
"""How many files a message names."""

MISLEADING = {
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
}
"""Variables that point git to another repository. Git sets some of them in a hook."""

SUBMODULE = "160000"
HIDDEN = " (hidden from git status by git update-index)"


@dataclass(frozen=True, slots=True)
class ProviderVersion:
    """The version of the provider, as far as it is known.

    Attributes:
        number: the version, as a rule a commit. None when it is unknown.
        branch: None when it is unknown, as in a detached checkout.
        tags: tags besides the branch, as a rule none.
        build_url: the page of the build that made the results, if there is one.
        named_by: the source of the number, when it is another version than that of the code here.
        detected: the CI service whose variables name the number or the branch. None if others name both.
    """

    number: str | None = None
    branch: str | None = None
    tags: tuple[str, ...] = ()
    build_url: str | None = None
    named_by: str | None = None
    detected: str | None = field(default=None, compare=False)

    @property
    def without_branch(self) -> str:
        """A sentence's beginning that says why the branch is unknown."""
        if self.detected:
            return f"{self.detected} names no branch here, and git has none checked out"
        return "No branch is known"


@dataclass(frozen=True, slots=True)
class KnownVersion:
    """A version with a branch, which results can be published for. ProviderVersion explains the attributes."""

    number: str
    branch: str
    tags: tuple[str, ...] = ()
    build_url: str | None = None
    named_by: str | None = None
    detected: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        """Name version and branch for a message about publishing."""
        source = self.named_by or self.detected
        return f"{self.number} of branch {self.branch}" + (f", which {source} names" if source else "")


def find_version(
    environ: Mapping[str, str],
    *,
    number: str | None = None,
    branch: str | None = None,
    tags: tuple[str, ...] = (),
    build_url: str | None = None,
) -> ProviderVersion:
    """Find the version.

    Options win over GIT_COMMIT and GIT_BRANCH, then come the variables of the CI service, then git.
    """
    build = detect_build(environ)
    from_build = (build.commit, build.branch, build.url) if build else (None, None, None)
    number = (number or "").strip() or environ.get("GIT_COMMIT", "").strip() or from_build[0] or head()
    branch = (branch or "").strip() or named_branch(environ) or from_build[1]
    branch = branch or _git("symbolic-ref", "--short", "HEAD") or None
    is_detected = build and any(value and value in from_build for value in (number, branch))
    detected = build.service if build and is_detected else None
    return ProviderVersion(number, branch, tags, build_url or from_build[2], detected=detected)


def head() -> str | None:
    """Return the commit that is checked out, or None without git or a repository."""
    return _git("rev-parse", "HEAD") or None


def require_checked_out(number: str) -> None:
    """Raise CannotVerify unless the code here is the commit that a version names.

    Raises:
        CannotVerify: another commit is checked out, the working tree has changes, or git fails.
    """
    if not head():
        raise CannotVerify(
            f"Results for {number} can't be published from here: git doesn't say which commit is checked out. Run in "
            "the repository's clone, or with --no-publish."
        )
    if problem := why_not_checked_out(number):
        raise CannotVerify(
            f"{problem} Check out {number} (actions/checkout: ref) without changes, or use --no-publish."
        )


def why_not_checked_out(number: str) -> str | None:
    """Return why the code here differs from a version.

    None when it is the same, or when git knows no commit.

    A version may have a suffix after the commit: `make fake_ci` makes versions such as `8c1f2ab-fake.1`.
    """
    commit, checked_out = re.split("[-+]", number)[0], head()
    if not checked_out:
        return None
    if len(commit) < SHORTEST_COMMIT or not checked_out.startswith(commit):
        return f"Results are published for {number}, but {checked_out} is checked out."
    with TemporaryDirectory(prefix="verify_pacts") as temporary:
        files = _changes(Path(conf.BASE_DIR), Path(temporary, "index"))
    if files is None:
        return f"Results are published for {number}, but git status fails, so nothing says that the tree is clean."
    return f"Results are published for {number}, but the working tree has changes: {_named(files)}." if files else None


def ignored_code() -> str | None:
    """Name the Python code and templates that git ignores, or return None.

    Virtual environments are left out, and folders whose names begin with a dot.
    """
    top = Path(_git("rev-parse", "--show-toplevel") or conf.BASE_DIR)
    listed = _git("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z", cwd=top) or ""
    names = [name for name in listed.split("\0") if name]
    parents = {str(parent) for name in names for parent in Path(name).parents}  # git lists them beside their files
    files = [name for name in names if name.rstrip("/") not in parents and _is_code(top / name)]
    return f"Git ignores {_named(files)}, so nothing tells whether they belong to the commit." if files else None


def _is_code(path: Path) -> bool:
    if path.is_dir():
        is_tools = path.name.startswith(".") or (path / "pyvenv.cfg").exists()
        return not is_tools and any(path.glob("*.py"))
    return path.suffix in {".py", ".html"}


def _changes(directory: Path, index: Path) -> list[str] | None:
    """Return the files that differ from the commit, or None when git fails.

    Git compares them with its own filters and line ends, but with a new index. In the repository's index files may be
    marked as unchanged, or have the size and the time that git remembers.
    """
    top = _git("rev-parse", "--show-toplevel", cwd=directory)
    listed = top and _git("ls-files", "-v", "--stage", "-z", cwd=Path(top))
    if not top or listed is None:
        return None
    root = Path(top)
    entries = [_entry(line) for line in listed.split("\0") if line]
    index.unlink(missing_ok=True)
    arguments = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal", "--ignore-submodules=none")
    if _git("read-tree", "HEAD", cwd=root, index=index) is None:
        return None
    changes = _git("-c", "core.fsmonitor=false", *arguments, cwd=root, index=index)
    if changes is None:
        return None
    changed = [line.split(maxsplit=1)[1] for line in changes.split("\0") if line]
    if changed and _git("config", "--type=bool", "core.sparseCheckout", cwd=root) == "true":
        left_out = {name for tag, _, name in entries if tag == "S" and not os.path.lexists(root / name)}
        changed = [name for name in changed if name not in left_out]
    marked = {name for tag, _, name in entries if tag != "H"}
    files = [name + HIDDEN * (name in marked) for name in changed]
    for _, mode, name in entries:
        if mode == SUBMODULE and name not in changed and (root / name / ".git").exists():
            within = _changes(root / name, index)
            files += [f"{name}/{each}" for each in within] if within is not None else [name]
    return files


def _entry(line: str) -> tuple[str, str, str]:
    """Return tag, mode and name from a line of `git ls-files -v --stage`."""
    attributes, _, name = line.partition("\t")
    tag, mode, *_ = attributes.split()
    return tag, mode, name


def _named(files: list[str]) -> str:
    more = f" and {len(files) - MAX_FILES} more" if len(files) > MAX_FILES else ""
    return ", ".join(files[:MAX_FILES]) + more


def names_a_commit(number: str) -> bool:
    return bool(re.fullmatch(rf"[0-9a-f]{{{SHORTEST_COMMIT},40}}([-+].*)?", number))


def _git(*arguments: str, cwd: Path | None = None, index: Path | None = None) -> str | None:
    """Run git.

    Args:
        cwd: by default the project's directory.
        index: takes the place of the repository's own index.

    Returns:
        The output without white space at its ends, or None when git fails.
    """
    environ = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    environ |= {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_OPTIONAL_LOCKS": "0"}
    environ |= {"GIT_INDEX_FILE": str(index)} if index else {}
    try:
        ran = subprocess.run(  # noqa: S603  # arguments are ours
            ["git", *arguments],  # noqa: S607  # whichever git is used here
            cwd=cwd or conf.BASE_DIR,
            env=environ,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=GIT_SECONDS,
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return ran.stdout.strip()
