# ruff: noqa: INP001  # a script, not a module
"""Write the pacts of the consumers "mailer-v3" and "mailer-v4" with pact-python.

Usage: python pact_python.py [DIRECTORY]
"""

import sys
from pathlib import Path

import requests
from pact import Pact, generate, match

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c63a8070000810080d394534a0000000049454e44ae426082"
)
"""A PNG of one pixel."""


def describe_messages(pact: Pact) -> None:
    """Add the asynchronous messages that V3 and V4 have in common."""
    (
        pact.upon_receiving("an order was placed", "Async")
        .given("a customer exists", id=7, name="Ada")
        .given("the order is paid")
        .with_body(
            {
                "id": match.int(4711),
                "number": match.regex("ORD-0001", regex=r"ORD-\d{4}"),
                "customer": match.like({"id": 7, "name": "Ada"}),
                "items": match.each_like({"product": match.str("Tea"), "count": match.int(2)}, min=2),
            },
            "application/json",
        )
        .with_metadata({"topic": "orders", "key": match.regex("order-4711", regex=r"order-\d+")})
    )
    (pact.upon_receiving("the service said hello", "Async").with_body("Hello, Ada", "text/plain"))
    (
        pact.upon_receiving("a catalogue was exported", "Async")
        .with_body('<?xml version="1.0"?><catalogue><product id="1">Tea</product></catalogue>', "application/xml")
        .with_metadata(topic="catalogues")
    )
    pact.upon_receiving("a picture was taken", "Async").with_binary_body(PIXEL, "image/png")


def describe_v4_messages(pact: Pact) -> None:
    """Add what only V4 has."""
    (
        pact.upon_receiving("a customer was deleted", "Async")
        .given("a customer exists", name="Ada")
        .with_body(
            {"id": match.like(7, generator=generate.provider_state("${id}")), "name": "Ada"},
            "application/json",
        )
        .add_text_comment("The mailer removes the address.")
        .set_comment("owner", "team mailer")
        .test_name("test_customer_deleted")
    )
    (
        pact.upon_receiving("an order was cancelled", "Async")
        .set_pending(pending=True)
        .with_body({"id": match.int(4711), "reason": "sold out"}, "application/json")
    )
    (
        pact.upon_receiving("a question about a price", "Sync")
        .given("a product exists", id=1)
        .with_body({"product": match.int(1)}, "application/json")
        .with_metadata(replyTo="prices")
        .will_respond_with()
        .with_body({"product": match.int(1), "price": match.decimal(2.5)}, "application/json")
        .with_metadata({"topic": match.regex("prices", regex="prices|offers")})
    )
    (
        pact.upon_receiving("a request for two answers", "Sync")
        .with_body({"product": 1}, "application/json")
        .will_respond_with()
        .with_body({"part": 1}, "application/json")
        .with_body({"part": 2}, "application/json")
    )


def describe_requests(pact: Pact) -> None:
    """Add HTTP interactions."""
    (
        pact.upon_receiving("a request for a product")
        .given("a product exists", id=1)
        .with_request("GET", "/products/1")
        .will_respond_with(200)
        .with_body({"id": match.int(1), "name": match.str("Tea")}, "application/json")
    )
    (
        pact.upon_receiving("a request for an unknown product")
        .given("no products exist")
        .with_request("GET", "/products/2")
        .will_respond_with(404)
    )


def main(directory: Path) -> None:
    """Write both pacts into the directory."""
    for version in ("V3", "V4"):
        pact = Pact(f"mailer-{version.lower()}", "shop").with_specification(version)
        describe_messages(pact)
        if version == "V4":
            describe_v4_messages(pact)
            pact.verify(lambda _body, _metadata: None, "Sync")
        pact.verify(lambda _body, _metadata: None, "Async")
        pact.write_file(directory, overwrite=True)
    # The mock server panics on a pact that holds messages. So a second pact is merged into the file.
    pact = Pact("mailer-v4", "shop").with_specification("V4")
    describe_requests(pact)
    with pact.serve() as server:
        for path, status in (("/products/1", 200), ("/products/2", 404)):
            assert requests.get(f"{server.url}{path}", timeout=10).status_code == status
    pact.write_file(directory)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1])
