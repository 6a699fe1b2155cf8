"""config.wsgi as a server calls it: what Django alone would not do."""

import json
from http import HTTPStatus
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from config.wsgi import application
from products.models import Product

NEW = {"type": "LOAN", "name": "Größe"}
BODY = json.dumps(NEW, ensure_ascii=False).encode()

# A server closes connections after a request; one in a transaction would be lost.
pytestmark = pytest.mark.django_db(transaction=True)


def call(
    method: str, path: str, body: bytes = b"", token: str = "", **environ: Any
) -> tuple[int, dict[str, str], bytes]:
    environ |= {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": BytesIO(body)}
    if token:
        environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    setup_testing_defaults(environ)
    started: list[tuple[str, dict[str, str]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started.append((status, dict(headers)))

    answer = b"".join(application(environ, start_response))
    status, headers = started[-1]
    return int(status.split()[0]), headers, answer


@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "hex", "zlib", "utf-16", "nonsense"])
def test_json_is_utf_8_whatever_charset_is_named(token: str, charset: str) -> None:
    status, _, _ = call(
        "POST",
        "/products",
        BODY,
        token,
        QUERY_STRING="type=%61",
        CONTENT_TYPE=f"application/json; charset={charset}",
        CONTENT_LENGTH=str(len(BODY)),
    )
    assert status == HTTPStatus.CREATED
    assert Product.objects.get().name == "Größe"


CHUNKED = {"CONTENT_TYPE": "application/json", "HTTP_TRANSFER_ENCODING": "chunked"}


def test_a_chunked_body_is_read(token: str) -> None:
    """gunicorn puts the chunks together, and marks that the input ends where they do."""
    status, _, _ = call("POST", "/products", BODY, token, **CHUNKED, **{"wsgi.input_terminated": True})
    assert status == HTTPStatus.CREATED
    assert Product.objects.get().name == "Größe"


def test_a_chunked_body_has_the_same_limit(token: str) -> None:
    status, _, _ = call("POST", "/products", b" " * 3_000_000, token, **CHUNKED, **{"wsgi.input_terminated": True})
    assert status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_a_server_that_leaves_the_chunks_needs_a_length(token: str) -> None:
    status, _, answer = call("POST", "/products", BODY, token, **CHUNKED)
    assert status == HTTPStatus.LENGTH_REQUIRED
    assert json.loads(answer)["detail"]
    assert not Product.objects.exists()


def test_head_has_headers_and_no_body(product: Product) -> None:
    status, headers, answer = call("HEAD", "/products/7")
    assert (status, answer) == (HTTPStatus.OK, b"")
    assert int(headers["Content-Length"]) > 0
