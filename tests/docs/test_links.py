"""Links and anchors lead somewhere. `make docs` checks those among the pages of docs/; this checks the others too."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.docs.pages import ALL_PAGES, prose
from tests.pact_verification.running import ROOT, git

pytestmark = pytest.mark.no_database

MARKDOWN = [*ALL_PAGES, *(path for path in sorted(ROOT.glob("*.md")) if path.name != "README.md")]
MOST_LINES_OF_README = 150


def links(path: Path) -> list[str]:
    """Return the targets of a page's links and pictures."""
    text = re.sub(r"`[^`\n]*`", "", prose(path))
    return re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"<(https?://[^>]+)>", text)


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_each_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        parts = urlsplit(link)
        if parts.scheme:  # not fetched, since tests need no internet
            assert parts.scheme in ("https", "http"), link
            assert re.fullmatch(r"[\w.-]+\.[a-z]+|127\.0\.0\.1", parts.hostname or ""), link
            continue
        target = (page.parent / parts.path).resolve() if parts.path else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if parts.fragment:
            assert parts.fragment in anchors(target), link


def test_a_text_that_names_a_page_names_one_that_exists() -> None:
    """Docstrings, error messages, `--help`, comments and the changelog."""
    checked = 0
    for name in git(ROOT, "ls-files").splitlines():
        path = ROOT / name
        if path.suffix not in (".py", ".md", ".yml", ".toml", ".html", "") or not path.is_file():
            continue
        for named in re.findall(r"(?<![\w/.-])docs/[\w/-]+\.(?:md|svg|png|py)\b", path.read_text(errors="ignore")):
            assert (ROOT / named).exists(), f"{name} names {named}"
            checked += 1
    assert checked > 20


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= MOST_LINES_OF_README
