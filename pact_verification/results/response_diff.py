"""Makes the diff of a response or a message from the core's mismatches.

A value that a matching rule allows to differ is not marked. So the lines follow the mismatches and not the texts.
"""

import json
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from http.client import responses
from typing import Any

from pact_verification.pacts.matching_rules import steps
from pact_verification.pacts.pact import CONTENT_TYPE_NAMES
from pact_verification.results.diff import CAME, EXPECTED, SAME, WRONG, Diff, DiffLine
from pact_verification.results.exchange import RecordedMessage
from pact_verification.results.mismatch import Mismatch, explained, said
from pact_verification.results.report import InteractionResult
from pact_verification.text import described_binary, read_json

MISSING: Any = object()
"""Stands for an example that the pact doesn't have; None is an example."""

SAME_LIST = (
    "(Both are the same list of values. The Pact core compares value by value, and takes a text with commas for one "
    "value or for several, depending on the header.)"
)

Path = tuple[str, ...]


def response_diff(result: InteractionResult) -> Diff:
    """Return the diff of an interaction's response or message; an empty one when none came."""
    exchange = result.exchange
    if (came := exchange.came) is None:
        return Diff()
    by_part: dict[str, list[Mismatch]] = {"status": [], "header": [], "metadata": [], "body": []}
    others: list[Mismatch] = []
    for mismatch in result.mismatches:
        by_part.get(mismatch.part, others).append(mismatch)
    elsewhere = [DiffLine(WRONG, each.where, said(each)) for each in others]
    try:
        body = list(_body(came.body, result.interaction.wanted.body, by_part["body"], compared=not others))
    except RecursionError:  # the body is nested too deeply
        elsewhere += [DiffLine(WRONG, each.where, explained(each)) for each in by_part["body"]]
        body = [DiffLine(SAME, came.body.decode(errors="replace"))]
    if isinstance(came, RecordedMessage):
        metadata = _metadata(result, came, by_part["metadata"])
        return Diff(metadata=tuple(metadata), body=(*elsewhere, *body))
    status, headers = _status(result, by_part["status"]), _headers(result, by_part["header"])
    return Diff(tuple(status), tuple(headers), body=(*elsewhere, *body))


def _metadata(result: InteractionResult, came: RecordedMessage, mismatches: Sequence[Mismatch]) -> Iterator[DiffLine]:
    wrong = {mismatch.path: mismatch for mismatch in mismatches}
    unnamed = [mismatch for mismatch in mismatches if mismatch.path not in result.interaction.expected_message.metadata]
    yield from (DiffLine(WRONG, each.where, explained(each)) for each in unnamed)
    wanted = result.interaction.expected_message.metadata
    for name, expected in wanted.items():
        value = came.metadata.get(name, came.content_type if name.lower() in CONTENT_TYPE_NAMES else MISSING)
        if mismatch := wrong.get(name):
            yield DiffLine(EXPECTED, f"{name}: {_value(expected)}", explained(mismatch))
            if value is not MISSING:
                yield DiffLine(CAME, f"{name}: {_value(value)}")
        else:
            yield DiffLine(SAME, f"{name}: {_value(expected if value is MISSING else value)}")


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _status(result: InteractionResult, mismatches: Sequence[Mismatch]) -> Iterator[DiffLine]:
    assert result.exchange.response
    came = result.exchange.response.headline
    if not mismatches:
        yield DiffLine(SAME, came)
        return
    expected = result.interaction.expected.status
    ruled = explained(mismatches[0]) if mismatches[0].rule else ""
    yield DiffLine(EXPECTED, f"{expected} {responses.get(expected, '')}".rstrip(), ruled)
    yield DiffLine(CAME, came)


def _headers(result: InteractionResult, mismatches: Sequence[Mismatch]) -> Iterator[DiffLine]:
    assert result.exchange.response
    came = {name.lower(): value for name, value in result.exchange.response.headers.items()}
    wrong: dict[str, list[Mismatch]] = {}
    for mismatch in mismatches:
        wrong.setdefault(mismatch.path.lower(), []).append(mismatch)
    for name, expected in result.interaction.expected.headers.items():
        value = came.get(name.lower())
        if found := wrong.pop(name.lower(), None):
            again = f"Mismatch with header {name!r}: "  # the core begins each sentence with it
            found[1:] = [replace(each, message=each.message.removeprefix(again)) for each in found[1:]]
            alike = f" {SAME_LIST}" if value is not None and _values(value) == _values(expected) else ""
            yield DiffLine(EXPECTED, f"{name}: {expected}", explained(*found) + alike)
            if value is not None:
                yield DiffLine(CAME, f"{name}: {value}")
        else:
            yield DiffLine(SAME, f"{name}: {value if value is not None else expected}")
    yield from (DiffLine(WRONG, found[0].path, explained(*found)) for found in wrong.values())


def _values(header: str) -> list[str]:
    return [value.strip() for value in header.split(",")]


def _body(body: bytes, expected: Any, mismatches: Sequence[Mismatch], *, compared: bool) -> Iterator[DiffLine]:
    try:
        came = read_json(body)
    except ValueError:
        binary = described_binary(body)
        text = binary or body.decode(errors="replace")
        if binary and isinstance(expected, str):
            expected = _bytes_of(expected)
        if not (mismatches and compared):
            yield from (DiffLine(SAME, line) for line in text.splitlines())
            return
        yield from (DiffLine(WRONG, each.where, explained(each)) for each in mismatches)
        yield from _text_diff(expected if isinstance(expected, str) else _pretty(expected), text)
        return
    writer = _JSONDiff(mismatches)
    lines = list(writer.value(came, MISSING if expected is None else expected, (), ""))
    for mismatch in writer.left():  # first, since they have no place of their own
        yield DiffLine(WRONG, mismatch.where, explained(mismatch))
    yield from lines


