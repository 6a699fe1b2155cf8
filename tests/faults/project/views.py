import asyncio
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import requests
from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import reverse, set_script_prefix, set_urlconf
from django.utils import timezone, translation

from tests.faults.project import acts
from tests.faults.project.models import Item

CHUNK = b"x" * 1_000_000
PRICES = {"cup": 1}
CONTEXT = ContextVar("CONTEXT", default="its own")


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


def today(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"year": timezone.now().year})


def ask_itself(request: HttpRequest) -> HttpResponse:
    answer = requests.get(request.build_absolute_uri("/items"), timeout=60)
    answer.raise_for_status()
    return JsonResponse(answer.json(), safe=False)


def ask_itself_and_go_on(request: HttpRequest) -> HttpResponse:
    requests.get(request.build_absolute_uri("/items"), timeout=60)
    return JsonResponse({})


def activate(request: HttpRequest) -> HttpResponse:
    """Leave behind all that Django documents as the thread's or the context's own."""
    translation.activate("fr")
    timezone.activate("Asia/Tokyo")
    set_urlconf("tests.faults.project.other_urls")
    set_script_prefix("/elsewhere/")
    CONTEXT.set("of another interaction")
    return JsonResponse({})


def context(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"context": CONTEXT.get()})


def headers(request: HttpRequest) -> HttpResponse:
    return JsonResponse({name: value for name, value in request.headers.items() if name.startswith("X")})


def refuse(request: HttpRequest, name: str) -> HttpResponse:
    errors: dict[str, Exception] = {
        "denied": PermissionDenied("ann may not see the ledger"),
        "gone": Http404("no ledger for 2024"),
        "suspicious": SuspiciousOperation("the cursor was tampered with"),
        "bad": BadRequest("not in this form"),
    }
    raise errors[name]


def form(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"names": list(request.POST)})


def scopes(request: HttpRequest) -> HttpResponse:
    return JsonResponse({}, headers={"X-Scopes": "read, delete, list", "Cache-Control": "no-store, private"})


def constant(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"name": None, "number": 18446744073709551617})


def path_of(request: HttpRequest, name: str) -> HttpResponse:
    return JsonResponse({"name": name})


def catch_all(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"detail": "not found"}, status=404)
