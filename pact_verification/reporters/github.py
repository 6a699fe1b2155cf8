"""The report for GitHub Actions: a step summary in Markdown, and annotations on the lines that failures lead to."""

import os
from collections.abc import Iterable, Iterator
from html import escape
from textwrap import indent

from pact_verification.reporters.conclusion import conclusion, publication_sentence
from pact_verification.reporters.failure import failure_text, remarks, short_reason
from pact_verification.reporters.github_text import (
    MAX_MESSAGE,
    MAX_SUMMARY,
    MAX_TITLE,
    SIGNS,
    annotations,
    command,
    cut,
    fenced,
    inline,
    size,
    table_rows,
)
from pact_verification.reporters.summary import interactions_of, places_of
from pact_verification.results.coverage import Coverage, Use
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Report
from pact_verification.text import Place, counted

MAX_COMMAND = 2000
"""Characters of a command line in an annotation. Half a command would run something else."""

MAX_CAUSES = 300_000
"""Bytes of the step summary that causes may fill."""


def render(report: Report) -> str:
    """Return the step summary. The report's values are printable."""
    end = conclusion(report)
    sign = SIGNS[end.mood]
    parts = [
        f"## {sign} Pacts of {inline(report.provider)}\n\n{inline(end.text)}\n",
        *_causes(report),
        *_table(report),
    ]
    parts += [f"> {inline(note)}\n" for note in report.notes]
    if sentence := publication_sentence(report):
        parts.append(f"{inline(sentence)}\n")
    for name, why in report.publication.missing if report.publication else ():
        parts.append(f"❌ Not at the broker: {inline(name)}: {inline(why)}\n")
    filled = sum(map(size, parts))
    coverage = "".join(_coverage(report.coverage)) if report.coverage else ""
    if filled + size(coverage) < MAX_SUMMARY:
        parts.append(coverage)
    filled = sum(map(size, parts))
    left_out = 0
    for failure in [*(_failure(pact, result) for pact, result in _failures(report)), *_remarks(report)]:
        if filled + size(failure) > MAX_SUMMARY:
            left_out += 1
            continue
        filled += size(failure)
        parts.append(failure)
    if left_out:
        parts.append(f"… and {left_out} more, which would not fit here: --html and --json have all.\n")
    return "\n".join(parts)


def render_annotations(report: Report) -> str:
    """Return workflow commands: an error for each cause, a warning for each pending failure."""
    lines: dict[str, list[str]] = {"error": [], "warning": []}
    for cause in report.causes:
        told = "\n".join(filter(None, (", ".join(cause.subjects), interactions_of(cause))))
        lines["error"].append(_annotation("error", cause.title, cause.place, told, cause.rerun))
    for pact, result in _failures(report):
        if not result.failed:
            title = f"{pact.pact.consumer}: {result.interaction.title}"
            lines["warning"].append(_annotation("warning", title, result.place, short_reason(result), result.rerun))
    if not lines["error"] and report.exit_code:
        lines["error"].append(command("error", conclusion(report).text, {"title": "Pacts"}))
    return annotations(lines, "Pacts")


def _annotation(kind: str, title: str, place: Place | None, message: str, rerun: str) -> str:
    properties = {"title": cut(title, MAX_TITLE)}
    if place and (path := _in_repository(place.file)):
        properties = {"file": path, "line": str(place.line), **properties}
    text = cut(message, MAX_MESSAGE)
    if rerun:
        text += f"\nagain: {rerun if len(rerun) <= MAX_COMMAND else 'the step summary has the command'}"
    return command(kind, text, properties)


def _causes(report: Report) -> Iterator[str]:
    """Yield the causes as a numbered list, as far as they fit."""
    filled = left_out = 0
    for number, cause in enumerate(report.causes, start=1):
        where = "".join(f"\n\n{inline(text)}" for text in (places_of(cause), interactions_of(cause)) if text)
        text = f"{number}. **{inline(cause.title)}**{where}\n"
        if cause.rerun:
            text += f"\n{fenced(cause.rerun, 'sh')}"
        text = indent(text, "    ").strip() + "\n"
        filled += size(text)
        if filled > MAX_CAUSES:
            left_out += 1
        else:
            yield text
    if left_out:
        yield f"… and {counted(left_out, 'cause')} more, which would not fit here: --html and --json have all.\n"


def _failures(report: Report) -> Iterator[tuple[PactResult, InteractionResult]]:
    for pact in report.pacts:
        for result in pact.interactions:
            if result.outcome not in {Outcome.VERIFIED, Outcome.SKIPPED}:
                yield pact, result


def _table(report: Report) -> Iterator[str]:
    if not report.pacts:
        return
    heading = [("consumer", "pact", "verified", "failed", "pending", "skipped"), ("---",) * 6]
    yield table_rows(
        [
            *heading,
            *(
                (inline(pact.pact.consumer), inline(pact.pact.source), *map(str, _numbers(pact)))
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
        f"{fenced(failure_text(pact, result))}\n</details>\n"
    )


def _remarks(report: Report) -> Iterator[str]:
    """Yield the remarks on interactions that were verified, in one block."""
    lines = [
        f"- {inline(pact.pact.consumer)}: {inline(result.interaction.title)}: {inline(remark)}\n"
        for pact in report.pacts
        for result in pact.interactions
        if result.outcome is Outcome.VERIFIED
        for remark in remarks(result)
    ]
    if lines:
        yield f"<details><summary>Remarks on what was verified</summary>\n\n{''.join(lines)}\n</details>\n"


def _coverage(coverage: Coverage) -> Iterator[str]:
    if coverage.has_operations:
        rows = [("method", "URL pattern", "consumers"), ("---",) * 3]
        rows += [(each.method, inline(each.endpoint.route), _uses(each.uses)) for each in coverage.operations]
        yield f"<details><summary>Which URLs consumers depend on</summary>\n\n{table_rows(rows)}\n</details>\n"
    if coverage.produced:
        rows = [("message", "producer", "consumers"), ("---",) * 3]
        for produced in coverage.produced:
            producer = inline(produced.producer.name) if produced.producer else "**no producer**"
            rows.append((inline(", ".join(produced.names)), producer, _uses(produced.uses)))
        yield f"<details><summary>Which messages consumers depend on</summary>\n\n{table_rows(rows)}\n</details>\n"


def _uses(uses: Iterable[Use]) -> str:
    shown = ", ".join(f"{use.consumer} {' '.join(map(str, use.statuses))}".rstrip() for use in uses)
    return inline(shown) or "**no consumer**"


def _in_repository(file: str) -> str | None:
    """Return a file's path from the top of the checkout; None when it lies elsewhere."""
    try:
        path = os.path.relpath(file, os.environ.get("GITHUB_WORKSPACE") or ".")
    except ValueError:  # Windows: it is on another drive
        return None
    return None if path.startswith("..") else path.replace(os.sep, "/")
