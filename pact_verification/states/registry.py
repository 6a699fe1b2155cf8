"""The registry: what the pact_states.py of a project's apps have registered, and stubs for what they lack."""

import inspect
import keyword
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from django.apps import apps
from django.db import connections
from django.utils.module_loading import autodiscover_modules

from pact_verification.errors import CannotVerify, InvalidRegistration
from pact_verification.results.crash import Crash
from pact_verification.states.claims import Claims
from pact_verification.states.handlers import Handler, signature
from pact_verification.text import Place, python_literal, relative

if TYPE_CHECKING:
    from django.http import HttpRequest

P = ParamSpec("P")
R = TypeVar("R")
RequestFilter = Callable[["HttpRequest"], None]


class Registry:
    """The registered handlers, message producers, base states and request filters, in order."""

    def __init__(self) -> None:
        self.states = Claims("state", "handler")
        self.producers = Claims("message", "producer")
        self.base_states: list[Handler] = []
        self.run_data_functions: list[Handler] = []
        self.request_filters: list[RequestFilter] = []

    @property
    def functions(self) -> list[Callable[..., Any]]:
        """The functions of all state handlers, message producers, base states and request filters."""
        patterns = [*self.states.patterns.values(), *self.producers.patterns.values()]
        handlers = [*(pattern.handler for pattern in patterns), *self.base_states]
        handlers += self.run_data_functions
        return [*(handler.function for handler in handlers), *self.request_filters]

    def provider_state(self, *names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Register the decorated function as the handler of these provider states.

        Args:
            names: the states as consumers write them. `{id}` stands for a part of the name, `{id:d}` for an integer.
                The function gets these values and the state's params as keyword arguments.

        The function returns None, or a dict of values for the pact's `fromProviderState` generators. A generator
        function yields None or that dict once. Its code after the yield runs after the request.

        Raises:
            InvalidRegistration: a name is missing, invalid or taken, or the function is async or no function.
        """
        _check_names("provider_state", names)

        def register(function: Callable[P, R]) -> Callable[P, R]:
            self.states.add(names, _handler("provider_state", function))
            return function

        return register

    def seeded_state(self, *names: str, fixtures: Iterable[str]) -> None:
        """Register provider states that loaddata sets up from fixtures.

        Raises:
            InvalidRegistration: a name is missing, invalid or taken, or there are no fixtures.
        """
        _check_names("seeded_state", names)
        labels = (fixtures,) if isinstance(fixtures, str) else tuple(fixtures)
        if not labels:
            raise InvalidRegistration(f"seeded_state({names[0]!r}) names no fixtures.")

        def load_fixtures() -> None:
            from django.core.management import call_command  # here, since production imports this module

            call_command("loaddata", *labels, verbosity=0)

        caller = sys._getframe(1)
        self.states.add(names, Handler(load_fixtures, Place(caller.f_code.co_filename, caller.f_lineno)))

    def message_producer(self, *names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Register the decorated function as the producer of these messages.

        Args:
            names: the descriptions as consumers write them, with `{id}` as for provider_state.

        The function names the keyword arguments that it needs. The run takes them from the params of the provider
        states, what the states returned, and the values in the description. A synchronous message also gives
        `request`, a Message.

        The function returns a Message, a dict or list, text, bytes, or what captured_messages has captured. For a
        synchronous message with several responses it returns a list of Messages. A generator function yields that
        once. Its code after the yield is the teardown.

        Raises:
            InvalidRegistration: a name is missing, invalid or taken, or the function is async or no function.
        """
        _check_names("message_producer", names)

        def register(function: Callable[P, R]) -> Callable[P, R]:
            handler = _handler("message_producer", function)
            if any(each.kind is each.POSITIONAL_ONLY for each in signature(function).parameters.values()):
                raise InvalidRegistration(
                    f"{handler} has parameters that are positional only, and a producer gets keyword arguments. "
                    f"({handler.location})"
                )
            self.producers.add(names, handler)
            return function

        return register

    def base_state(self, function: Callable[[], R]) -> Callable[[], R]:
        """Register a function that runs before the provider states of each interaction.

        A generator function may tear down after its yield, as with provider_state.
        """
        handler = _handler("base_state", function)
        if signature(function).parameters:
            raise InvalidRegistration(f"A base_state takes no parameters. ({handler.location})")
        self.base_states.append(handler)
        return function

    def run_data(self, function: Callable[[], R]) -> Callable[[], R]:
        """Register a function that fills the test databases once, after migrations and before the first interaction.

        Every interaction starts from what it leaves in the databases: tenants, reference data, a search index. With
        `--provider-url` and under pytest, where the databases are not the run's own, it runs before every interaction.
        """
        handler = _handler("run_data", function)
        if signature(function).parameters:
            raise InvalidRegistration(f"A run_data function takes no parameters. ({handler.location})")
        if inspect.isgeneratorfunction(inspect.unwrap(function)):
            raise InvalidRegistration(
                f"A run_data function can't yield: the databases are dropped, so there is nothing to tear down. "
                f"({handler.location})"
            )
        self.run_data_functions.append(handler)
        return function

    def fill_databases(self) -> None:
        """Call the functions of `run_data`. Raises CannotVerify if one fails."""
        for handler in self.run_data_functions:
            name = f"@run_data {handler.function.__name__}()"
            try:
                handler.function()
            except (Exception, SystemExit) as error:
                crash = Crash.of(error)
                raise CannotVerify(f"{name} failed: {crash.exception} ({crash.where})") from error
            for connection in connections.all(initialized_only=True):
                if connection.connection and (connection.in_atomic_block or not connection.get_autocommit()):
                    raise CannotVerify(
                        f"{name} left a transaction open on {connection.alias!r}. Commit it. ({handler.location})"
                    )

    def with_data_in_each_interaction(self) -> Self:
        """Return a registry whose `run_data` functions run before every interaction, as base states."""
        registry = copy(self)
        registry.base_states = [*self.run_data_functions, *self.base_states]
        registry.run_data_functions = []
        return registry

    def request_filter(self, function: RequestFilter) -> RequestFilter:
        """Register a function that may change each request before the project handles it."""
        _handler("request_filter", function)
        self.request_filters.append(function)
        return function


def _check_names(decorator: str, names: Sequence[Any]) -> None:
    if not names or not all(isinstance(name, str) and name for name in names):
        what, example = {
            "message_producer": ("the description of the message", "a product was created"),
        }.get(decorator, ("the name of the state", "a product exists"))
        raise InvalidRegistration(f'@{decorator} needs {what} as consumers write it: @{decorator}("{example}").')


def _handler(decorator: str, function: Callable[..., Any]) -> Handler:
    innermost = inspect.unwrap(function) if callable(function) else function
    if not inspect.isfunction(innermost):
        raise InvalidRegistration(f"@{decorator} registers functions, not {function!r}.")
    code = innermost.__code__
    handler = Handler(function, Place(code.co_filename, code.co_firstlineno))
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise InvalidRegistration(
            f"{function.__name__}() is async, and a run calls such functions one after the other: write a plain "
            f"function (asgiref's async_to_sync helps). ({handler.location})"
        )
    return handler


def state_stub(name: str, params: Sequence[Mapping[str, Any]], taken: set[str]) -> str:
    """Return Python code for a state handler that the user has to complete.

    The stub raises NotImplementedError.

    Args:
        params: the state's params, one mapping for each use in a pact. A param that some uses lack gets a default.
        taken: function names that the stub can't have. This function adds the stub's name.
    """
    types = {key: "object" if value is None else type(value).__name__ for each in params for key, value in each.items()}
    named = [key for key in types if key.isidentifier() and not keyword.iskeyword(key)]
    always = [key for key in named if all(key in each for each in params)]
    arguments = [f"{key}: {types[key]}" for key in always]
    arguments += [f"{key}: {types[key]} | None = None" for key in named if key not in always]
    arguments += ["**others: object"] if len(named) < len(types) else []  # params whose names are no identifiers
    return _stub(
        "provider_state", name, f"({', '.join(arguments)}) -> None", "bring the database into this state", taken
    )


def producer_stub(name: str, taken: set[str], *, has_request: bool) -> str:
    """Return Python code for a message producer that the user has to complete.

    Args:
        taken: as for `state_stub`.
        has_request: whether the message is synchronous.
    """
    arguments = "request: Message" if has_request else ""
    return _stub("message_producer", name, f"({arguments}) -> Message", "return the message", taken)


def _stub(decorator: str, name: str, signed: str, task: str, taken: set[str]) -> str:
    identifier = re.sub(r"\W+", "_", name).strip("_").lower() or "state"
    if not identifier.isidentifier() or keyword.iskeyword(identifier) or identifier in taken:
        identifier = f"{'state' if decorator == 'provider_state' else 'message'}_{identifier}"
    while identifier in taken:
        identifier += "_"
    taken.add(identifier)
    text = python_literal(name.replace("{", "{{").replace("}", "}}"))
    return f'@{decorator}({text})\ndef {identifier}{signed}:\n    raise NotImplementedError("{task}")\n'


registry = Registry()
provider_state = registry.provider_state
seeded_state = registry.seeded_state
message_producer = registry.message_producer
base_state = registry.base_state
run_data = registry.run_data
request_filter = registry.request_filter


def autodiscover() -> Registry:
    """Import the pact_states.py of every installed app.

    Raises:
        InvalidRegistration: a module can't be imported. The text has the reason and the line.
    """
    try:
        autodiscover_modules("pact_states")
    except (InvalidRegistration, KeyboardInterrupt):
        raise
    except BaseException as error:  # also SystemExit, which would end the run with the module's exit code
        where = Crash.of(error).where
        if isinstance(error, SyntaxError) and error.filename:  # no frame of the project is in its traceback
            where = Place(relative(error.filename), error.lineno or 0)
        raise InvalidRegistration(
            f"A pact_states.py can't be imported: {type(error).__name__}: {error} ({where}). "
            f"Looked in the apps {', '.join(config.label for config in apps.get_app_configs())}."
        ) from error
    return registry
