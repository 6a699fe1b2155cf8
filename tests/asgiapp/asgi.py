"""The application: a wrapper around Django's, with a lifespan.

ASGIAPP_LIFESPAN in the environment says what is wrong with it.
"""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.asgi import get_asgi_application

FAULT = os.environ.get("ASGIAPP_LIFESPAN", "")

django_application = get_asgi_application()


class Worker:
    """A task that goes on between requests, and asks the database when a request wants it to."""

    def __init__(self) -> None:
        self.questions: asyncio.Queue[asyncio.Future[list[str]]] = asyncio.Queue()
        self.ticks = 0

    async def work(self) -> None:
        from tests.testapp.models import Item

        while True:
            question = await self.questions.get()
            question.set_result([item.name async for item in Item.objects.order_by("name")])

    async def tick(self) -> None:
        from tests.testapp.models import Item

        while True:
            await asyncio.sleep(0.001)
            await Item.objects.acount()
            self.ticks += 1

    async def ask(self) -> list[str]:
        question: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        await self.questions.put(question)
        return await question


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    from tests.testapp.models import Item

    if FAULT == "unsupported":
        raise ValueError("no lifespan")
    assert (await receive())["type"] == "lifespan.startup"
    note("startup")
    if FAULT == "raises":
        raise RuntimeError("the pool does not open")
    if FAULT == "fails":
        await send({"type": "lifespan.startup.failed", "message": "no pool"})
        return
    if FAULT == "hangs":
        await asyncio.sleep(999)
    await Item.objects.acreate(name="of the startup")
    worker = Worker()
    scope["state"]["worker"] = worker
    tasks = [asyncio.create_task(worker.work()), asyncio.create_task(worker.tick())]
    await send({"type": "lifespan.startup.complete"})
    assert (await receive())["type"] == "lifespan.shutdown"
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    note("shutdown")
    if FAULT == "fails to stop":
        await send({"type": "lifespan.shutdown.failed", "message": "the pool does not close"})
        return
    await send({"type": "lifespan.shutdown.complete"})


def note(what: str) -> None:
    if log := os.environ.get("ASGIAPP_LOG"):
        with Path(log).open("a") as file:
            print(what, file=file)


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    elif scope["path"] == "/outside":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"not Django's"})
    elif scope["path"] == "/unfinished":
        await send({"type": "http.response.start", "status": 200, "headers": []})
    elif scope["path"] == "/deaf":
        await asyncio.sleep(999)  # it does not listen for a disconnect
    elif scope["path"] == "/exit":
        sys.exit(3)
    else:
        await django_application({**scope, "wrapped": True}, receive, send)
