"""The report for GitHub Actions: a step summary in Markdown, and annotations on the lines that failures lead to."""

import os
import re
from collections.abc import Iterable, Iterator
from html import escape

from pact_verification.reporters.conclusion import Mood, conclusion, publication_sentence
from pact_verification.reporters.failure import failure_text, place_of, remarks, short_reason
from pact_verification.results.coverage import Coverage
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Report
from pact_verification.text import without_commands

SIGNS = {Mood.GOOD: "✅", Mood.BAD: "❌", Mood.NEUTRAL: "⚠️"}

MAX_SUMMARY = 900_000
"""Bytes. GitHub refuses more than 1 MiB."""

MAX_MESSAGE = 1000
"""Characters. An annotation stands between lines of code."""

MAX_ANNOTATIONS = 10
"""For each step and kind. GitHub drops the rest."""


def render(report: Report) -> str:
    """Return the step summary. The report's values are printable."""
    end = conclusion(report)
    sign = SIGNS[end.mood]
    parts = [f"## {sign} Pacts of {_inline(report.provider)}\n\n{_inline(end.text)}\n", *_table(report)]
    parts += [f"> {_inline(note)}\n" for note in report.notes]
    if sentence := publication_sentence(report):
        parts.append(f"{_inline(sentence)}\n")
    for name, why in report.publication.missing if report.publication else ():
        parts.append(f"❌ Not at the broker: {_inline(name)}: {_inline(why)}\n")
    size = sum(map(_size, parts))
    coverage = "".join(_coverage(report.coverage)) if report.coverage else ""
    if size + _size(coverage) < MAX_SUMMARY:
        parts.append(coverage)
    size = sum(map(_size, parts))
    left_out = 0
    for failure in [*(_failure(pact, result) for pact, result in _failures(report)), *_remarks(report)]:
        if size + _size(failure) > MAX_SUMMARY:
            left_out += 1
            continue
        size += _size(failure)
        parts.append(failure)
    if left_out:
        parts.append(f"… and {left_out} more, which would not fit here: --html and --json have all.\n")
    return "\n".join(parts)


def render_annotations(report: Report) -> str:
    """Return workflow commands: an error for each failure, a warning for each pending one."""
    lines: dict[str, list[str]] = {"error": [], "warning": []}
    for pact, result in _failures(report):
        properties = {"title": f"{pact.pact.consumer}: {result.interaction.title}"}
        if (place := place_of(result)) and (path := _in_repository(place.file)):
            properties = {"file": path, "line": str(place.line), **properties}
        listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
        again = f"\nagain: {result.rerun}" if result.rerun else ""
        kind = "error" if result.failed else "warning"
        lines[kind].append(f"::{kind} {listed}::{_data(short_reason(result)[:MAX_MESSAGE] + again)}")
    for kind, found in lines.items():
        if len(found) > MAX_ANNOTATIONS:
            more = len(found) - MAX_ANNOTATIONS + 1
            found[MAX_ANNOTATIONS - 1 :] = [f"::{kind} title=Pacts::{more} more in the step summary"]
    if not lines["error"] and report.exit_code:
        lines["error"].append(f"::error title=Pacts::{_data(conclusion(report).text)}")
    return "".join(f"{line}\n" for found in lines.values() for line in found)


def _failures(report: Report) -> Iterator[tuple[PactResult, InteractionResult]]:
    for pact in report.pacts:
        for result in pact.interactions:
            if result.outcome not in {Outcome.VERIFIED, Outcome.SKIPPED}:
                yield pact, result


def _table(report: Report) -> Iterator[str]:
    if not report.pacts:
        return
    heading = [("consumer", "pact", "verified", "failed", "pending", "skipped"), ("---",) * 6]
    yield _rows(
        [
            *heading,
            *(
                (_inline(pact.pact.consumer), _inline(pact.pact.source), *map(str, _numbers(pact)))
                for pact in report.pacts
            ),
        ]
    )


def _numbers(pact: PactResult) -> tuple[int, int, int, int]:
    each = pact.interactions
    return (
        sum(result.outcome is Outcome.VERIFIED for result in each),
        sum(result.failed and result.outcome is not Outcome.SKIPPED for result in each),
        sum(result.outcome is not Outcome.VERIFIED and not result.failed for result in each),
        sum(result.outcome is Outcome.SKIPPED for result in each),
    )


def _failure(pact: PactResult, result: InteractionResult) -> str:
    sign = "❌" if result.failed else "⚠️ pending:"
    heading = f"{pact.pact.consumer}: {result.interaction.title}"
    return (
        f"<details{' open' if result.failed else ''}><summary>{sign} {escape(heading)}</summary>\n\n"
        f"{_fenced(failure_text(pact, result))}\n</details>\n"
    )


def _remarks(report: Report) -> Iterator[str]:
    """Yield the remarks on interactions that were verified, in one block."""
    lines = [
        f"- {_inline(pact.pact.consumer)}: {_inline(result.interaction.title)}: {_inline(remark)}\n"
        for pact in report.pacts
        for result in pact.interactions
        if result.outcome is Outcome.VERIFIED
        for remark in remarks(result)
    ]
    if lines:
        yield f"<details><summary>Remarks on what was verified</summary>\n\n{''.join(lines)}\n</details>\n"


def _coverage(coverage: Coverage) -> Iterator[str]:
    rows = [("method", "URL pattern", "consumers"), ("---",) * 3]
    for each in coverage.operations:
        uses = ", ".join(f"{use.consumer} {' '.join(map(str, use.statuses))}" for use in each.uses)
        rows.append((each.method, _inline(each.endpoint.route), _inline(uses) or "**no consumer**"))
    yield f"<details><summary>Which URLs consumers depend on</summary>\n\n{_rows(rows)}\n</details>\n"


def _rows(rows: Iterable[Iterable[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _size(text: str) -> int:
    return len(text.encode(errors="replace"))


def _inline(text: str) -> str:
    """Return a text as one line without Markdown and HTML."""
    escaped = escape(text.replace("\n", " "), quote=False)
    return re.sub(r"([\\`*_{}\[\]()#+!|~@-])", r"\\\1", escaped)


def _fenced(text: str) -> str:
    """Return a code block, with a fence that is longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.rstrip()}\n{fence}\n"


def _in_repository(file: str) -> str | None:
    """Return a file's path from the top of the checkout; None when it lies elsewhere."""
    try:
        path = os.path.relpath(file, os.environ.get("GITHUB_WORKSPACE") or ".")
    except ValueError:  # Windows: it is on another drive
        return None
    return None if path.startswith("..") else path.replace(os.sep, "/")


def _data(text: str) -> str:
    """Escape a workflow command's message (GitHub's toolkit, command.ts: escapeData)."""
    return without_commands(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
