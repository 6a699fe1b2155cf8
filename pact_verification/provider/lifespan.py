"""An ASGI application's lifespan: its startup before the first interaction, and its shutdown at the end."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from pact_verification.errors import CannotVerify
from pact_verification.results.crash import Crash

Message = MutableMapping[str, Any]

LAST_WORDS_SECONDS = 1.0
"""How long an application that failed may take to raise the exception behind it."""


class Lifespan:
    """The lifespan of an application, on the event loop. All methods are for the loop's thread.

    Args:
        name: the application's dotted name.

    Attributes:
        state: what the application keeps for its requests.
        is_supported: whether the application has started by the protocol.
    """

    def __init__(self, name: str, application: Any) -> None:
        self.name = name
        self.application = application
        self.state: dict[str, Any] = {}
        self.is_supported = False
        self._took_part = False
        self._failure: str | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the application. Do nothing if it has no lifespan.

        Raises CannotVerify if its startup fails.
        """
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        self._answered = asyncio.Event()
        self._incoming.put_nowait({"type": "lifespan.startup"})
        self._task = asyncio.create_task(self._call())
        await self._answered.wait()
        if self._failure is not None:
            await asyncio.wait([self._task], timeout=LAST_WORDS_SECONDS)
        elif self.is_supported:
            return
        error = self._error()
        # An application without a lifespan raises before it asks for the first message, as the specification says.
        if self._failure is not None or (error and self._took_part):
            raise CannotVerify(f"The startup of the ASGI application {self.name} failed: {self._reason(error)}")

    async def stop(self) -> str | None:
        """Stop the application. Returns why that failed, or None."""
        if not self.is_supported or self._task is None or self._task.done():
            return None
        self._answered.clear()
        self._incoming.put_nowait({"type": "lifespan.shutdown"})
        await self._answered.wait()
        await asyncio.wait([self._task], timeout=LAST_WORDS_SECONDS)
        error = self._error()
        if self._failure is None and error is None:
            return None
        return f"The shutdown of the ASGI application {self.name} failed: {self._reason(error)}"

    async def _call(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self.application(scope, self._receive, self._send)
        finally:
            self._answered.set()

    async def _receive(self) -> Message:
        self._took_part = True
        return await self._incoming.get()

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "lifespan.startup.complete":
            self.is_supported = True
        elif kind in {"lifespan.startup.failed", "lifespan.shutdown.failed"}:
            self._failure = str(message.get("message", ""))
        self._answered.set()

    def _error(self) -> BaseException | None:
        if self._task is None or not self._task.done() or self._task.cancelled():
            return None
        return self._task.exception()

    def _reason(self, error: BaseException | None) -> str:
        if error is None:
            return self._failure or "it gives no reason"
        crash = Crash.of(error)
        return f"{crash.exception} ({crash.where})" if crash.where else crash.exception
