"""Captures the messages that the project's own code publishes, in place of sending them.

A capture replaces functions and methods for the whole process. So it also gets what other threads publish meanwhile.
"""

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import replace
from importlib import import_module
from types import ModuleType, TracebackType
from typing import Any, ParamSpec, TypeVar, overload

from django.dispatch import Signal

from pact_verification.errors import InvalidRegistration, ProducerError
from pact_verification.messages.message import Message
from pact_verification.states.handlers import signature
from pact_verification.text import counted, nearest

P = ParamSpec("P")
R = TypeVar("R")

Publish = Callable[[Message], None]
"""Adds a message to those that are captured."""

Transport = Callable[[Publish], AbstractContextManager[Any]]
"""Returns a context manager that captures the messages of one transport."""

run_on_commit: ContextVar[Callable[[], None]] = ContextVar("pact_run_on_commit", default=lambda: None)
"""Runs the on_commit callbacks that wait. A run sets it, since it does not commit the interaction's transaction."""


class NoSuchMessage(ProducerError, IndexError):
    """A capture has no message at an index."""


class Captured(Sequence[Message]):
    """The messages that a capture has got, in the order of their publication.

    Attributes:
        description: what was captured, as an error's text names it, such as `'celery'` with its quotes.
    """

    def __init__(self, description: str, messages: Iterable[Message] = ()) -> None:
        self.description = description
        self._messages = list(messages)

    def __len__(self) -> int:
        return len(self._messages)

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> "Captured": ...
    def __getitem__(self, index: int | slice) -> "Message | Captured":
        if isinstance(index, slice):
            return Captured(self.description, self._messages[index])
        try:
            return self._messages[index]
        except IndexError:
            number = counted(len(self), "message") if self else "no message"
            raise NoSuchMessage(
                f"There is no message [{index}]: the code within captured_messages published {number} through "
                f"{self.description}."
            ) from None

    def __repr__(self) -> str:
        return f"<Captured from {self.description}: {self._messages!r}>"


class Capture:
    """Captures messages within a `with` block, or within each call of a function that it decorates."""

    def __init__(self, description: str, transport: Transport) -> None:
        self.description = description
        self._transport = transport
        self._blocks: list[AbstractContextManager[Captured]] = []

    def __enter__(self) -> Captured:
        block = self._block()
        captured = block.__enter__()
        self._blocks.append(block)
        return captured

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return self._blocks.pop().__exit__(kind, error, traceback)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R | Captured]:
        """Return a function that captures what this one publishes.

        It returns the messages, or what the function returns if that is not None.

        Raises:
            InvalidRegistration: the function is async or a generator, whose code runs after the call.
        """
        innermost = inspect.unwrap(function)
        if (
            not inspect.isfunction(innermost)
            or inspect.iscoroutinefunction(function)
            or inspect.isasyncgenfunction(function)
            or inspect.isgeneratorfunction(innermost)
        ):
            raise InvalidRegistration(
                f"@captured_messages decorates plain functions, not {function!r}. In a function that is async or "
                "yields, write `with captured_messages(...) as messages:`."
            )

        @functools.wraps(function)
        def capturing(*args: P.args, **kwargs: P.kwargs) -> R | Captured:
            with self._block() as captured:
                result = function(*args, **kwargs)
            return captured if result is None else result

        # The registry reads the parameters of the outermost function.
        capturing.__signature__ = signature(function)  # type: ignore[attr-defined]  # the stubs lack it
        return capturing

    @contextmanager
    def _block(self) -> Iterator[Captured]:
        captured = Captured(self.description)
        with self._transport(lambda message: captured._messages.append(_snapshot(message))):
            yield captured
            run_on_commit.get()()


def _snapshot(message: Message) -> Message:
    """Return a message that stays as it was published, if the project changes what it holds afterwards."""
    return replace(message, content=_copied(message.content), metadata=_copied(message.metadata))


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    return type(value)(map(_copied, value)) if type(value) in {list, tuple} else value


