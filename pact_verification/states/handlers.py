"""State handlers and message producers: their names, arguments, values and teardown."""

import inspect
import json
import re
import sys
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pact_verification.errors import InvalidRegistration, StateError
from pact_verification.text import Place, shown

if TYPE_CHECKING:
    from parse import Parser


@dataclass(frozen=True, eq=False)
class Handler:
    """A function that sets up a provider state, or that produces a message.

    Attributes:
        function: for a state it returns a mapping of values or None; a producer returns a message. A generator function
            yields that once and then tears down.
        location: where the function stands, or the call that registered it.
    """

    function: Callable[..., Any]
    location: Place

    def check_arguments(self, arguments: Mapping[str, Any]) -> None:
        """Raise StateError for an argument that is missing or not accepted."""
        accepted = signature(self.function)
        try:
            accepted.bind(**arguments)
        except TypeError as error:
            names = ", ".join(accepted.parameters) or "no parameters"
            given = ", ".join(f"{key}={value!r}" for key, value in arguments.items()) or "none"
            raise StateError(
                f"{self} does not fit the state's parameters: {error}. It accepts {names}; the pact gives {given}. "
                f"({self.location})"
            ) from error

    def set_up(self, arguments: Mapping[str, Any]) -> "ActiveState":
        """Run the function to its end or to its yield.

        Raises:
            StateError: an argument does not fit, or a generator yields nothing.
            Exception: the function raised it.
        """
        self.check_arguments(arguments)
        result = self.function(**arguments)
        if not inspect.isgenerator(result):
            return ActiveState(self, result)
        try:
            return ActiveState(self, next(result), result)
        except StopIteration as end:
            raise StateError(f"{self} ended without a yield. ({self.location})") from end

    def __str__(self) -> str:
        return f"{self.function.__name__}()"


@dataclass(frozen=True, slots=True)
class ActiveState:
    """What a handler or producer returned, with its teardown."""

    handler: Handler
    returned: Any = None
    generator: Generator[Any, Any, Any] | None = None

    def values(self) -> dict[str, Any]:
        """Return what the handler returned, as JSON.

        The pact's `fromProviderState` generators use these values.

        Raises:
            StateError: the handler returned something else than None and a JSON object.
        """
        from django.core.serializers.json import DjangoJSONEncoder  # here, since production imports this module

        if self.returned is None:
            return {}
        if not isinstance(self.returned, Mapping) or not all(isinstance(key, str) for key in self.returned):
            raise StateError(
                f"{self.handler} returned {shown(self.returned)}. A state returns None, or a dict with the values that "
                f"the pact may use, such as {{'id': 10}}. ({self.handler.location})"
            )
        try:
            text = json.dumps(dict(self.returned), cls=DjangoJSONEncoder, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise StateError(
                f"{self.handler} returned {shown(self.returned)}, which is not JSON: {error}. Return plain values, "
                f"such as the object's id. ({self.handler.location})"
            ) from error
        values: dict[str, Any] = json.loads(text)
        return values

    def tear_down(self) -> None:
        """Run the code after the handler's yield. Raise StateError when it yields again."""
        if self.generator is None:
            return
        try:
            next(self.generator)
        except StopIteration:
            return
        self.generator.close()
        raise StateError(
            f"{self.handler} yields more than once; what follows the first yield is the teardown. "
            f"({self.handler.location})"
        )


@dataclass(frozen=True)
class Pattern:
    """A name that a handler or producer claims.

    It may have the {placeholders} of the `parse` library.
    """

    text: str
    handler: Handler

    @property
    def literal(self) -> int:
        """How many characters are literal.

        Of two patterns, the one with more is more specific.
        """
        return len(re.sub(r"\{\{|\}\}", "-", re.sub(r"(?<!\{)((?:\{\{)*)\{[^{}]+\}", r"\1", self.text)))

    @cached_property
    def parser(self) -> "Parser | None":
        """The pattern's parser. None for a name without placeholders."""
        from parse import compile as compile_pattern  # here, since production imports this module

        if "{" not in self.text and "}" not in self.text:
            return None
        try:
            parser = compile_pattern(self.text, case_sensitive=True)
            parser.parse("")  # the first use compiles the expression
        except Exception as error:
            raise InvalidRegistration(
                f"{self.text!r} is not a pattern: {error}. Write {{name}} for a value, or {{{{ for a brace. "
                f"({self.handler.location})"
            ) from error
        if re.search(r"[{}]", re.sub(r"\{\{|\}\}|\{[^{}]*\}", "", self.text)):
            raise InvalidRegistration(
                f"{self.text!r} has a brace without its other half. Write {{{{ for a brace that is meant. "
                f"({self.handler.location})"
            )
        if parser.fixed_fields or any(not str(name).isidentifier() for name in parser.named_fields):
            raise InvalidRegistration(
                f"{self.text!r} has a placeholder without a name, or with one that is no Python name: write {{id}}. "
                f"({self.handler.location})"
            )
        return parser


@dataclass(frozen=True, slots=True)
class Match:
    """The handler of a provider state or the producer of a message, with the values in the name."""

    handler: Handler
    values: Mapping[str, Any]

    def arguments(self, name: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Join the values in the name and the state's params.

        Raise StateError where they disagree.
        """
        for key in self.values.keys() & params.keys():
            is_placeholder = self.values[key] == f"{{{key}}}"  # PactNet sends the pattern itself as the name
            if not is_placeholder and not _agree(self.values[key], params[key]):
                raise StateError(
                    f"The state {name!r} says {key}={self.values[key]!r}, its params say {key}={params[key]!r}. "
                    "The consumer's test has to settle which."
                )
        return {**self.values, **params}


def _agree(in_name: Any, param: Any) -> bool:
    """Tell whether a value in a state's name equals its param, as text or as JSON."""
    if str(in_name) == str(param):
        return True
    try:
        return bool(json.loads(str(in_name)) == param)
    except (ValueError, RecursionError):
        return False


def signature(function: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of the function itself.

    A decorator may accept less than what it decorates.
    """
    if sys.version_info >= (3, 14):  # the default evaluates annotations, which may be for the type checker only
        import annotationlib

        return inspect.signature(function, follow_wrapped=False, annotation_format=annotationlib.Format.FORWARDREF)
    try:
        return inspect.signature(function, follow_wrapped=False)
    except ValueError:  # a decorator in C, such as functools.lru_cache, accepts what the function does
        return inspect.signature(function)
