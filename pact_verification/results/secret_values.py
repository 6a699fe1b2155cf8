"""Decides which names and values are secret, and which parts of a header stay readable."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from pact_verification.conf import conf
from pact_verification.system.credentials import HIDDEN

SECRET_NAMES = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key"})
"""In lower case. The setting PACT_SECRET_NAMES adds to them."""

SHORTEST, LONGEST_WORD = 4, 15
DIFFERENT_CHARACTERS = 3
DIGITS = 6
LONG = 200
"""No word and no phrase of common words is this long."""

COMMON_WORDS = frozenset(
    """
    access account admin administrator and anonymous any api apikey app application auth authentication
    authorization bad bar basic bearer client code consumer cookie credential credentials current customer default
    demo dev development digest dummy email empty example existing expired expires fake false first foo for good
    guest header hello hidden incorrect invalid jwt key live local login logout mail malformed missing mock name new
    nil none not null number oauth old one other pass password production provider refresh request required response
    revoked role root sample second secret server service session some staging string super supersecret system temp
    temporary test tested tester testing tests text the this token tokens true two type unauthorized unknown used
    user username users valid value word world wrong yes your
    """.split()  # noqa: SIM905  # a list would have a line for each
)

WORDS = re.compile(r"[^\W\d_]+(?:[ _./:-]+[^\W\d_]+)*")
NUMBER = re.compile(r"[\d .,:/-]+")
CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")

SCHEME = re.compile(
    r"\s*(?:apikey|api-key|aws4-hmac-sha256|basic|bearer|digest|dpop|hawk|jwt|key|mac|negotiate|ntlm|oauth|"
    r"scram-sha-1|scram-sha-256|sharedkey|signature|token)\s+(?=\S)",
    re.IGNORECASE,
)
COOKIE = re.compile(r"""\s*(?P<name>[^\s=;,"'()]+)=(?P<value>.*)""", re.DOTALL)
JOINED = re.compile(r""", +(?=[^\s=;,"'()]+=)""")
"""Between two cookies in one text."""
ATTRIBUTE = re.compile(
    r"""
    \s*(?: httponly | secure | partitioned | (?:path|domain)=[^;,\s]* | max-age=-?\d+ | (?:samesite|priority)=[a-z]+
    | expires=(?: -?\d+ | (?:[a-z]{3,9},\s*)? \d{1,2}[ -][a-z]{3}[ -]\d{2,4} (?:\ [\d:]+)? (?:\ GMT|\ UTC)? ) )
    \s*(?P<joined>, (?=[^;]*=) | \Z)
    """,
    re.VERBOSE | re.IGNORECASE,
)
CODED = re.compile(r"\d|[a-z][A-Z]")

Spans = Iterator[tuple[int, int]]


def secret_names() -> frozenset[str]:
    """Return the names, in lower case, whose values no report shows."""
    return SECRET_NAMES | conf.PACT_SECRET_NAMES


def looks_like_secret(value: str) -> bool:
    """Decide whether a secret value is also searched for where no name stands beside it.

    The search would make holes in other texts for a value that any text may have. So these values are hidden only
    beside their names:

    * a value shorter than 4 characters, or with fewer than 3 different ones;
    * a number of fewer than 6 digits;
    * one word: only letters, 15 at most, in lower case, in upper case or capitalised (token, Bearer, NULL);
    * several words that are each common in tests or have 2 letters at most (valid-token, "test user", accessToken).
    """
    if len(value) < SHORTEST or len(set(value)) < DIFFERENT_CHARACTERS:
        return False
    return len(value) > LONG or not _is_plain(value)


@lru_cache(maxsize=4096)
def _is_plain(value: str) -> bool:
    if NUMBER.fullmatch(value):
        return sum(map(str.isdigit, value)) < DIGITS
    if not WORDS.fullmatch(value):
        return False
    if value.isalpha() and (value.isupper() or value[1:] == value[1:].lower()):
        return len(value) <= LONGEST_WORD
    words = re.split(r"[\W_]+", CAMEL_CASE.sub(" ", value).lower())
    return all(word in COMMON_WORDS or len(word) <= 2 for word in words)  # noqa: PLR2004  # as in en-US


def secret_parts(name: str, value: str) -> Spans:
    """Find the parts of a header's value that are secret: all of it unless its name has a form that is known.

    An Authorization header keeps its scheme, and cookies keep their names and attributes.
    """
    match name.lower():
        case "authorization" | "proxy-authorization":
            scheme = SCHEME.match(value)
            yield scheme.end() if scheme else 0, len(value)
        case "cookie":
            for start, end in _pieces(value, 0, len(value), ";"):
                yield from _of_cookie(value, start, end)
        case "set-cookie":
            yield from _of_set_cookies(value)
        case _:
            yield 0, len(value)


def without_secret_parts(name: str, value: str) -> str:
    """Return a header's value without its secret parts."""
    if len(value) > 1 and value[0] == value[-1] == '"':  # the core quotes the value of a missing header
        return f'"{without_secret_parts(name, value[1:-1])}"'
    shown, kept = [], 0
    for start, end in secret_parts(name, value):
        shown += [value[kept:start], HIDDEN if end > start else ""]
        kept = end
    return "".join([*shown, value[kept:]])


def _of_set_cookies(text: str) -> Spans:
    """Yield the secret parts of Set-Cookie: cookies, each followed by its attributes."""
    is_cookie = True
    for start, end in _pieces(text, 0, len(text), ";"):
        if not is_cookie and (attribute := ATTRIBUTE.match(text, start, end)):
            if not attribute["joined"]:
                continue
            start = attribute.end()  # noqa: PLW2901
        is_cookie = False
        bounds = [start, *(match.end() for match in JOINED.finditer(text, start, end)), end]
        for first, last in pairwise(bounds):
            yield from _of_cookie(text, first, last)


def _of_cookie(text: str, start: int, end: int) -> Spans:
    """Yield the value of a cookie; all of it if it has no name, or is Base64 that ends in =."""
    match = COOKIE.match(text, start, end)
    if match and (match["value"].strip("= ,") or not CODED.search(match["name"])):
        yield match.start("value"), match.end("value") - (len(match["value"]) - len(match["value"].rstrip(" ,")))
    elif text[start:end].strip():
        yield start + (text[start:end][0] == " "), end


def _pieces(text: str, start: int, end: int, separator: str) -> Spans:
    while (stop := text.find(separator, start, end)) >= 0:
        yield start, stop
        start = stop + 1
    yield start, end
