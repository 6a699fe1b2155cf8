"""The pages, and the blocks of code in them, as sybil finds them."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sybil import Document
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer

from tests.pact_verification.running import ROOT

ALL_PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)]


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        page: the page's path in the repository.
        line: where the block begins.
        heading: the nearest one above it.
    """

    page: str
    line: int
    heading: str
    language: str
    source: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that the block's first line names, such as shop/models.py."""
        named = re.match(r"# ([\w/]+\.py)(?:, .*)?\n", self.source)
        return named[1] if named else None

    @property
    def is_settings(self) -> bool:
        """Whether the block is Python that assigns settings, and does nothing else."""
        if self.language != "python":
            return False
        try:
            statements = ast.parse(self.source).body
        except SyntaxError:
            return False
        return all(isinstance(each, ast.Assign | ast.AugAssign | ast.ImportFrom) for each in statements) and any(
            isinstance(each, ast.Assign) for each in statements
        )

    def commands(self) -> Iterator[str]:
        """Yield the commands of a console block, without their prompts and comments."""
        for line in self.source.splitlines():
            if line.startswith("$ "):
                yield re.sub(r"\s+# .*", "", line[2:])

    def output(self) -> str:
        """Return what a console block shows after its only command."""
        command, _, output = self.source.partition("\n")
        assert command.startswith("$ "), self
        assert "\n$ " not in output, f"{self} shows the output of several commands."
        return output


@cache
def blocks() -> tuple[Block, ...]:
    return tuple(block for path in ALL_PAGES for block in blocks_of(path))


def blocks_of(path: Path) -> Iterator[Block]:
    """Yield the blocks of a page that name a language."""
    document = Document.parse(str(path), FencedCodeBlockLexer(r"\w+"))
    for example in document.examples():
        headings = re.findall(r"^#+ (.*)$", _without_code(document.text[: example.region.start]), re.MULTILINE)
        lexemes = example.region.lexemes
        page = path.relative_to(ROOT).as_posix()
        yield Block(page, example.line, headings[-1], lexemes["language"], str(lexemes["source"]))


def of_page(page: str, language: str | None = None, heading: str | None = None) -> list[Block]:
    """Return a page's blocks, of one language and below one heading if they are given."""
    found = [each for each in blocks() if each.page == page and language in (None, each.language)]
    return [each for each in found if heading in (None, each.heading)]


def prose(path: Path) -> str:
    """Return a page without its blocks of code."""
    return _without_code(path.read_text())


def _without_code(text: str) -> str:
    return re.sub(r"^(`{3,})[^\n]*\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)


def matches(shown: str, came: str) -> bool:
    """Tell whether output is as a page shows it. A line with … alone stands for any lines."""
    pattern = "".join(r"(?:.*\n)*?" if line == "…" else f"{re.escape(line)}\n" for line in _steady(shown))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _steady(came))) is not None


def _steady(output: str) -> list[str]:
    """Return the lines of output, without times, and without what depends on where the environment is."""
    text = re.sub(r"\bin [\d.]+ s( \([^)]*\))?", "in 0.1 s", output)
    text = re.sub(r"^( +took +).*?,", r"\1…,", text, flags=re.MULTILINE)
    text = re.sub(r"^( +again +)(?:\S+/)?python3?(?=\s)", r"\1python", text, flags=re.MULTILINE)
    text = re.sub(r"^\d+ of \d+ done, .*\n", "", text, flags=re.MULTILINE)  # what a slow machine shows
    return text.strip().splitlines()
