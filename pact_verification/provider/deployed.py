"""A server that already runs: it serves the project as deployed, on a database that may be emptied."""

import re
import socket
import ssl
import threading
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection, IncompleteRead
from typing import Self
from urllib.parse import SplitResult, urlsplit
from wsgiref.types import WSGIEnvironment
from wsgiref.util import is_hop_by_hop

from django.core.handlers.wsgi import WSGIRequest
from django.db import DatabaseError, connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

from pact_verification.conf import conf
from pact_verification.errors import CannotVerify, NoAnswer, NoAnswerInTime
from pact_verification.provider.databases.aliases import with_databases
from pact_verification.provider.databases.guard import require_named
from pact_verification.provider.http_connection import HOST, Response, request_headers
from pact_verification.provider.isolation import Isolation
from pact_verification.provider.project import Call, NoteDoing, NoteRequest, filter_request, limited, require_final
from pact_verification.provider.snapshots import DatabaseContents, count_rows
from pact_verification.states.registry import Registry
from pact_verification.system.certificates import certificate_hint, trust_named
from pact_verification.text import counted, read_json

CHUNK_BYTES = 1_000_000
VERSION = re.compile(r"[^\s<>]{1,200}")
MAX_VERSION_ANSWER = 64 * 1024


@dataclass(frozen=True)
class Deployed:
    """A server that already runs, with the databases that it reads.

    Attributes:
        url: the server's base URL, to which the path of a request is added.
        timeout: seconds that the server may be silent.
        contents: what its databases hold when the run begins. Every interaction starts from it.
        tls: the certificates of this machine, and those that the environment names; None for http.
    """

    url: SplitResult
    timeout: float
    contents: DatabaseContents
    tls: ssl.SSLContext | None

    @classmethod
    def reach(cls, url: str, timeout: float) -> Self:
        """Check that the server answers, and that its databases may be emptied.

        Raises:
            CannotVerify: the server does not answer, or a database may not be emptied.
        """
        deployed = cls.at(url, timeout)
        for alias in with_databases():
            require_disposable(connections[alias])
        deployed.require_answer()
        return replace(deployed, contents=_read_databases())

    @classmethod
    def at(cls, url: str, timeout: float) -> Self:
        """Read the URL of a server, without a request.

        Raises CannotVerify for an unusable URL.
        """
        base = _require_base(url)
        tls = trust_named(ssl.create_default_context()) if base.scheme == "https" else None
        return cls(base, timeout, DatabaseContents({}, ()), tls)

    def require_answer(self) -> None:
        """Raise CannotVerify if the server does not answer or its certificate is bad."""
        connection = self.connect()
        try:
            connection.connect()
        except OSError as error:
            raise self._no_answer(error) from error
        finally:
            connection.close()

    def _no_answer(self, error: Exception) -> CannotVerify:
        hint = certificate_hint() if self.tls else "Is it running?"
        what = str(error) or type(error).__name__
        return CannotVerify(f"The server at {self.url.geturl()} does not answer: {what}. {hint}")

    def version(self) -> str | None:
        """Ask the server for its version. None if no setting says where it is.

        Raises:
            CannotVerify: the server does not answer in time, or its answer has no version.
        """
        path, header = conf.PACT_PROVIDER_VERSION_URL, conf.PACT_PROVIDER_VERSION_HEADER
        if not path and not header:
            return None
        path = self.url.path.rstrip("/") + (path or "/")
        status, headers, body = self._get(path)
        named = headers.get(header) if header else _named_in(body) if status == HTTPStatus.OK else None
        if not named or not VERSION.fullmatch(named):
            place = f"in its header {header}" if header else "as text or as the member version of a JSON object"
            raise CannotVerify(
                f"The server at {self.url.geturl()} names no version: its answer to GET {path} ({status}) has none "
                f"{place}. Mend PACT_PROVIDER_VERSION_URL and PACT_PROVIDER_VERSION_HEADER, or use --no-publish."
            )
        return named

    def _get(self, path: str) -> tuple[int, HTTPMessage, bytes]:
        connection = self.connect()
        try:
            connection.connect()
            # A socket's own timeout starts again with every byte.
            is_late = threading.Event()
            timer = threading.Timer(self.timeout, _cut_off, (connection.sock, is_late))
            timer.start()
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                body = response.read(MAX_VERSION_ANSWER)
            finally:
                timer.cancel()
            if is_late.is_set():
                raise TimeoutError("timed out")
        except (OSError, HTTPException) as error:
            raise self._no_answer(error) from error
        finally:
            connection.close()
        return response.status, response.headers, body

    def connect(self) -> HTTPConnection:
        """Make a connection to the server. It opens with the first request."""
        assert self.url.hostname
        if self.tls:
            return HTTPSConnection(self.url.hostname, self.url.port, timeout=self.timeout, context=self.tls)
        return HTTPConnection(self.url.hostname, self.url.port, timeout=self.timeout)

    @property
    def host_and_port(self) -> str:
        """The server, as PACT_ALLOWED_HOSTS would name it."""
        host = f"[{self.url.hostname}]" if ":" in str(self.url.hostname) else self.url.hostname
        return f"{host}:{self.url.port or (443 if self.tls else 80)}"

    def __str__(self) -> str:
        names = ", ".join(f"{name} ({counted(rows, 'row')})" for name, rows in self.contents.rows.items())
        server = (
            f"The server that runs at {self.url.geturl()} is verified, not the code that is here. For every "
            f"interaction its database is emptied, and filled with what it held when the run began: {names}."
        )
        return " ".join([server, *self.contents.notes])


