"""What a project may do to a verifier: one view for each thing that has to work, or to be told well."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.sites.models import Site
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.mail import send_mail
from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse

from tests.testapp.models import Audit, Item, Shelf


def items(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        with transaction.atomic():
            item = Item.objects.create(name=json.loads(request.body)["name"])
            transaction.on_commit(lambda: Audit.objects.create(text=f"created {item.name}"))
        return JsonResponse({"id": item.pk, "name": item.name}, status=HTTPStatus.CREATED)
    names = list(Item.objects.order_by("name").values_list("name", flat=True))
    return JsonResponse(names, safe=False)


def durable(request: HttpRequest) -> HttpResponse:
    with transaction.atomic(durable=True):
        return JsonResponse(list(Item.objects.values_list("name", flat=True)), safe=False)


def item(request: HttpRequest, pk: int) -> HttpResponse:
    return JsonResponse({"name": Item.objects.get(pk=pk).name})


def audit(request: HttpRequest) -> HttpResponse:
    return JsonResponse(list(Audit.objects.values_list("text", flat=True)), safe=False)


def tolerant(request: HttpRequest) -> HttpResponse:
    """Answers without a database that does not answer."""
    with suppress(Exception):
        Audit.objects.create(text="was here")
    return JsonResponse([], safe=False)


def database(request: HttpRequest) -> HttpResponse:
    """Tells how the database was made."""
    question = {
        "mysql": "SELECT DATABASE(), @@character_set_database, @@collation_database",
        "postgresql": "SELECT current_database(), current_setting('server_encoding'), ''",
        "sqlite": "SELECT file, '', '' FROM pragma_database_list WHERE name = 'main'",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(question)
        return JsonResponse(dict(zip(("name", "charset", "collation"), cursor.fetchone(), strict=True)))


def shelves(request: HttpRequest) -> HttpResponse:
    return JsonResponse(list(Shelf.objects.values_list("label", flat=True)), safe=False)


def stores(request: HttpRequest) -> HttpResponse:
    """Writes to every store that an interaction may not leave anything in, and tells what it found there."""
    from django.core import mail

    media = FileSystemStorage()
    found = {
        "cache": cache.get("seen"),
        "files": default_storage.listdir("")[1],
        "media": media.listdir("")[0],
        "mail": len(getattr(mail, "outbox", [])),
    }
    media.save("folder/seen.txt", ContentFile(b"yes"))
    cache.set("seen", "yes")
    default_storage.save("seen.txt", ContentFile(b"yes"))
    send_mail("seen", "yes", None, ["somebody@example.com"])
    return JsonResponse(found)


def site(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"domain": Site.objects.get_current().domain})


def crash(request: HttpRequest) -> HttpResponse:
    raise LookupError("the price service has no answer")


def crash_on_commit(request: HttpRequest) -> HttpResponse:
    def index() -> None:
        raise LookupError("the search index is down")

    with transaction.atomic():
        transaction.on_commit(index)
    return JsonResponse({})


def dangling(request: HttpRequest) -> HttpResponse:
    """Leaves a row that refers to nothing; the database finds out when the transaction is committed."""
    Item.objects.create(name="dangling", shelf_id=4711)
    return JsonResponse({})


def slow(request: HttpRequest) -> HttpResponse:
    threading.Event().wait(float(request.GET["seconds"]))
    return JsonResponse({})


def use(request: HttpRequest, name: str) -> HttpResponse:
    """Leads the connection to another of MySQL's databases, and leaves it there."""
    with connection.cursor() as cursor:
        cursor.execute(f"USE {connection.ops.quote_name(name)}")
    return JsonResponse({})


def locked(request: HttpRequest) -> HttpResponse:
    """Does not come back, and holds the tables that it has used."""
    with transaction.atomic():
        Item.objects.create(name="held")
        return slow(request)


def late(request: HttpRequest) -> HttpResponse:
    """Writes to every store when nobody waits for it any more."""
    slow(request)
    return stores(request)


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"one ", b"two"]), content_type="text/plain")


def replica(request: HttpRequest) -> HttpResponse:
    return JsonResponse(list(Item.objects.using("replica").values_list("name", flat=True)), safe=False)


def close(request: HttpRequest) -> HttpResponse:
    """Some libraries do this at the end of their work, whatever is open."""
    connection.close()
    return JsonResponse(Item.objects.count(), safe=False)


def clumsy(request: HttpRequest) -> HttpResponse:
    """Goes on after a database error, as is well without a transaction around it."""
    for _ in range(2):
        with suppress(IntegrityError):
            Item.objects.create(name="cup")
    return JsonResponse(Item.objects.count(), safe=False)


def thread(request: HttpRequest) -> HttpResponse:
    """Writes on a thread, and so on a connection, of its own."""

    def create() -> None:
        Item.objects.create(name="threaded")
        connection.connection.close()  # Django's own would keep one in memory

    worker = threading.Thread(target=create)
    worker.start()
    worker.join()
    return items(request)


def composed(request: HttpRequest) -> HttpResponse:
    """SQL that is no text: psycopg's own."""
    with connection.cursor() as cursor:
        query: Any = "SELECT 1"
        if connection.vendor == "postgresql":
            from psycopg import sql

            query = sql.SQL("SELECT {}").format(sql.Literal(1))
        cursor.execute(query)
        return JsonResponse(cursor.fetchone()[0], safe=False)


def looping(request: HttpRequest) -> HttpResponse:
    """A view that can't be unwrapped."""
    return JsonResponse({})


looping.__wrapped__ = looping  # as a careless decorator might


class Gate:
    """A middleware that answers before any view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "X-Stop" in request.headers:
            return HttpResponse(status=HTTPStatus.UNAUTHORIZED)
        return self.get_response(request)


async def awaited(request: HttpRequest) -> HttpResponse:
    return JsonResponse([item.name async for item in Item.objects.order_by("name")], safe=False)


def open_atomic(request: HttpRequest) -> HttpResponse:
    """Begins what it does not end."""
    transaction.atomic().__enter__()
    Item.objects.create(name="left open")
    return JsonResponse({})


def commit_by_hand(request: HttpRequest) -> HttpResponse:
    Item.objects.create(name="committed")
    with connection.cursor() as cursor:
        cursor.execute("COMMIT")
    return JsonResponse({})


def ddl(request: HttpRequest) -> HttpResponse:
    """Makes a table, before which MySQL commits."""
    Item.objects.create(name="before the table")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS testapp_made (id integer)")
    return JsonResponse({})


def doubtful(request: HttpRequest) -> HttpResponse:
    """Nobody can tell whether the callback would run, once the transaction around it is broken."""
    transaction.on_commit(lambda: None)
    return clumsy(request)


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def unspeakable(request: HttpRequest) -> HttpResponse:
    raise Unspeakable


def hop_by_hop(request: HttpRequest) -> HttpResponse:
    return JsonResponse({}, headers={"Connection": "keep-alive", "Keep-Alive": "timeout=5"})


def redirect(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/items")


def about(request: HttpRequest) -> HttpResponse:
    return JsonResponse(
        {
            "secure": request.is_secure(),
            "host": request.get_host().partition(":")[0],
            "debug": settings.DEBUG,
            "token": request.headers.get("Authorization"),
        }
    )


def version(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"version": "v-body"}, headers={"X-Version": "v-header"})
