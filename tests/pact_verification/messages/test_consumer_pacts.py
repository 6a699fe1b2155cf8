"""The pacts that pact-python and pact-js have written, with right and with wrong producers."""

import re
import shutil
from collections.abc import Iterator

import pytest

from tests.pact_verification.messages.project import message_project, outcomes, verify
from tests.pact_verification.provider.small_project import Project
from tests.pact_verification.running import ROOT

pytestmark = pytest.mark.no_database

PACTS = ROOT / "tests" / "message_pacts"
PRODUCERS = """
PNG = (
    b"\\x89PNG\\r\\n\\x1a\\n\\0\\0\\0\\rIHDR\\0\\0\\0\\1\\0\\0\\0\\1\\x08\\0\\0\\0\\0\\x3a\\x7e\\x9b\\x55"
    b"\\0\\0\\0\\nIDATx\\x9cc\\xa8\\x07\\0\\0\\x81\\0\\x80\\xd3\\x94\\x53\\x4a\\0\\0\\0\\0IEND\\xaeB`\\x82"
)


@provider_state("a customer exists")
def customer_exists(name, id=12):
    return {"id": id, "customer": {"id": id, "name": name}}


@provider_state("the order is paid")
def order_is_paid():
    pass


@provider_state("a product exists")
def product_exists(id):
    Item.objects.update_or_create(pk=id, defaults={"name": "Coffee"})


@provider_state("no products exist")
def no_products():
    Item.objects.all().delete()


@message_producer("an order was placed")
def order_placed(customer):
    items = [{"product": "Cup", "count": 1}, {"product": "Pot", "count": 3}, {"product": "Tin", "count": 9}]
    order = {"id": 1, "number": "ORD-0007", "customer": customer, "items": items}
    if Path("wrong").exists():
        order |= {"id": "1", "items": items[:1]}
        return Message(order, metadata={"topic": "parcels", "key": "1"})
    return Message(order, metadata={"topic": "orders", "key": "order-1"})


@message_producer("the service said hello")
def said_hello():
    return "Hello, Bob" if Path("wrong").exists() else "Hello, Ada"


@message_producer("a catalogue was exported")
def catalogue():
    content = '<?xml version="1.0"?><catalogue><product id="1">Tea</product></catalogue>'
    if Path("wrong").exists():
        return Message({"catalogue": []}, metadata={"topic": "catalogues"})
    return Message(content, "application/xml", {"topic": "catalogues"})


@message_producer("an empty catalogue was exported")
def empty_catalogue():
    return Message(None, "application/xml")


@message_producer("a picture was taken")
def picture():
    return Message(PNG[:-1] + b"?" if Path("wrong").exists() else PNG, "image/png")


@message_producer("an archive was made")
def archive():
    end = b"!" if Path("wrong").exists() else b""
    return Message(bytes([0, 1, 2, 253, 254, 255]) + end, metadata={"topic": "archives"})


@message_producer("a customer was deleted")
def customer_deleted(id, name):
    return {"id": id, "name": name}


@message_producer("an order was cancelled")
def order_cancelled():
    return {"id": 1, "reason": "sold out"}


@message_producer("a question about a price")
def price(request):
    assert request.content_type == "application/json"
    return Message({"product": request.content["product"], "price": 3.25}, metadata={"topic": "offers"})


@message_producer("a request for two answers")
def two_answers(request):
    return [Message({"part": number}) for number in (1, 2)]
"""
URLS = """
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path

from shop.models import Item


def product(request, pk):
    item = get_object_or_404(Item, pk=pk)
    return JsonResponse({"id": item.pk, "name": item.name})


urlpatterns = [path("products/<int:pk>", product)]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("consumers")
    with message_project(folder, PRODUCERS) as project:
        project.write("shop/urls.py", URLS)
        for path in PACTS.glob("*.json"):
            shutil.copy(path, folder / "pacts" / path.name)
        yield project


def test_right_producers(project: Project) -> None:
    ran, came = verify(project)
    assert set(outcomes(came).values()) == {"verified"}, ran.out
    assert ran.exit_code == 0
    counted = "shop: 27 interactions of 4 consumers: 27 verified, in"
    assert counted in ran.out
    generated = (
        "The pact has generators for the message (body $.id). The Pact core ignores them, and compares with the "
        "example."
    )
    assert {name: each["warnings"] for name, each in came.items() if each["warnings"]} == {
        "a customer was deleted": [generated]
    }


def test_wrong_producers(project: Project) -> None:
    (project.folder / "wrong").touch()
    ran, came = verify(project, "--consumer", "mailer-v4", "--description", "placed|hello|catalogue|picture")
    assert ran.exit_code == 1
    assert set(outcomes(came).values()) == {"mismatch"}
    console = re.sub(r"py:\d+|[\d.]+ ms", "…", re.sub(r"  cause [\d and]+$", "", ran.out, flags=re.MULTILINE))
    for text in (CONTENT_TYPE, JSON_AND_METADATA, TEXT):
        assert text in console
    [picture] = came["a picture was taken"]["mismatches"]
    assert picture["part"] == "body"
    assert picture["message"].startswith("Actual body [image/png, 67 bytes, starting with 89504e47")


CONTENT_TYPE = """
  ✗ a catalogue was exported
      producer catalogue() (shop/pact_states.…)
      message  application/json
      took     …, 0 SQL queries
      - expected, + came
        # the metadata contentType is "application/json", and the contract has "application/xml"
        - contentType: application/xml
        + contentType: application/json
          topic: catalogues
        # the content type is application/json, and the contract has application/xml
        ! body's content type
          {
            "catalogue": []
          }
      again    """
JSON_AND_METADATA = """
  ✗ an order was placed  [a customer exists (id=7, name='Ada'), the order is paid]
      state    a customer exists (id=7, name='Ada'): customer_exists() (shop/pact_states.…), gave id=7, \
customer={'id': 7, 'name': 'Ada'}
      state    the order is paid: order_is_paid() (shop/pact_states.…)
      producer order_placed() (shop/pact_states.…)
      message  application/json
      took     …, 0 SQL queries
      - expected, + came
          contentType: application/json
        # the metadata key is "1", and the contract has "order-4711" (rule: regex order-\\d+)
        - key: order-4711
        + key: 1
        # the metadata topic is "parcels", and the contract has "orders"
        - topic: orders
        + topic: parcels
          {
        # $.id: '1' (text) is no whole number (rule: integer)
        -   "id": 4711,
        +   "id": "1",
            "number": "ORD-0007",
            "customer": {
              "id": 7,
              "name": "Ada"
            },
        # $.items: 1 element came, and at least 2 should (rule: type, at least 2)
        !   "items": [
              {
                "product": "Cup",
                "count": 1
          … 3 lines left out
      again    """
TEXT = """
  ✗ the service said hello
      producer said_hello() (shop/pact_states.…)
      message  text/plain
      took     …, 0 SQL queries
      - expected, + came
          contentType: text/plain
        # $: the body is 'Hello, Bob', and the contract has 'Hello, Ada'
        ! body $
        - Hello, Ada
        + Hello, Bob
      again    """
