"""Compressed bodies: GZipMiddleware writes them for every client that takes them, and the Pact core does."""

import gzip
import zlib
from collections.abc import Mapping

MAX_RECORDED_BODY = 4 * 1024 * 1024
"""Bytes of a body that are kept. A report shows fewer, but what differs may stand far down."""

WINDOWS = {"gzip": (31,), "deflate": (15, -15)}
"""zlib's window bits, by the coding that the core takes. Some servers send deflate without its header, hence two."""


def coding_of(headers: Mapping[str, str]) -> str:
    """Return the value of Content-Encoding; empty if there is none. The core knows the codings in lower case only."""
    return next((value.strip() for name, value in headers.items() if name.lower() == "content-encoding"), "")


def decompressed(body: bytes, coding: str) -> bytes:
    """Return as much of a body as is kept, as it was before compression; as it is if it can't be decompressed."""
    for window in WINDOWS.get(coding, ()):
        rest, read = body, b""
        try:
            while rest and len(read) < MAX_RECORDED_BODY:  # gzip may have several members
                member = zlib.decompressobj(window)
                read += member.decompress(rest, MAX_RECORDED_BODY - len(read))
                rest = member.unused_data
        except zlib.error:
            if not read:
                continue
        return read
    return body


def compressed(body: bytes, coding: str) -> bytes:
    """Return a body as Content-Encoding says; as it is for a coding that is not known."""
    match coding:
        case "gzip":
            return gzip.compress(body, compresslevel=1)
        case "deflate":
            return zlib.compress(body, level=1)
        case _:
            return body
