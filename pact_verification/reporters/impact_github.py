"""The impact for GitHub Actions: a step summary in Markdown, and annotations for what a planned change breaks."""

from collections.abc import Iterable, Iterator
from html import escape

from pact_verification.reporters.github_text import (
    MAX_MESSAGE,
    MAX_SUMMARY,
    MAX_TITLE,
    SIGNS,
    annotations,
    command,
    cut,
    inline,
    size,
    table_rows,
)
from pact_verification.reporters.impact_conclusion import (
    MAX_UNTRIED,
    ONLY_SEEN,
    UNTRIED_ADVICE,
    conclusion,
    consumers_or_all,
    groups,
    named,
    percent,
    planned,
    rows_of,
    unharmed,
    untried,
    untried_heading,
    untried_name,
    untried_reason,
)
from pact_verification.results.impact import Break, Impact, OperationNeeds, Plan, SerializerNeeds, Strength
from pact_verification.text import counted

MAX_REASON = 300
"""Characters of the reason why an interaction was not verified."""

MAX_BREAKS = 600_000
"""Bytes of the step summary that the interactions may fill that break."""

TITLE = "Pact impact"


def render(impact: Impact) -> str:
    """Return the step summary. The impact's values are printable."""
    end = conclusion(impact)
    title = "What a planned change breaks" if impact.plan else "What consumers need"
    parts = [
        f"## {SIGNS[end.mood]} {title}: {inline(impact.report.provider)}\n\n{inline(end.text)}\n",
        *_untried(impact),
        *(_plan(impact, impact.plan) if impact.plan else ()),
        f"{ONLY_SEEN}\n",
    ]
    filled = sum(map(size, parts))
    left_out = 0
    for part in _details(impact):
        if filled + size(part) > MAX_SUMMARY:
            left_out += 1
            continue
        filled += size(part)
        parts.append(part)
    if left_out:
        parts.append(_more(counted(left_out, "section")))
    return "\n".join(parts)


def render_annotations(impact: Impact) -> str:
    """Return workflow commands: an error for each interaction that breaks, a warning for each that is pending."""
    lines: dict[str, list[str]] = {"error": [], "warning": []}
    for each in impact.plan.breaks if impact.plan else ():
        kind = "warning" if each.interaction.pending else "error"
        lines[kind].append(_annotation(kind, each))
    if not lines["error"] and impact.exit_code:
        lines["error"].append(command("error", conclusion(impact).text, {"title": TITLE}))
    return annotations(lines, TITLE)


def _annotation(kind: str, broken: Break) -> str:
    interaction = broken.interaction
    title = f"{interaction.consumer}{', pending' if interaction.pending else ''}: {interaction.title}"
    message = f"{broken.operation}: {'; '.join(broken.members)}"
    return command(kind, f"{cut(message, MAX_MESSAGE)}\nkey: {interaction.key}", {"title": cut(title, MAX_TITLE)})


def _untried(impact: Impact) -> Iterator[str]:
    if not (heading := untried_heading(impact)):
        return
    yield f"{inline(heading)} {inline(UNTRIED_ADVICE)}\n"
    found = list(untried(impact))
    lines = []
    for consumer, result in found[:MAX_UNTRIED]:
        name, reason = cut(untried_name(consumer, result), MAX_TITLE), cut(untried_reason(result), MAX_REASON)
        lines.append(f"- {inline(name)}: {inline(reason)}\n")
    if (more := len(found) - MAX_UNTRIED) > 0:
        lines.append(f"- … and {more} more\n")
    yield "".join(lines)


def _plan(impact: Impact, plan: Plan) -> Iterator[str]:
    yield f"The planned change: {inline(cut(planned(plan), MAX_MESSAGE))}\n"
    if plan.breaks:
        yield _breaks(plan)
    if names := unharmed(impact, plan):
        yield f"Consumers that get it and do not need it: {inline(', '.join(names))}\n"


def _breaks(plan: Plan) -> str:
    """Return a table of what breaks, as far as it fits."""
    text = table_rows([("consumer", "interaction", "operation", "change", "key"), ("---",) * 5])
    left_out = 0
    for each in sorted(plan.breaks, key=lambda one: one.interaction.pending):
        pending = "⚠️ pending: " if each.interaction.pending else "❌ "
        cells = (each.interaction.title, each.operation, "; ".join(each.members), each.interaction.key)
        row = table_rows([(f"{pending}{inline(each.interaction.consumer)}", *map(inline, cells))])
        if size(text) + size(row) > MAX_BREAKS:
            left_out += 1
        else:
            text += row
    if left_out:
        text += f"\n{_more(counted(left_out, 'interaction'))}"
    return text


def _more(left_out: str) -> str:
    return f"… and {left_out} more, which would not fit here: --html and --json have all.\n"


def _details(impact: Impact) -> Iterator[str]:
    """Yield the sections that may be left out, the most important first."""
    if impact.strengths:
        yield _strengths(impact.strengths)
    if impact.left_out:
        lines = (f"{each.consumer}: {named(each)}: {' '.join(why.split())}" for each, why in impact.left_out)
        yield _section("What could not be tried of verified interactions", _list(lines))
    if impact.report.notes:
        yield "".join(f"> {inline(note)}\n\n" for note in impact.report.notes)
    for serializer in impact.serializers or ():
        yield _serializer(serializer)
    for operation in impact.operations:
        yield _operation(operation)


def _strengths(strengths: Iterable[Strength]) -> str:
    cells = [("consumer", "changes noticed", "", "accepts anything"), ("---",) * 4]
    cells += [
        (
            inline(each.consumer),
            f"{each.noticed} of {each.changes}",
            percent(each),
            "<br>".join(inline(named(interaction)) for interaction in each.accepting),
        )
        for each in strengths
    ]
    return _section("How many of the changes each consumer's contract notices", table_rows(cells))


def _serializer(serializer: SerializerNeeds) -> str:
    lines = [
        f"{meaning}: {', '.join(fields)}"
        for meaning, fields in (
            ("no consumer needs", serializer.unneeded),
            ("consumers need", serializer.needed),
            ("no verified response had", serializer.unseen),
        )
        if fields
    ]
    place = f" ({serializer.place})" if serializer.place else ""
    return _section(f"{serializer.name}{place}", _list(lines))


def _operation(operation: OperationNeeds) -> str:
    unneeded = [each.member.title for each in operation.members if not each.needs]
    cells = [("member", "which consumers need it, and how"), ("---",) * 2]
    for members in rows_of(operation):
        ways = (
            inline(f"{how}: {', '.join(consumers_or_all(consumers, operation))}")
            for how, consumers in groups(members[0]).items()
        )
        titles = ", ".join(each.member.title for each in members)
        cells.append((inline(titles), "<br>".join(ways) or "**no consumer**"))
    title = (
        f"{operation.title}: {counted(len(operation.members), 'member')}, of which no consumer needs {len(unneeded)}"
    )
    return _section(title, table_rows(cells))


def _section(title: str, text: str) -> str:
    return f"<details><summary>{escape(title)}</summary>\n\n{text}\n</details>\n"


def _list(lines: Iterable[str]) -> str:
    return "".join(f"- {inline(line)}\n" for line in lines)
