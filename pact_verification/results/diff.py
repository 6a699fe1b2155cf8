"""A response beside what the pact expects of it, as lines of a diff.

What a matching rule allows is no difference, so the lines follow the core's mismatches, not the texts: a value that
differs and may is shown as it came.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from http.client import responses
from typing import Any

from pact_verification.pacts.matching_rules import steps
from pact_verification.results.report import CAME, EXPECTED, SAME, WRONG, Diff, InteractionResult, Line, Mismatch
from pact_verification.text import counted, read_json

CONTEXT, UNMARKED = 3, 20
MISSING: Any = object()
"""In place of an example that the pact doesn't have."""

SAME_LIST = (
    "(Both are the same list of values. The Pact core compares value by value, and takes a text with commas for one "
    "value or for several, depending on the header.)"
)

Path = tuple[str, ...]


def response_diff(result: InteractionResult) -> Diff:
    """The diff of an interaction's response; empty when none came."""
    response = result.exchange.response
    if response is None:
        return Diff()
    by_part: dict[str, list[Mismatch]] = {"status": [], "header": [], "body": []}
    others: list[Mismatch] = []
    for mismatch in result.mismatches:
        by_part.get(mismatch.part, others).append(mismatch)
    told = [Line(WRONG, each.where, each.message) for each in others]
    try:
        body = list(_body(result, by_part["body"], compared=not others))
    except RecursionError:  # nested too deeply to be laid out
        told += [Line(WRONG, each.where, note(each)) for each in by_part["body"]]
        body = [Line(SAME, response.body.decode(errors="replace"))]
    status, headers = _status(result, by_part["status"]), _headers(result, by_part["header"])
    return Diff(tuple(status), tuple(headers), (*told, *body))


def shortened(lines: Sequence[Line], context: int = CONTEXT) -> Iterator[Line]:
    """The lines that differ, with some around them; a line tells how many are left out in between."""
    marked = [number for number, line in enumerate(lines) if line.sign != SAME]
    kept = {near for number in marked for near in range(number - context, number + context + 1)}
    if not marked:
        kept = set(range(max(2 * context, UNMARKED)))
    left_out = 0
    for number, line in enumerate(lines):
        if number in kept:
            yield from _gap(left_out)
            left_out = 0
            yield line
        else:
            left_out += 1
    yield from _gap(left_out)


def _gap(count: int) -> Iterator[Line]:
    if count:
        yield Line(SAME, f"… {counted(count, 'line')} left out")


def note(*mismatches: Mismatch) -> str:
    """What is wrong at a place, and by which rule; where no rule is named it has to be equal."""
    texts = [f"{each.message} (rule: {each.rule})" if each.rule else each.message for each in mismatches]
    place = f"{mismatches[0].path or '$'}: " if mismatches and mismatches[0].part == "body" else ""
    return place + "; ".join(texts) if texts else ""


def _status(result: InteractionResult, mismatches: Sequence[Mismatch]) -> Iterator[Line]:
    assert result.exchange.response
    came = result.exchange.response.headline
    if not mismatches:
        yield Line(SAME, came)
        return
    expected = result.interaction.expected.status
    ruled = note(mismatches[0]) if mismatches[0].rule else ""
    yield Line(EXPECTED, f"{expected} {responses.get(expected, '')}".rstrip(), ruled)
    yield Line(CAME, came)


def _headers(result: InteractionResult, mismatches: Sequence[Mismatch]) -> Iterator[Line]:
    assert result.exchange.response
    came = {name.lower(): value for name, value in result.exchange.response.headers.items()}
    wrong: dict[str, list[Mismatch]] = {}
    for mismatch in mismatches:
        wrong.setdefault(mismatch.path.lower(), []).append(mismatch)
    for name, expected in result.interaction.expected.headers.items():
        value = came.get(name.lower())
        if found := wrong.pop(name.lower(), None):
            again = f"Mismatch with header {name!r}: "  # the core begins each sentence so
            found[1:] = [replace(each, message=each.message.removeprefix(again)) for each in found[1:]]
            alike = f" {SAME_LIST}" if value is not None and _values(value) == _values(expected) else ""
            yield Line(EXPECTED, f"{name}: {expected}", note(*found) + alike)
            if value is not None:
                yield Line(CAME, f"{name}: {value}")
        else:
            yield Line(SAME, f"{name}: {value if value is not None else expected}")
    yield from (Line(WRONG, found[0].path, note(*found)) for found in wrong.values())


def _values(header: str) -> list[str]:
    return [value.strip() for value in header.split(",")]


def _body(result: InteractionResult, mismatches: Sequence[Mismatch], compared: bool) -> Iterator[Line]:
    assert result.exchange.response
    body, expected = result.exchange.response.body, result.interaction.expected.body
    try:
        came = read_json(body)
    except ValueError:
        text = body.decode(errors="replace")
        if not (mismatches and compared):
            yield from (Line(SAME, line) for line in text.splitlines())
            return
        yield from (Line(WRONG, each.where, note(each)) for each in mismatches)
        yield from _text_diff(expected if isinstance(expected, str) else _pretty(expected), text)
        return
    writer = _JSONDiff(mismatches)
    lines = list(writer.value(came, MISSING if expected is None else expected, (), ""))
    for mismatch in writer.left():  # first, where nobody can miss it
        yield Line(WRONG, mismatch.where, note(mismatch))
    yield from lines


