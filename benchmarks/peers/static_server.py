"""A provider that does nothing: it knows every product, and every state is there. Prints its port, and serves."""

import asyncio
import json

from benchmarks.pact_files import product

END_OF_HEAD = b"\r\n\r\n"
BEFORE_ID, AFTER_ID = json.dumps(product("ID")).encode().split(b"ID", 1)


def response(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


STATE = response(b"{}")


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, for as long as the client keeps it."""
    try:
        while True:
            head = await reader.readuntil(END_OF_HEAD)
            if head.startswith(b"POST"):
                _, _, after = head.lower().partition(b"content-length:")
                await reader.readexactly(int(after.partition(b"\r\n")[0]))
                writer.write(STATE)
            else:
                product_id = head.split(b" ", 2)[1].rpartition(b"/")[2]
                writer.write(response(BEFORE_ID + product_id + AFTER_ID))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client has gone
    finally:
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