def _text_diff(expected: str, came: str) -> Iterator[DiffLine]:
    before, after = expected.splitlines(), came.splitlines()
    for tag, start, end, other_start, other_end in SequenceMatcher(None, before, after).get_opcodes():
        if tag == "equal":
            yield from (DiffLine(SAME, line) for line in before[start:end])
        else:
            yield from (DiffLine(EXPECTED, line) for line in before[start:end])
            yield from (DiffLine(CAME, line) for line in after[other_start:other_end])


def _bytes_of(text: str) -> str | bytes:
    """Return the bytes that a V3 pact expects, which writes them in Base64."""
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return text


def _pretty(value: Any) -> str:
    if isinstance(value, bytes):
        return described_binary(value) or value.decode(errors="replace")
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)


class _JSONDiff:
    """Lays out the JSON that came, with the core's mismatches at their places."""

    def __init__(self, mismatches: Sequence[Mismatch]) -> None:
        self.waiting: dict[Path, list[Mismatch]] = {}
        for mismatch in mismatches:
            self.waiting.setdefault(steps(mismatch.path), []).append(mismatch)

    def left(self) -> list[Mismatch]:
        """Return the mismatches whose place was not found."""
        return [mismatch for waiting in self.waiting.values() for mismatch in waiting]

    def value(self, came: Any, expected: Any, path: Path, before: str, after: str = "") -> Iterator[DiffLine]:
        """Yield the lines of a value.

        Args:
            before: the indentation, with the key of an object's member.
            after: a comma or nothing.
        """
        mismatches = self.waiting.pop(path, [])
        note = explained(*mismatches)
        alike = isinstance(came, dict | list) and type(came) is type(expected)
        if not alike and mismatches:
            if expected is not MISSING:
                yield from _lines(EXPECTED, before, expected, after, note)
            yield from _lines(CAME, before, came, after, "" if expected is not MISSING else note)
        elif not isinstance(came, dict | list) or not came:
            yield from _lines(WRONG if note else SAME, before, came, after, note)
            yield from self._missing(came, expected, _indented(before) + "  ") if note else ()
        else:
            opening, closing = "{}" if isinstance(came, dict) else "[]"
            yield DiffLine(WRONG if note else SAME, before + opening, note)
            known: Any = expected if alike else type(came)()
            if isinstance(came, dict):
                yield from self._members(came, known, path, _indented(before) + "  ")
            else:
                yield from self._elements(came, known, path, _indented(before) + "  ", _surplus(known, mismatches))
            if note:
                yield from self._missing(came, known, _indented(before) + "  ")
            yield DiffLine(SAME, f"{_indented(before)}{closing}{after}")

    def _members(self, came: dict[str, Any], expected: dict[str, Any], path: Path, indent: str) -> Iterator[DiffLine]:
        last = next(reversed(came))
        for key, value in came.items():
            before, after = f"{indent}{json.dumps(key, ensure_ascii=False)}: ", "," if key != last else ""
            yield from self.value(value, expected.get(key, MISSING), (*path, key), before, after)

    def _elements(
        self, came: list[Any], expected: list[Any], path: Path, indent: str, surplus: int | None
    ) -> Iterator[DiffLine]:
        """Yield an array's elements. The first example stands for those without one; from `surplus` on are too many."""
        for number, value in enumerate(came):
            after = "," if number < len(came) - 1 else ""
            if surplus is not None and number >= surplus:
                yield from _lines(CAME, indent, value, after)
                continue
            example = expected[number] if number < len(expected) else expected[0] if expected else MISSING
            yield from self.value(value, example, (*path, str(number)), indent, after)

    @staticmethod
    def _missing(came: Any, expected: Any, indent: str) -> Iterator[DiffLine]:
        """Yield what only the pact's example has."""
        if isinstance(expected, dict) and isinstance(came, dict):
            for key in (key for key in expected if key not in came):
                yield from _lines(EXPECTED, f"{indent}{json.dumps(key, ensure_ascii=False)}: ", expected[key], "")
        elif isinstance(expected, list) and isinstance(came, list):
            for value in expected[len(came) :]:
                yield from _lines(EXPECTED, indent, value, "")


def _surplus(expected: list[Any], mismatches: Sequence[Mismatch]) -> int | None:
    """Return the number of elements that are allowed; None without a limit."""
    rules = [mismatch.rule for mismatch in mismatches if mismatch.rule]
    limits = [rule.maximum for rule in rules if rule.maximum is not None]
    if limits:
        return limits[0]
    return len(expected) if mismatches and not rules else None


def _indented(before: str) -> str:
    return " " * (len(before) - len(before.lstrip(" ")))


def _lines(sign: str, before: str, value: Any, after: str, note: str = "") -> Iterator[DiffLine]:
    first, *others = json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    texts = [before + first, *(_indented(before) + other for other in others)]
    for number, text in enumerate(texts):
        yield DiffLine(sign, text + (after if number == len(texts) - 1 else ""), "" if number else note)
