"""The core's sentences about values that are secret: its words stay readable."""

import re

from pact_verification.credentials import HIDDEN
from pact_verification.results.secret_values import without_secret_parts

WORDS = (
    r"^Mismatch with header '[^']*': ",
    r"Type mismatch: ",
    r"Expected (?:a header|form post parameter) '[^']*' but was missing",
    r"Expected an empty header '[^']*' but actual value was ",
    r"Expected header '[^']*'(?: at index \d+)? to have value ",
    r"Expected form post parameter '[^']*'(?: with)? value ",
    r"Expected form post parameter '[^']*' with \d+ value\(s\) but received \d+ value\(s\)",
    r"Unexpected form post parameter '[^']*' received",
    r"Expected a List with \d+ elements but received \d+ elements",
    r"Expected an empty (?:List|Map) but received ",
    r"Actual map is missing the following keys: .*",
    r"Expected non-empty value but got a NULL",
    r"Expected value ",
    r"Expected ",
    r" at index \d+ but was missing \(actual has \d+ value\(s\)\)",
    r" but was missing",
    r" but was ",
    r" to be (?:equal to|the same type as|like) ",
    r" to be (?:an integer|a decimal number|a number|a null value)",
    r" to match an? (?:integer number|decimal number|number|boolean)",
    r" to match a (?:date|time|timestamp) pattern of '[^']*': ",
    r" to match ",
    r" to include ",
    r" to not be empty",
    r" to have (?:minimum|maximum) size of \d+",
    r" to have at (?:least|most) \d+ item\(s\)",
    r" \((?:String|Integer|Decimal|Number|Boolean|Null|Array|Object|size \d+)\)",
    r"Variant at index \d+ ",
    r" was not found in the actual list",
    r" for value at index \d+$",
)
ITS_WORDS = re.compile("|".join(WORDS))
ITS_VALUE = re.compile(r"'(?P<quoted>.*)'|\{.*\}|\[.*\]|\(.*\)|[^\s'\"]*|Error\(.*\)", re.DOTALL)


def hidden_side(header: str, value: str) -> str:
    return without_secret_parts(header, value) if header else HIDDEN


def hidden_sentence(header: str, message: str, rule: str) -> str:
    """The core's sentence about secret values. All of one that is none of the core's is hidden, as it may quote them.

    Args:
        header: whose value it is; empty for a body's.
        rule: the matching rule, which a sentence may quote.
    """
    shown, kept = "", 0
    for words in [*ITS_WORDS.finditer(message), None]:
        value = message[kept : words.start() if words else len(message)]
        found = ITS_VALUE.fullmatch(value)
        if not found or (value and not kept):
            return HIDDEN
        if (quoted := found["quoted"]) is None:
            shown += value and HIDDEN
        else:
            is_rule = shown.endswith(" to match ") and rule == f"regex {quoted}"
            shown += f"'{quoted if is_rule or not quoted else hidden_side(header, quoted)}'"
        if words:
            shown += words[0]
            kept = words.end()
    return shown
