"""The registry of provider states: names and patterns, and the handlers that answer them."""

import difflib
import inspect
import json
import keyword
import os
import re
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pact_verification.errors import InvalidRegistration, StateError

if TYPE_CHECKING:
    from django.http import HttpRequest
    from parse import Parser

P = ParamSpec("P")
R = TypeVar("R")
RequestFilter = Callable[["HttpRequest"], None]


@dataclass(frozen=True, eq=False)
class Handler:
    """A function that sets up a state.

    Attributes:
        function: returns a mapping of values or None, or is a generator that yields once and then tears down.
        location: file and line, for a person.
    """

    function: Callable[..., Any]
    location: str

    def check_arguments(self, arguments: Mapping[str, Any]) -> None:
        """Raise a StateError that names what the function doesn't accept, or lacks."""
        signature = inspect.signature(self.function)
        try:
            signature.bind(**arguments)
        except TypeError as error:
            accepted = ", ".join(signature.parameters) or "no parameters"
            given = ", ".join(f"{key}={value!r}" for key, value in arguments.items()) or "none"
            raise StateError(
                f"{self.function.__name__}() does not fit the state's parameters: {error}. It accepts {accepted}; "
                f"the pact gives {given}. ({self.location})"
            ) from error

    def set_up(self, arguments: Mapping[str, Any]) -> "ActiveState":
        """Run the function up to its end or its yield.

        Raises:
            StateError: an argument doesn't fit, or what it returned can't go to the verifier.
            Exception: whatever the function raises.
        """
        self.check_arguments(arguments)
        result = self.function(**arguments)
        if not inspect.isgenerator(result):
            return ActiveState(self, self._values(result))
        try:
            yielded = next(result)
        except StopIteration as end:
            raise StateError(f"{self.function.__name__}() ended without a yield. ({self.location})") from end
        return ActiveState(self, self._values(yielded), result)

    def _values(self, returned: Any) -> dict[str, Any]:
        """What was returned, as JSON has it: the values that `fromProviderState` generators may use."""
        from django.core.serializers.json import DjangoJSONEncoder

        if returned is None:
            return {}
        if not isinstance(returned, Mapping) or not all(isinstance(key, str) for key in returned):
            raise StateError(
                f"{self.function.__name__}() returned {returned!r}. A state returns None, or a dict with the "
                f"values that the pact may use, such as {{'id': 10}}. ({self.location})"
            )
        try:
            values: dict[str, Any] = json.loads(json.dumps(dict(returned), cls=DjangoJSONEncoder, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise StateError(
                f"{self.function.__name__}() returned {returned!r}, which is not JSON: {error}. Return plain "
                f"values, such as the object's id. ({self.location})"
            ) from error
        return values


@dataclass(frozen=True, slots=True)
class ActiveState:
    """A state that is set up, with the values it returned and what is left to do at its end."""

    handler: Handler
    values: dict[str, Any] = field(default_factory=dict)
    generator: Generator[Any, Any, Any] | None = None

    def tear_down(self) -> None:
        """Run what follows the handler's yield."""
        if self.generator is None:
            return
        try:
            next(self.generator)
        except StopIteration:
            return
        self.generator.close()
        raise StateError(
            f"{self.handler.function.__name__}() yields more than once; what follows the first yield is the teardown. "
            f"({self.handler.location})"
        )


@dataclass(frozen=True)
class Pattern:
    """A name that a handler claims: literal, or with {placeholders} as the `parse` library has them."""

    text: str
    handler: Handler

    @cached_property
    def parser(self) -> "Parser | None":
        from parse import compile as compile_pattern  # here, since production imports this module and has no use for it

        if "{" not in self.text and "}" not in self.text:
            return None
        try:
            parser = compile_pattern(self.text, case_sensitive=True)
            parser.parse("")  # it compiles its expression only now
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
    """The handler for a state, with the values that its pattern found in the name."""

    handler: Handler
    values: Mapping[str, Any]

    def arguments(self, name: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Values in the name and the state's params, together. A StateError where the two disagree."""
        for key in self.values.keys() & params.keys():
            if str(self.values[key]) != str(params[key]):
                raise StateError(
                    f"The state {name!r} says {key}={self.values[key]!r}, its params say {key}={params[key]!r}. "
                    "The consumer's test has to settle which."
                )
        return {**self.values, **params}


class Registry:
    """Handlers by name, in the order in which they were registered."""

    def __init__(self) -> None:
        self.patterns: dict[str, Pattern] = {}
        self.base_states: list[Handler] = []
        self.request_filters: list[RequestFilter] = []

    def provider_state(self, *names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Register the decorated function as the handler of these provider states.

        Args:
            names: states as consumers write them. `{id}` stands for a part of the name, `{id:d}` for a whole number;
                each becomes a keyword argument, as do the state's params.

        The function returns None, or a dict of values for the pact's `fromProviderState` generators. A generator
        function yields once (None or that dict); what follows the yield runs after the request.

        Raises:
            InvalidRegistration: no name, a name that has a handler already, or something that is no plain function.
        """
        _check_names("provider_state", names)

        def register(function: Callable[P, R]) -> Callable[P, R]:
            self._add(names, _handler("provider_state", function))
            return function

        return register

    def seeded_state(self, *names: str, fixtures: Iterable[str]) -> None:
        """Register provider states that are made by loading fixtures, named as for `manage.py loaddata`.

        Raises:
            InvalidRegistration: no name, a name that has a handler already, or no fixtures.
        """
        _check_names("seeded_state", names)
        labels = (fixtures,) if isinstance(fixtures, str) else tuple(fixtures)
        if not labels:
            raise InvalidRegistration(f"seeded_state({names[0]!r}) names no fixtures.")

        def load_fixtures() -> None:
            from django.core.management import call_command

            call_command("loaddata", *labels, verbosity=0)

        caller = inspect.currentframe()
        caller = caller.f_back if caller else None
        location = _location(caller.f_code.co_filename, caller.f_lineno) if caller else "?"
        self._add(names, Handler(load_fixtures, location))

    def base_state(self, function: Callable[[], R]) -> Callable[[], R]:
        """Register a function, or a generator function, that runs before every interaction's own states."""
        handler = _handler("base_state", function)
        if inspect.signature(function).parameters:
            raise InvalidRegistration(f"A base_state takes no parameters. ({handler.location})")
        self.base_states.append(handler)
        return function

    def request_filter(self, function: RequestFilter) -> RequestFilter:
        """Register a function that may change every request (its META, say) before the project sees it."""
        _handler("request_filter", function)
        self.request_filters.append(function)
        return function

    def find(self, name: str) -> Match | None:
        """The handler for a state: an exact name first, then a pattern.

        Raises:
            InvalidRegistration: several patterns fit the name.
        """
        if (exact := self.patterns.get(name)) and exact.parser is None:
            return Match(exact.handler, {})
        found = [
            (pattern, result.named)
            for pattern in self.patterns.values()
            if pattern.parser and (result := pattern.parser.parse(name))
        ]
        if len({pattern.handler for pattern, _ in found}) > 1:
            claims = " and ".join(f"{pattern.text!r} ({pattern.handler.location})" for pattern, _ in found)
            raise InvalidRegistration(
                f"Several handlers claim the state {name!r}: {claims}. Make one more specific, or register "
                f"{name!r} itself."
            )
        return Match(found[0][0].handler, found[0][1]) if found else None

    def nearest(self, name: str) -> list[Pattern]:
        """Registered names that look like this one, nearest first; at most three."""
        return [self.patterns[text] for text in difflib.get_close_matches(name, self.patterns, n=3)]

    def _add(self, names: Sequence[str], handler: Handler) -> None:
        for name in names:
            pattern = Pattern(name, handler)
            _ = pattern.parser  # an invalid pattern is refused where it stands, not when a state is looked for
            if known := self.patterns.get(name):
                raise InvalidRegistration(
                    f"Two handlers claim the state {name!r}: {known.handler.location} and {handler.location}. "
                    "A state has one handler; several names may share one."
                )
            self.patterns[name] = pattern


def _check_names(decorator: str, names: Sequence[Any]) -> None:
    if not names or not all(isinstance(name, str) and name for name in names):
        raise InvalidRegistration(
            f'@{decorator} needs the name of the state as consumers write it: @{decorator}("a product exists").'
        )


def _handler(decorator: str, function: Callable[..., Any]) -> Handler:
    if not inspect.isroutine(function):
        raise InvalidRegistration(f"@{decorator} registers functions, not {function!r}.")
    code = inspect.unwrap(function).__code__
    handler = Handler(function, _location(code.co_filename, code.co_firstlineno))
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise InvalidRegistration(
            f"{function.__name__}() is async, and states are set up one after the other on one thread: write a plain "
            f"function (asgiref's async_to_sync helps). ({handler.location})"
        )
    return handler


def _location(file: str, line: int) -> str:
    path = os.path.relpath(file)
    return f"{file if path.startswith('..') else path}:{line}"


def stub(name: str, params: Mapping[str, Any]) -> str:
    """Python to paste for a state that has no handler yet. It fails until someone fills it in."""
    identifier = re.sub(r"\W+", "_", name).strip("_").lower() or "state"
    if not identifier.isidentifier() or keyword.iskeyword(identifier):
        identifier = f"state_{identifier}"
    text = name.replace("{", "{{").replace("}", "}}")
    arguments = ", ".join(f"{key}: {type(value).__name__}" for key, value in params.items() if key.isidentifier())
    return (
        f"@provider_state({json.dumps(text, ensure_ascii=False)})\n"
        f"def {identifier}({arguments}) -> None:\n"
        f'    raise NotImplementedError("bring the database into this state")\n'
    )


registry = Registry()
provider_state = registry.provider_state
seeded_state = registry.seeded_state
base_state = registry.base_state
request_filter = registry.request_filter


def autodiscover() -> Registry:
    """Import the pact_states.py of every installed app.

    Raises:
        InvalidRegistration: one of them can't be imported; it says which, and why.
    """
    from django.apps import apps
    from django.utils.module_loading import autodiscover_modules

    try:
        autodiscover_modules("pact_states")
    except InvalidRegistration:
        raise
    except Exception as error:
        frames = (
            [
                frame
                for frame in inspect.getinnerframes(error.__traceback__)
                if frame.filename.endswith("pact_states.py")
            ]
            if error.__traceback__
            else []
        )
        where = f" ({_location(frames[-1].filename, frames[-1].lineno)})" if frames else ""
        raise InvalidRegistration(
            f"A pact_states.py can't be imported: {type(error).__name__}: {error}.{where} "
            f"Looked in the apps {', '.join(config.label for config in apps.get_app_configs())}."
        ) from error
    return registry
