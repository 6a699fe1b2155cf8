"""A Pact plugin for the content type application/x-shout, whose contents are equal regardless of case.

The Pact core starts it as a process, reads its port from standard output, and calls it by gRPC. It encodes its few
messages itself, since grpcio works without protobuf. With the argument "crashes" it crashes when it should compare.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import grpc

CONTENT_TYPE = "application/x-shout"
CRASHES = "crashes" in sys.argv
BYTES = 2
"""The wire type of bytes, texts and messages."""


def field(number: int, value: bytes | str) -> bytes:
    """Encode a field."""
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | BYTES) + varint(len(value)) + value


def varint(number: int) -> bytes:
    more, low = divmod(number, 128)
    return bytes([low | 128]) + varint(more) if more else bytes([low])


def read_varint(stream: BytesIO) -> int:
    (low,) = stream.read(1)
    return low - 128 + 128 * read_varint(stream) if low > 127 else low


def fields(message: bytes) -> dict[int, bytes]:
    """Decode a message's fields, without its numbers."""
    found, stream = {}, BytesIO(message)
    while stream.tell() < len(message):
        key, number = read_varint(stream), read_varint(stream)
        if key % 8 == BYTES:
            found[key >> 3] = stream.read(number)
    return found


def init_plugin(_request: bytes, _context: Any) -> bytes:
    """Return the catalogue: a content matcher, and its content type."""
    values = field(1, "content-types") + field(2, CONTENT_TYPE)
    return field(1, field(2, "shout") + field(3, values))


def update_catalogue(_request: bytes, _context: Any) -> bytes:
    return b""


def compare_contents(request: bytes, _context: Any) -> bytes:
    """Return the mismatch of two bodies, if there is one."""
    if CRASHES:
        os._exit(3)
    message = fields(request)
    expected, actual = (fields(fields(message[number])[2]).get(1, b"").decode() for number in (1, 2))
    if expected.upper() == actual.upper():
        return b""
    words = f"{actual!r} is not {expected!r}, however loud"
    mismatch = field(1, field(1, expected)) + field(2, field(1, actual)) + field(3, words) + field(4, "$")
    return field(3, field(1, "$") + field(2, field(1, mismatch)))


def main() -> None:
    server = grpc.server(ThreadPoolExecutor(2))
    methods = {"InitPlugin": init_plugin, "UpdateCatalogue": update_catalogue, "CompareContents": compare_contents}
    handlers = {name: grpc.unary_unary_rpc_method_handler(method) for name, method in methods.items()}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("io.pact.plugin.PactPlugin", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(json.dumps({"port": port, "serverKey": "shout"}), flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
