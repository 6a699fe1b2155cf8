import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone, translation

from tests.faults.project import acts
from tests.faults.project.models import Item

CHUNK = b"x" * 1_000_000
PRICES = {"cup": 1}


def items(request: HttpRequest) -> HttpResponse:
    return JsonResponse(list(Item.objects.order_by("name").values_list("name", flat=True)), safe=False)


def price() -> int:
    return 1


def world(request: HttpRequest) -> HttpResponse:
    """Everything that a state may change beside the database."""
    return JsonResponse(
        {
            "colour": getattr(settings, "FAULTS_COLOUR", None),
            "language": translation.get_language(),
            "zone": timezone.get_current_timezone_name(),
            "price": price(),
            "dictionary": PRICES["cup"],
            "url": reverse(items),
        }
    )


def act(request: HttpRequest, name: str) -> HttpResponse:
    acts.do(name)
    return JsonResponse({})


async def act_async(request: HttpRequest, name: str) -> HttpResponse:
    if name == "hang":
        acts.announce("hang")
        await asyncio.Event().wait()
    if name == "hang_in_a_thread":
        await asyncio.to_thread(acts.do, "hang")
    acts.do(name)
    return JsonResponse({})


def act_in_a_thread(request: HttpRequest, name: str) -> HttpResponse:
    thread = threading.Thread(target=acts.do, args=[name])
    thread.start()
    thread.join()
    return JsonResponse({})


def act_on_commit(request: HttpRequest, name: str) -> HttpResponse:
    with transaction.atomic():
        transaction.on_commit(lambda: acts.do(name))
    return JsonResponse({})


def act_in_a_stream(request: HttpRequest, name: str) -> StreamingHttpResponse:
    def stream() -> Iterator[bytes]:
        yield b"one"
        acts.do(name)

    return StreamingHttpResponse(stream())


def _with_status(status: int) -> HttpResponse:
    response = JsonResponse({})
    response.status_code = status  # Django looks at the one that it is made with
    return response


def _with_reason(reason: str) -> HttpResponse:
    response = JsonResponse({})
    response.reason_phrase = reason
    return response


def _with_header(name: str, value: str) -> HttpResponse:
    response = JsonResponse({})
    response.headers._store[name.lower()] = (name, value)  # set as it is, without a check
    return response


def _endless(chunk: bytes, pause: float = 0) -> StreamingHttpResponse:
    def stream() -> Iterator[bytes]:
        never = threading.Event()
        while True:
            yield chunk
            if pause:
                never.wait(pause)

    return StreamingHttpResponse(stream())


ODD: dict[str, Callable[[], Any]] = {
    "endless": lambda: _endless(CHUNK),
    "endless-drip": lambda: _endless(b".", 0.1),
    "endless-empty": lambda: _endless(b""),
    "large": lambda: StreamingHttpResponse(iter([CHUNK] * 3)),
    "status-100": lambda: _with_status(100),
    "status-0": lambda: _with_status(0),
    "status-99": lambda: _with_status(99),
    "status-1000": lambda: _with_status(1000),
    "reason-lines": lambda: _with_reason("OK\r\nX-Smuggled: yes"),
    "length-long": lambda: HttpResponse(b"{}", headers={"Content-Length": "4000"}),
    "length-short": lambda: HttpResponse(b'{"a": 1}', headers={"Content-Length": "2"}),
    "length-text": lambda: HttpResponse(b"{}", headers={"Content-Length": "many"}),
    "nothing": lambda: None,
    "text": lambda: "text",
    "header-lines": lambda: HttpResponse(headers={"X-Odd": "a\r\nX-Smuggled: yes"}),
    "header-lines-unchecked": lambda: _with_header("X-Odd", "a\r\nX-Smuggled: yes"),
    "header-name": lambda: _with_header("X Odd: b\r\nX", "a"),
}


def odd(request: HttpRequest, name: str) -> Any:
    return ODD[name]()


def port(request: HttpRequest) -> HttpResponse:
    """Tell the test where the live server listens, and wait for it."""
    acts.announce(f"port {request.META['SERVER_PORT']}")
    acts.pause()
    return JsonResponse({})


def reached(request: HttpRequest) -> HttpResponse:
    acts.announce("reached")
    return JsonResponse({})


def echo(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"bytes": len(request.body)})
