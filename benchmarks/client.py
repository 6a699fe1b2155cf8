"""A client that costs the machine little: it shares the processors with the servers that it measures."""

import select
import socket
import time

CONNECTIONS = 16
SILENCE = 10.0
ANSWERS_BETWEEN = 25


class WrongAnswer(Exception):
    """An answer that is not the one that every request is to get."""


class Client:
    """Asks for one path over connections that persist, one request at a time on each.

    Args:
        body: what every answer has to hold, byte by byte.
    """

    def __init__(self, port: int, path: str, body: bytes) -> None:
        self._address = ("127.0.0.1", port)
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n\r\n".encode()
        self._body = body
        self._poll = select.epoll()
        self._connections: dict[int, socket.socket] = {}
        self._received: dict[int, bytes] = {}

    def connect(self) -> None:
        """Open one more connection, and ask on it for the first time."""
        connection = socket.create_connection(self._address)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = connection.fileno()
        self._connections[number] = connection
        self._received[number] = b""
        self._poll.register(number, select.EPOLLIN)
        connection.send(self._request)

    def answers(self) -> int:
        """Wait for answers, and ask again where one is whole: how many are.

        Raises:
            WrongAnswer: one has another status or another body, a connection was closed, or none comes at all.
        """
        ready = self._poll.poll(SILENCE)
        if not ready:
            raise WrongAnswer(f"There was no answer for {SILENCE:g} seconds.")
        whole = 0
        for number, _ in ready:
            connection = self._connections[number]
            new = connection.recv(65536)
            # Acknowledge at once: a server that sends head and body apart, as h11 does under uvicorn's workers, would
            # wait 40 ms for it, and this would measure the kernel's timer.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            answer = self._received[number] + new
            head, end, body = answer.partition(b"\r\n\r\n")
            if not new or not head.startswith(b"HTTP/1.1 200 "[: len(head)]) or not self._body.startswith(body):
                raise WrongAnswer(f"The connection ended, or this is not what was asked for: {answer!r}")
            if end and len(body) == len(self._body):
                whole += 1
                self._received[number] = b""
                connection.send(self._request)
            else:
                self._received[number] = answer
        return whole

    def close(self) -> None:
        self._poll.close()
        for connection in self._connections.values():
            connection.close()


def requests_a_second(port: int, path: str, body: bytes, seconds: float) -> float:
    """How many requests a server answers with exactly this body.

    Its connections are opened one after the other while the others are already at work: a worker that has nothing to
    do takes the next. Opened at once, one worker may take them all, on either side, and the other is idle.

    Raises:
        WrongAnswer: any answer is another.
    """
    client = Client(port, path, body)
    try:
        for _ in range(CONNECTIONS):
            client.connect()
            answers = 0
            while answers < ANSWERS_BETWEEN:
                answers += client.answers()
        answers = 0
        start = now = time.perf_counter()
        while now < start + seconds:
            answers += client.answers()
            now = time.perf_counter()
        return answers / (now - start)
    finally:
        client.close()