class ProjectElsewhere:
    """The project on a server that already runs. Request filters run here, before a request goes to the server."""

    is_here = False
    reached = True
    answered_by: str | None = None
    response: HttpResponseBase | None = None
    stop_seconds = 0.0

    def __init__(
        self, deployed: Deployed, registry: Registry, note_request: NoteRequest, note_doing: NoteDoing
    ) -> None:
        self.deployed = deployed
        self.registry = registry
        self.note_request = note_request

    def running(self, isolation: Isolation, call: Call) -> AbstractContextManager[None]:
        """See Project."""
        return nullcontext()

    def answer(self, environ: WSGIEnvironment) -> Response:
        """Return the server's response, which may be a redirect.

        Raises NoAnswer if none or only a part comes.
        """
        request = WSGIRequest(environ)
        filter_request(request, self.registry)
        with suppress(Resolver404):
            request.resolver_match = resolve(request.path_info)
        self.note_request(request, environ)
        connection = self.deployed.connect()
        try:
            self._send(connection, request)
            response = connection.getresponse()
            body = limited(iter(lambda: response.read(CHUNK_BYTES), b""), conf.PACT_MAX_RESPONSE_BYTES)
            if response.length:  # read() in parts does not report that the connection was cut
                raise IncompleteRead(body, response.length)
        except TimeoutError as error:
            raise NoAnswerInTime from error
        except (OSError, HTTPException) as error:
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise NoAnswer(f"{self.deployed.url.geturl()} gave no answer: {what}.") from error
        finally:
            connection.close()
        require_final(f"{response.status} {response.reason}")
        headers = [(name, value) for name, value in response.getheaders() if not is_hop_by_hop(name)]
        return f"{response.status} {response.reason}", headers, body

    def _send(self, connection: HTTPConnection, request: WSGIRequest) -> None:
        """Send the request as the request filters left it, to the server's base path."""
        environ, meta = request.environ, request.META
        body: bytes = request.__dict__.get("_body", environ["wsgi.input"].getvalue())
        path = self.deployed.url.path.rstrip("/") + environ["RAW_URI"].partition("?")[0]
        query = f"?{meta['QUERY_STRING']}" if meta["QUERY_STRING"] else ""
        headers = request_headers(meta)
        # Without PACT_HOST, and where the pact names no host either.
        if headers.get("Host") == f"{HOST}:{environ['SERVER_PORT']}":
            headers["Host"] = self.deployed.url.netloc
        if body:
            headers["Content-Length"] = str(len(body))
        connection.putrequest(environ["REQUEST_METHOD"], path + query, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            if not is_hop_by_hop(name):
                connection.putheader(name, value.encode("latin-1", "replace"))
        connection.endheaders(body or None)


def _cut_off(connection: socket.socket, is_late: threading.Event) -> None:
    is_late.set()
    with suppress(OSError):  # the answer has just come
        connection.shutdown(socket.SHUT_RDWR)


def _named_in(body: bytes) -> str | None:
    text = body.decode(errors="replace").strip()
    if not text.startswith("{"):
        return text
    with suppress(ValueError):
        return str(read_json(body).get("version") or "")
    return None


def _require_base(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise CannotVerify(f"--provider-url {url!r} is no URL of a server, such as http://127.0.0.1:8000.")
    if parts.username or parts.query or parts.fragment:
        raise CannotVerify("--provider-url is the server's address alone: no user, password, query or fragment.")
    return parts


def _read_databases() -> DatabaseContents:
    try:
        contents = count_rows()
        for alias in with_databases():
            for model in connections[alias].introspection.get_migratable_models():
                if model._meta.managed and router.allow_migrate_model(alias, model):
                    model._base_manager.using(alias).exists()
    except DatabaseError as error:
        raise CannotVerify(
            f"The server's database can't be read: {str(error).strip()}\n"
            "Is it migrated? `manage.py migrate` makes its tables."
        ) from error
    finally:
        for alias in with_databases():
            connections[alias].close()
    return contents


def require_disposable(connection: BaseDatabaseWrapper) -> None:
    """Raise CannotVerify for a database that PACT_DISPOSABLE_DATABASES does not name."""
    name = str(connection.settings_dict["NAME"])
    if name not in conf.PACT_DISPOSABLE_DATABASES:
        known = ", ".join(sorted(conf.PACT_DISPOSABLE_DATABASES)) or "none"
        raise CannotVerify(
            f"--provider-url empties the database that the server reads, and the settings don't say that {name!r} "
            f"({connection.alias}) may be emptied. PACT_DISPOSABLE_DATABASES names those that may: {known}."
        )
    if connection.vendor == "sqlite" and (name == ":memory:" or "mode=memory" in name):
        raise CannotVerify(f"The database {name!r} ({connection.alias}) is in memory: no server can read it.")
    require_named(connection)