def captured_messages(
    transport: "str | Signal | Transport", message: Callable[..., Any] | None = None, *, returns: Any = None
) -> Capture:
    """Capture the messages that the project publishes in a `with` block, or in the function that this decorates.

    At the end of the block, the run calls the `on_commit` callbacks that wait, since projects publish in them.

    Args:
        transport: `"celery"`; a Django signal; the dotted name of a function or method that publishes, such as
            "shop.events.publish"; or a function of your own. Your function takes `publish` and returns a context
            manager. It calls `publish(Message(...))` for each message.
        message: for a dotted name: gets the arguments of each call, without self. It returns the content or a Message.
            By default the only argument is the content.
        returns: for a dotted name: what the replaced function returns.

    Raises:
        InvalidRegistration: the transport is none of these, or can't be imported or replaced.
        ProducerError: at the end of the block, if a call has several arguments and there is no `message`.
    """
    match transport:
        case str() if "." in transport:
            return Capture(repr(transport), _Function(transport, message, returns))
        case "celery":
            capture = Capture("'celery'", _celery_tasks())
        case Signal():
            capture = Capture(_signal_name(transport), functools.partial(_signals, transport))
        case _ if callable(transport):
            name = getattr(transport, "__qualname__", repr(transport))
            capture = Capture(f"{name}()", functools.partial(_checked, transport))
        case _:
            raise InvalidRegistration(
                f"captured_messages({transport!r}): there is no such transport. Give 'celery', a Django signal, the "
                "dotted name of a function such as 'shop.events.publish', or a function that takes `publish` and "
                "returns a context manager."
            )
    if message is not None or returns is not None:
        raise InvalidRegistration(
            f"captured_messages({transport!r}) takes no message= and no returns=. They belong to the dotted name of a "
            "function, such as 'shop.events.publish'."
        )
    return capture


def _celery_tasks() -> Transport:
    try:
        # Imported here, since a project may have no Celery.
        from pact_verification.messages.celery import captured_tasks
    except ImportError as error:
        raise InvalidRegistration(
            f"captured_messages('celery') needs Celery, which can't be imported: {error}. Install celery."
        ) from error
    return captured_tasks


@contextmanager
def _signals(signal: Signal, publish: Publish) -> Iterator[None]:
    """Capture what a signal sends. Its receivers run as before."""

    def receive(sender: Any, **values: Any) -> None:
        del values["signal"]
        name = f"{sender.__module__}.{sender.__qualname__}" if isinstance(sender, type) else str(sender)
        publish(Message(values, metadata={} if sender is None else {"sender": name}))

    signal.connect(receive, weak=False)
    try:
        yield
    finally:
        signal.disconnect(receive)


def _signal_name(signal: Signal) -> str:
    """Return the name of a signal, by a module that has it."""
    return next(
        (f"the signal {module.__name__}.{name}" for module, name in _holders(signal, list(sys.modules))), repr(signal)
    )


def _checked(transport: Transport, publish: Publish) -> AbstractContextManager[Any]:
    """Call a transport of the project's own."""
    manager: Any = transport(publish)
    if not hasattr(manager, "__enter__"):
        raise InvalidRegistration(
            f"captured_messages({transport!r}): the function returned {manager!r}, which is no context manager. "
            "Decorate it with contextlib.contextmanager. To capture the calls of a function, give its dotted name."
        )
    return manager  # type: ignore[no-any-return]  # it is checked above


