"""Which function has claimed a name: that of a provider state, or the description of a message."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field

from pact_verification.errors import InvalidRegistration
from pact_verification.states.handlers import Handler, Match, Pattern


@dataclass
class Claims:
    """The functions that have claimed names of one sort, by name or pattern.

    Args:
        noun: what a name is: "state" or "message".
        handler: what a function is: "handler" or "producer".
    """

    noun: str
    handler: str
    patterns: dict[str, Pattern] = field(default_factory=dict)

    def add(self, names: Sequence[str], handler: Handler) -> None:
        """Claim names for a function.

        Raises:
            InvalidRegistration: a name is taken, or is no valid pattern.
        """
        for name in names:
            pattern = Pattern(name, handler)
            _ = pattern.parser  # compiles it now: for an invalid pattern, the traceback leads to the registration
            if known := self.patterns.get(name):
                raise InvalidRegistration(
                    f"Two {self.handler}s claim the {self.noun} {name!r}: {known.handler.location} and "
                    f"{handler.location}. A {self.noun} has one {self.handler}; several names may share one."
                )
            self.patterns[name] = pattern

    def find(self, name: str) -> Match | None:
        """Find the function for a name.

        A function registered for exactly this name wins. Otherwise the matching pattern with the most literal text
        wins. A pattern's own text is an exact name too: PactNet sends it as the name, and the values as params.

        Raises:
            InvalidRegistration: several functions' patterns match with the same amount of literal text.
        """
        if exact := self.patterns.get(name):
            placeholders = exact.parser.parse(name) if exact.parser else None
            return Match(exact.handler, placeholders.named if placeholders else {})
        found = [
            (pattern, result.named)
            for pattern in self.patterns.values()
            if pattern.parser and (result := pattern.parser.parse(name))
        ]
        most = max((pattern.literal for pattern, _ in found), default=0)
        best = [(pattern, values) for pattern, values in found if pattern.literal == most]
        if len({pattern.handler for pattern, _ in best}) > 1:
            claims = " and ".join(f"{pattern.text!r} ({pattern.handler.location})" for pattern, _ in best)
            raise InvalidRegistration(
                f"Several {self.handler}s claim the {self.noun} {name!r}: {claims}. Their patterns have equal amounts "
                f"of literal text. Make one more specific, or register {name!r} itself."
            )
        return Match(best[0][0].handler, best[0][1]) if best else None

    def nearest(self, name: str) -> list[Pattern]:
        """Return up to three claimed names that resemble this one, the most similar first."""
        return [self.patterns[text] for text in difflib.get_close_matches(name, self.patterns, n=3)]
