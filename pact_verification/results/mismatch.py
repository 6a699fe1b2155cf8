"""One difference between an expected response and the one that came, and the sentence that explains it."""

import re
from dataclasses import dataclass
from typing import Any

from pact_verification.pacts.matching_rules import Rule
from pact_verification.text import counted


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference between the response or message that the pact expects and the one that came.

    Attributes:
        part: status, header, metadata or body, or another word of the core's.
        path: the name of the header or of the metadata, or the place in the body: `$.name`.
        message: the core's sentence.
        rule: the pact's matching rule there; None where the value has to be equal.
        response: which response of a synchronous message differs, from 0; None if it has only one.
    """

    part: str
    path: str
    expected: Any
    actual: Any
    message: str
    rule: Rule | None = None
    response: int | None = None

    @property
    def where(self) -> str:
        """Part and path for a person: body $.name."""
        return f"{self.part} {self.path}".rstrip()


def explained(*mismatches: Mismatch) -> str:
    """Return what is wrong at one place, with the matching rules. Without a rule the value has to be equal."""
    texts = [f"{said(each)} (rule: {each.rule})" if each.rule else said(each) for each in mismatches]
    if not mismatches:
        return ""
    first = mismatches[0]
    place = f"{first.path or '$'}: " if first.part == "body" else ""
    if first.part == "metadata" and f"'{first.path}'" not in first.message:  # the sentence was replaced for a secret
        place = f"{first.where}: "
    response = "" if first.response is None else f"response {first.response + 1}: "
    return response + place + "; ".join(texts)


TYPES = {
    "String": "text",
    "Integer": "a whole number",
    "Decimal": "a decimal number",
    "Number": "a number",
    "Boolean": "true or false",
    "Null": "null",
    "NULL": "null",
    "Array": "an array",
    "List": "an array",
    "Object": "an object",
    "Map": "an object",
}
"""The core's names of JSON types, in words."""

_VALUE = r"(?P<{0}>.*) \((?P<{0}_type>\w+)\)"
_CAME, _PACT = _VALUE.format("came"), _VALUE.format("pact")
_SAME_TYPE = r"(?:Type mismatch: )?Expected {0} to be the same type as " + _PACT
_OF_HEADER = r"(?:Mismatch with header '.*': )?"

WORDS = (
    (r"Actual map is missing the following keys: (?P<names>.*)", "missing: {names}"),
    (rf"Expected null \(Null\) to be equal to {_PACT}", "null came, and the contract has {pact} ({pact_type})"),
    (
        rf"Expected {_CAME} to be equal to {_PACT}",
        "{came} ({came_type}) came, and the contract has {pact} ({pact_type})",
    ),
    (_SAME_TYPE.format(r"null \(Null\)"), "null came, and the contract has {pact_type}"),
    (_SAME_TYPE.format(_CAME), "{came} is {came_type}, and the contract has {pact_type}"),
    (rf"Expected {_CAME} to be an integer.*", "{came} ({came_type}) is no whole number"),
    (rf"Expected {_CAME} to be a decimal number.*", "{came} ({came_type}) is no decimal number"),
    (rf"Expected {_CAME} to be a number.*", "{came} ({came_type}) is no number"),
    (rf"Expected {_CAME} to match a boolean.*", "{came} ({came_type}) is neither true nor false"),
    (rf"Expected {_CAME} to be a null value.*", "{came} ({came_type}) is not null"),
    (rf"Expected {_CAME} to not be empty", "{came} came, and it should not be empty"),
    (
        r"Expected (?P<came>'.*') to match a (?P<kind>date|time|timestamp) pattern of '(?P<rule>[^']*)'(?:: .*)?",
        "{came} does not match the {kind} pattern {rule}",
    ),
    (r"Expected (?P<came>'.*') to include (?P<pact>'.*')", "{came} does not contain {pact}"),
    (r"(?P<came>'.*') is not a valid semantic version.*", "{came} is no semantic version"),
    (
        r"Mismatch with header '(?P<name>[^']*)': Expected (?P<came>'.*') to match '(?P<rule>.*)'",
        "the header {name} is {came}, which does not match the regular expression {rule}",
    ),
    (
        r"Mismatch with header '(?P<name>[^']*)': Expected (?P<came>'.*') to be equal to (?P<pact>'.*')",
        "the header {name} is {came}, and the contract has {pact}",
    ),
    (r"Expected (?P<came>'.*') to match '(?P<rule>.*)'", "{came} does not match the regular expression {rule}"),
    (rf"{_OF_HEADER}Expected a header '(?P<name>.*)' but was missing", "the header {name} is missing"),
    (
        rf"{_OF_HEADER}Expected header '(?P<name>[^']*)' to have value (?P<pact>'.*') but was (?P<came>'.*')",
        "the header {name} is {came}, and the contract has {pact}",
    ),
    (r"Expected message metadata '(?P<name>.*)' but was missing", "the metadata {name} is missing"),
    (
        r"Expected metadata key '(?P<name>.*?)' to have value '(?P<pact>.*?)' but was '(?P<came>.*?)' - .*",
        "the metadata {name} is {came}, and the contract has {pact}",
    ),
    (
        r".* \(size (?P<size>\d+)\) to have minimum size of (?P<limit>\d+)",
        "{size} came, and at least {limit} should",
    ),
    (
        r".* \(size (?P<size>\d+)\) to have maximum size of (?P<limit>\d+)",
        "{size} came, and at most {limit} may",
    ),
    (
        r"Expected a List with (?P<limit>\d+) elements but received (?P<size>\d+) elements",
        "{size} came, and the contract has {limit}",
    ),
    (r"expected (?P<pact>\d+) but was (?P<came>\d+)", "status {came} came instead of {pact}"),
    (
        r"Expected a body of '(?P<pact>[^']*)' but the actual content type was '(?P<came>[^']*)'",
        "the content type is {came}, and the contract has {pact}",
    ),
    (
        r"Expected message with content type (?P<pact>.*) but was (?P<came>.*)",
        "the content type is {came}, and the contract has {pact}",
    ),
    (
        r"Expected body (?P<pact>'.*') to match (?P<came>'.*') using equality but did not match",
        "the body is {came}, and the contract has {pact}",
    ),
    (r"Expected body Present\((?P<size>\d+) bytes\) but was empty", "the body is empty, and the contract has one"),
    (r"Failed to parse the actual body: '(?P<reason>.*)'", "the body can't be read: {reason}"),
    (r"Expected child (?P<name><.*/>) but was missing", "{name} is missing"),
)
"""The core's sentences, as patterns, with ours. Others are shown as the core has them."""


def said(mismatch: Mismatch) -> str:
    """Return what is wrong in our words, or in the core's where its meaning is not known."""
    for pattern, words in WORDS:
        if match := re.fullmatch(pattern, mismatch.message, re.DOTALL):
            return words.format(**{name: _word(name, text) for name, text in match.groupdict().items()})
    return mismatch.message


def _word(name: str, text: str) -> str:
    """Return what stands for a group of a pattern: a type, a number of elements, or the text itself."""
    if name == "size":
        return counted(int(text), "element")
    return TYPES.get(text, text) if name.endswith("_type") else text