class _Function:
    """Captures the calls of a function or method.

    Args:
        name: its dotted name.
        message: see captured_messages.
        returns: what its replacement returns.

    Raises:
        InvalidRegistration: there is no such function, or `message` is none.
    """

    def __init__(self, name: str, message: Callable[..., Any] | None, returns: Any) -> None:
        if message is not None and not callable(message):
            raise InvalidRegistration(
                f"captured_messages({name!r}, message={message!r}): message is a function that gets the call's "
                "arguments and returns the content or a Message."
            )
        self.name = name
        self.message = message or self._only_argument
        self.returns = returns
        self.attribute = name.rpartition(".")[2]
        self.owner = _owner(name)
        function = getattr(self.owner, self.attribute)
        if not callable(function) or inspect.isclass(function):
            # Not its value, which may be a secret.
            what = "a class" if inspect.isclass(function) else f"of type {type(function).__name__}"
            raise InvalidRegistration(
                f"captured_messages({name!r}): it is {what}. Name the function or method that publishes."
            )

    @contextmanager
    def __call__(self, publish: Publish) -> Iterator[None]:
        from unittest import mock  # here, since production imports this module

        errors: list[Exception] = []
        function = getattr(self.owner, self.attribute)
        original = inspect.getattr_static(self.owner, self.attribute, function)
        replacement = self._replacement(function, original, publish, errors)
        with ExitStack() as cleanup:
            try:
                cleanup.enter_context(mock.patch.object(self.owner, self.attribute, replacement))
            except (TypeError, AttributeError) as error:
                raise InvalidRegistration(
                    f"captured_messages({self.name!r}): it can't be replaced: {error}. Name the function of your own "
                    "that calls it."
                ) from error
            if isinstance(self.owner, ModuleType):
                cleanup.enter_context(_replaced_in_importers(original, replacement))
            yield
        if errors:  # the project may have caught it
            raise errors[0]

    def _replacement(self, function: Any, original: Any, publish: Publish, errors: list[Exception]) -> Any:
        """Return what the owner gets in place of the function: a coroutine function for a coroutine function.

        Args:
            original: the function as its class has it, which may be a staticmethod or a classmethod.
        """
        kind: Any = type(original) if inspect.isclass(self.owner) else None
        skipped = int(inspect.isclass(self.owner) and kind is not staticmethod)  # self, or the class

        def capture(*args: Any, **kwargs: Any) -> None:
            try:
                message = self.message(*args[skipped:], **kwargs)
            except Exception as error:
                errors.append(error)
                raise
            publish(message if isinstance(message, Message) else Message(message))

        @functools.wraps(function)
        def replacement(*args: Any, **kwargs: Any) -> Any:
            capture(*args, **kwargs)
            return self.returns

        @functools.wraps(function)
        async def async_replacement(*args: Any, **kwargs: Any) -> Any:
            capture(*args, **kwargs)
            return self.returns

        chosen = async_replacement if inspect.iscoroutinefunction(function) else replacement
        return kind(chosen) if kind in {staticmethod, classmethod} else chosen

    def _only_argument(self, *args: Any, **kwargs: Any) -> Any:
        values = [*args, *kwargs.values()]
        if len(values) != 1:
            raise ProducerError(
                f"{self.name} was called with {counted(len(values), 'argument')}. By default the only argument is the "
                f"message's content. Write captured_messages({self.name!r}, message=...), with a function that gets "
                "the arguments and returns the content or a Message."
            )
        return values[0]


def _owner(name: str) -> Any:
    """Import the module, class or object that has a function, by the function's dotted name."""
    *parents, attribute = name.split(".")
    imported = parents[0]
    try:
        owner: Any = import_module(imported)
        for part in parents[1:]:
            imported = f"{imported}.{part}"
            if not hasattr(owner, part):
                import_module(imported)
            owner = getattr(owner, part)
    except Exception as error:
        raise InvalidRegistration(
            f"captured_messages({name!r}): {imported!r} can't be imported: {error}. Give the dotted name of a "
            "function, such as 'shop.events.publish'."
        ) from error
    if not hasattr(owner, attribute):
        near = nearest(attribute, dir(owner))
        hint = f"Did you mean {' or '.join(near)}?" if near else "Name the function or method that publishes."
        raise InvalidRegistration(f"captured_messages({name!r}): {imported} has no {attribute!r}. {hint}")
    return owner


@contextmanager
def _replaced_in_importers(original: Any, replacement: Any) -> Iterator[None]:
    """Replace a function in all modules that have imported it, also in those that do so within the block."""
    before = set(sys.modules)
    importers = list(_holders(original, before))
    for module, name in importers:
        setattr(module, name, replacement)
    try:
        yield
    finally:
        for module, name in [*importers, *_holders(replacement, sys.modules.keys() - before)]:
            setattr(module, name, original)


def _holders(value: Any, modules: Iterable[str]) -> Iterator[tuple[ModuleType, str]]:
    """Yield each of these modules that has the value, with the name that it has there."""
    for module in map(sys.modules.get, modules):
        if module is not None and issubclass(type(module), ModuleType):  # objects of cffi only pose as modules
            # Not `vars`, which would load a module that waits for its first use.
            attributes = ModuleType.__getattribute__(module, "__dict__")
            for name in [name for name, each in list(attributes.items()) if each is value]:
                yield module, name
