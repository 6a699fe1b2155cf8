import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse

from tests.testapp.models import Item


async def items(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        await Item.objects.acreate(name=request.POST["name"])
    return JsonResponse([item.name async for item in Item.objects.order_by("name")], safe=False)


def items_of_sync_view(request: HttpRequest) -> HttpResponse:
    names = list(Item.objects.order_by("name").values_list("name", flat=True))
    return JsonResponse({"items": names, "thread": threading.current_thread().name})


async def scope(request: HttpRequest) -> HttpResponse:
    known: dict[str, Any] = request.scope
    seen = {name: known[name] for name in ("type", "http_version", "method", "path", "scheme", "wrapped")}
    return JsonResponse({**seen, "query": request.GET.get("q"), "trace": request.headers.get("X-Trace")})


async def asked(request: HttpRequest) -> HttpResponse:
    """Answers with what a task of the lifespan finds in the database."""
    worker = request.scope["state"]["worker"]
    return JsonResponse({"items": await worker.ask(), "ticks": worker.ticks > 0})


LATE: list[asyncio.Task[None]] = []


async def leave_task(request: HttpRequest) -> HttpResponse:
    """Leaves a task running, which writes to the database when the next request is there."""
    next_request.clear()

    async def write() -> None:
        await next_request.wait()
        await Item.objects.acreate(name="late")

    LATE.append(asyncio.create_task(write()))
    return JsonResponse({})


async def wait_for_task(request: HttpRequest) -> HttpResponse:
    next_request.set()
    (error,) = await asyncio.gather(*LATE, return_exceptions=True)
    return JsonResponse({"error": str(error), "items": await Item.objects.acount()})


next_request = asyncio.Event()


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[str]:
        async for item in Item.objects.order_by("name"):
            await asyncio.sleep(0)
            yield f"data: {item.name}\n\n"

    return StreamingHttpResponse(parts(), content_type="text/event-stream")


async def endless(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[str]:
        while True:
            yield "data: tick\n\n"
            await asyncio.sleep(0.01)

    return StreamingHttpResponse(parts(), content_type="text/event-stream")


async def long(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000

    return StreamingHttpResponse(parts())


async def waiting(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(999)
    return HttpResponse()


async def stubborn(request: HttpRequest) -> HttpResponse:
    while True:
        try:
            await asyncio.sleep(999)
        except asyncio.CancelledError:
            continue


async def blocking(request: HttpRequest) -> HttpResponse:
    time.sleep(999)  # noqa: ASYNC251  # the mistake that the test is about
    return HttpResponse()


async def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the tap drips")


async def crash_on_commit(request: HttpRequest) -> HttpResponse:
    def fail() -> None:
        raise RuntimeError("the lid does not close")

    @sync_to_async
    def create() -> None:
        with transaction.atomic():
            Item.objects.create(name="half done")
            transaction.on_commit(fail)

    await create()
    return JsonResponse({})


async def leave(request: HttpRequest) -> HttpResponse:
    sys.exit(3)


def nested(request: HttpRequest) -> HttpResponse:
    """Calls asynchronous code, which calls synchronous code."""

    async def names() -> list[str]:
        return [item.name async for item in Item.objects.order_by("name")]

    return JsonResponse(async_to_sync(names)(), safe=False)


async def who(request: HttpRequest) -> HttpResponse:
    user = await request.auser()
    return JsonResponse({"user": str(user), "session": request.session.session_key is not None})


def server_error(request: HttpRequest) -> HttpResponse:
    """Asks the database, as a template of an error page does."""
    return JsonResponse({"error": True, "items": Item.objects.count()}, status=500)
