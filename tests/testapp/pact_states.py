import os
import threading
from collections.abc import Iterator
from pathlib import Path

from django.contrib.auth import get_user_model
from django.contrib.sites.models import Site
from django.db import transaction
from django.http import HttpRequest

from pact_verification import base_state, provider_state, request_filter, seeded_state
from tests.testapp.models import Item
from tests.testapp.views import Unspeakable

seeded_state("there are spoons", fixtures=["spoons"])


@base_state
def somebody() -> Iterator[None]:
    if os.environ.get("TESTAPP_BASE") == "raise":
        raise RuntimeError("nobody is there")
    if os.environ.get("TESTAPP_BASE") == "none":
        yield
        return
    get_user_model().objects.create(email="somebody@example.com")
    yield


@provider_state("an item {name} exists", "there is an item {name}")
def item_exists(name: str) -> dict[str, int]:
    return {"id": Item.objects.create(name=name).pk}


@provider_state("nothing is there")
def nothing() -> None:
    pass


@provider_state("the item raises")
def raises() -> None:
    Item.objects.create(name="half done")
    raise RuntimeError("no such warehouse")


@provider_state("it takes {seconds} seconds")
def slow(seconds: str) -> None:
    if announce := os.environ.get("TESTAPP_ANNOUNCE"):
        Path(announce).touch()
    threading.Event().wait(float(seconds))


@provider_state("the price service is down")
def price_service_down() -> Iterator[None]:
    with Path(os.environ["TESTAPP_TEARDOWN"]).open("a") as log:
        print("up", file=log)
        yield
        print("down", file=log)


@provider_state("an item that is made on commit")
def made_on_commit() -> None:
    transaction.on_commit(lambda: Item.objects.create(name="on commit"))


@provider_state("the site is {domain}")
def site_is(domain: str) -> None:
    Site.objects.filter(pk=1).update(domain=domain)


@provider_state("an unspeakable state")
def unspeakable() -> None:
    raise Unspeakable


@provider_state("the teardown fails")
def teardown_fails() -> Iterator[None]:
    yield
    raise RuntimeError("the lid does not close")


@provider_state("something that is not JSON")
def not_json() -> dict[str, object]:
    return {"item": Item(name="x")}


@request_filter
def replace_old_token(request: HttpRequest) -> None:
    if "X-Trace" in request.headers:
        request.META["HTTP_X_TRACE"] = f"by {get_user_model().objects.get()}"
    if request.headers.get("Authorization") == "Bearer old":
        request.META["HTTP_AUTHORIZATION"] = "Bearer new"


@provider_state("the process ends")
def process_ends() -> None:
    os._exit(3)