def _text_diff(expected: str, came: str) -> Iterator[Line]:
    before, after = expected.splitlines(), came.splitlines()
    for tag, start, end, other_start, other_end in SequenceMatcher(None, before, after).get_opcodes():
        if tag == "equal":
            yield from (Line(SAME, line) for line in before[start:end])
        else:
            yield from (Line(EXPECTED, line) for line in before[start:end])
            yield from (Line(CAME, line) for line in after[other_start:other_end])


def _pretty(value: Any) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)


class _JSONDiff:
    """Writes the JSON that came, with the core's mismatches at their places."""

    def __init__(self, mismatches: Sequence[Mismatch]) -> None:
        self.waiting: dict[Path, list[Mismatch]] = {}
        for mismatch in mismatches:
            self.waiting.setdefault(steps(mismatch.path), []).append(mismatch)

    def left(self) -> list[Mismatch]:
        """Those whose place was not found."""
        return [mismatch for waiting in self.waiting.values() for mismatch in waiting]

    def value(self, came: Any, expected: Any, path: Path, before: str, after: str = "") -> Iterator[Line]:
        """The lines of a value.

        Args:
            before: the indentation, and the key where the value is a member's.
            after: a comma, or nothing.
        """
        mismatches = self.waiting.pop(path, [])
        told = note(*mismatches)
        alike = isinstance(came, dict | list) and type(came) is type(expected)
        if not alike and mismatches:
            if expected is not MISSING:
                yield from _lines(EXPECTED, before, expected, after, told)
            yield from _lines(CAME, before, came, after, "" if expected is not MISSING else told)
        elif not isinstance(came, dict | list) or not came:
            yield from _lines(WRONG if told else SAME, before, came, after, told)
            yield from self._missing(came, expected, _indented(before) + "  ") if told else ()
        else:
            opening, closing = "{}" if isinstance(came, dict) else "[]"
            yield Line(WRONG if told else SAME, before + opening, told)
            known: Any = expected if alike else type(came)()
            if isinstance(came, dict):
                yield from self._members(came, known, path, _indented(before) + "  ")
            else:
                yield from self._elements(came, known, path, _indented(before) + "  ", _surplus(known, mismatches))
            if told:
                yield from self._missing(came, known, _indented(before) + "  ")
            yield Line(SAME, f"{_indented(before)}{closing}{after}")

    def _members(self, came: dict[str, Any], expected: dict[str, Any], path: Path, indent: str) -> Iterator[Line]:
        last = next(reversed(came))
        for key, value in came.items():
            before, after = f"{indent}{json.dumps(key, ensure_ascii=False)}: ", "," if key != last else ""
            yield from self.value(value, expected.get(key, MISSING), (*path, key), before, after)

    def _elements(
        self, came: list[Any], expected: list[Any], path: Path, indent: str, surplus: int | None
    ) -> Iterator[Line]:
        """The elements of an array: one example stands for each of them, and those from `surplus` on are too many."""
        for number, value in enumerate(came):
            after = "," if number < len(came) - 1 else ""
            if surplus is not None and number >= surplus:
                yield from _lines(CAME, indent, value, after)
                continue
            example = expected[number] if number < len(expected) else expected[0] if expected else MISSING
            yield from self.value(value, example, (*path, str(number)), indent, after)

    @staticmethod
    def _missing(came: Any, expected: Any, indent: str) -> Iterator[Line]:
        """What the pact's example has beyond what came."""
        if isinstance(expected, dict) and isinstance(came, dict):
            for key in (key for key in expected if key not in came):
                yield from _lines(EXPECTED, f"{indent}{json.dumps(key, ensure_ascii=False)}: ", expected[key], "")
        elif isinstance(expected, list) and isinstance(came, list):
            for value in expected[len(came) :]:
                yield from _lines(EXPECTED, indent, value, "")


def _surplus(expected: list[Any], mismatches: Sequence[Mismatch]) -> int | None:
    """From which element on there are too many; None where the rule doesn't count, or has no limit."""
    rules = [mismatch.rule for mismatch in mismatches if mismatch.rule]
    limits = [rule.maximum for rule in rules if rule.maximum is not None]
    if limits:
        return limits[0]
    return len(expected) if mismatches and not rules else None


def _indented(before: str) -> str:
    return " " * (len(before) - len(before.lstrip(" ")))


def _lines(sign: str, before: str, value: Any, after: str, told: str = "") -> Iterator[Line]:
    first, *others = json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    texts = [before + first, *(_indented(before) + other for other in others)]
    for number, text in enumerate(texts):
        yield Line(sign, text + (after if number == len(texts) - 1 else ""), "" if number else told)
