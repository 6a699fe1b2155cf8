"""What is read as a pact document, and what is refused."""

import json

import pytest

from pact_verification.errors import UnreadablePact
from pact_verification.pacts.reading import provider_named
from tests.pact_verification.pact_files import document
from tests.pact_verification.pacts.parsing import PLAIN, parse

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(
    "twice",
    [
        b'{"consumer": {"name": "c"}, "provider": {"name": "p"}, "interactions": [], "interactions": []}',
        json.dumps(document(PLAIN)).replace('"status"', '"status": 999, "status"').encode(),
        json.dumps(document(PLAIN)).replace('"status": 200', '"body": {"a": {"status": 1, "status": 2}}').encode(),
    ],
)
def test_a_member_that_stands_twice(twice: bytes) -> None:
    with pytest.raises(UnreadablePact, match=r"the member '(interactions|status)' stands twice"):
        parse(twice)


def test_a_byte_order_mark() -> None:
    with pytest.raises(UnreadablePact, match="it begins with a byte order mark"):
        parse(b"\xef\xbb\xbf" + json.dumps(document(PLAIN)).encode())


def test_of_another_providers_pact_only_the_names_are_read() -> None:
    pact = parse(document("x", provider="another"), provider="testapp")  # type: ignore[arg-type]  # what is in it does not matter
    assert (pact.provider, pact.interactions) == ("another", ())


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b'{"consumer": {"name": "c"}, "provider": {"name": "p"}, "interactions": [', "p"),
        (b'{"interactions": [{"provider": {"name": "other"}}], "provider": {"name": "p"}', "p"),
        (b'{"provider": {"name": "p"}, "provider": {"name": "q"}', None),
        (b'{"provider": {"name": "\xff"}', None),
        (b'{"provider": {"name": ""}', None),
        (b'{"provider": {"name": {}}', None),
        (b'{"consumer": {"name": "c"}', None),
        (b"", None),
    ],
)
def test_the_provider_of_a_file_that_is_no_json(content: bytes, name: str | None) -> None:
    assert provider_named(content) == name
