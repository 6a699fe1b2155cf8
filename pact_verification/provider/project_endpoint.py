"""The core's request to the project: passed on, committed, and recorded with its response."""

from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from io import BytesIO
from urllib.parse import urlsplit
from wsgiref.types import WSGIEnvironment

from django.conf import settings

from pact_verification.conf import conf
from pact_verification.errors import NoAnswer, NoAnswerInTime, ResponseRefused, StateError
from pact_verification.provider.endpoints import find_endpoint, is_catch_all, why_no_route
from pact_verification.provider.http_connection import LEFT_OUT, Response, empty_response, read_body, status_line
from pact_verification.provider.interactions import Interactions
from pact_verification.provider.project import Project
from pact_verification.provider.recorded_http import arrived_request, recorded_request, recorded_response
from pact_verification.provider.recording import Recording
from pact_verification.provider.request_watch import RequestWatch
from pact_verification.provider.serializers import serialized
from pact_verification.results.crash import Crash
from pact_verification.results.exchange import RecordedResponse, Serialized
from pact_verification.states.asking import who_asks
from pact_verification.system import clock


class ProjectEndpoint:
    """Answers the request of each interaction, on the live server's thread.

    Args:
        watch: gets the request from the project.
        request_timeout: seconds that a request may take.
    """

    def __init__(
        self, project: Project, watch: RequestWatch, interactions: Interactions, request_timeout: float
    ) -> None:
        self.project = project
        self.watch = watch
        self.interactions = interactions
        self.overheard = interactions.overheard
        self.script = interactions.script
        self.request_timeout = request_timeout

    def answer(self, environ: WSGIEnvironment, started: float) -> Response:
        """Return the project's response, and record it.

        Args:
            started: when the server began with the request.
        """
        recording = self.script.current
        if recording.exchange.response:
            self.script.lose_step("an interaction has one request, and a second one came")
        self.script.end_setup()
        self.watch.request = None
        if not self._take_request(environ, recording):
            return empty_response(HTTPStatus.BAD_REQUEST)
        self.overheard.forget_exceptions()
        try:
            try:
                response = self.project.answer(environ)
            finally:
                self._record_endpoint(recording)
            self.interactions.isolation.commit()
        except NoAnswerInTime as error:
            return self._refuse_for_time(recording, started, str(error))
        except NoAnswer as error:
            recording.record(unanswered=str(error))
            return empty_response(HTTPStatus.BAD_GATEWAY)
        except ResponseRefused as error:
            recording.record(over_limit=str(error))
            return empty_response(HTTPStatus.BAD_GATEWAY)
        except BaseException as error:  # noqa: BLE001  # as a server in production answers
            self.overheard.raised = error
            response = status_line(HTTPStatus.INTERNAL_SERVER_ERROR), [], b"A server error occurred."
        self._record_response(recording, recorded_response(response))
        if clock.seconds() - started > self.request_timeout:
            return self._refuse_for_time(recording, started)
        return response

    def answer_again(self, environ: WSGIEnvironment) -> Response:
        """Return the project's response to a person's request, in the state of the present interaction."""
        _as_deployed(environ, read_body(environ))
        try:
            if asking := who_asks():
                asking.prepare(environ)
            response = self.project.answer(environ)
            self.interactions.isolation.commit()
        except BaseException as error:  # noqa: BLE001  # also SystemExit; or why it gave no response
            text = f"{type(error).__name__}: {error}".encode()
            return status_line(HTTPStatus.BAD_GATEWAY), [("Content-Type", "text/plain; charset=utf-8")], text
        return response

    def _take_request(self, environ: WSGIEnvironment, recording: Recording) -> bool:
        """Record the request, and make its environment one for Django.

        Returns whether all of the request has come, and the user whom the states name can send it.
        """
        body = read_body(environ)
        recording.record(arrived=arrived_request(environ, body))
        left_out = _as_deployed(environ, body)
        recording.record(request=recorded_request(environ, environ, body))
        if left_out:
            recording.warn(
                f"The project did not get {', '.join(left_out)}: servers leave out headers with underscores in their "
                "names."
            )
        if len(body) < (announced := int(environ.get("CONTENT_LENGTH") or 0)):
            recording.record(
                over_limit=f"The request's header Content-Length is {announced}, and its body ended after {len(body)} "
                f"bytes. The rest did not come in {self.request_timeout:g} s (--request-timeout)."
            )
            return False
        try:
            if asking := who_asks():
                asking.prepare(environ)
        except StateError as error:
            recording.fail("acting_as()", error)
            return False
        return True

    def _record_response(self, recording: Recording, response: RecordedResponse) -> None:
        recording.record(response=response)
        if self.watch.serializers and response.status < HTTPStatus.BAD_REQUEST:
            self._record_serialized(recording)
        if error := self.overheard.raised:
            recording.raised = error
            recording.record(crash=Crash.of(error))
            self.interactions.advise(error)
        elif (refusal := self.overheard.refused) and response.status >= HTTPStatus.BAD_REQUEST:
            recording.record(refusal=refusal)
        if response.status == HTTPStatus.NOT_FOUND:
            self._record_no_route(recording)

    def _refuse_for_time(self, recording: Recording, started: float, place: str = "") -> Response:
        limit = f"{self.request_timeout:g} s (--request-timeout)"
        taken = clock.seconds() - started
        recording.record(over_limit=f"The project took {taken:.1f} s to answer, and may take {limit}.{place}")
        return empty_response(HTTPStatus.GATEWAY_TIMEOUT)

    def _record_endpoint(self, recording: Recording) -> None:
        """Record which view answered, its time and its queries.

        An unknown view is a warning, not a failure.
        """
        if self.project.answered_by:
            not_django = f"{self.project.answered_by} answered, and did not ask Django"
            recording.record(no_route=not_django)
            if self.interactions.registry.request_filters:
                recording.warn(f"No request filter ran: {not_django}.")
            if (asking := who_asks()) and asking.user is not None:
                recording.warn(f"acting_as() had no effect: {not_django}.")
        if (request := self.watch.request) is None:
            return
        queries = self.watch.queries if self.project.is_here else None
        sql = tuple(self.watch.sql) if self.project.is_here else ()
        recording.record(queries=queries, sql=sql, request_seconds=clock.seconds() - self.watch.began)
        try:
            endpoint = find_endpoint(request, reached=self.project.reached)
        except Exception as error:  # noqa: BLE001  # a view that is written unlike any other
            recording.warn(f"The view that answered can't be told: {Crash.of(error).exception}")
        else:
            recording.record(endpoint=endpoint)

    def _record_serialized(self, recording: Recording) -> None:
        """Record which serializer fields wrote the response. An error's data has a serializer, but not its fields."""
        if (response := self.project.response) is None:
            return
        try:
            found = serialized(response)
        except Exception as error:  # noqa: BLE001  # the project's serializers may raise anything
            found = Serialized(problem=f"Its serializers can't be told: {Crash.of(error).exception}")
        recording.record(serialized=found)

    def _record_no_route(self, recording: Recording) -> None:
        """Record that a 404 came from no view for the URL, and the nearest routes."""
        if (request := self.watch.request) is None:
            return
        expected = recording.interaction.expected.status == HTTPStatus.NOT_FOUND
        with suppress(Exception):  # a URLconf that is written unlike any other
            if (endpoint := recording.exchange.endpoint) and not is_catch_all(request, endpoint.route):
                return
            recording.record(endpoint=None, no_route=None if expected else why_no_route(request, endpoint))


def _as_deployed(environ: WSGIEnvironment, body: bytes) -> Mapping[str, str]:
    """Make a request's environment what the deployed project would get. Returns the headers that it would not get."""
    if conf.PACT_HOST:
        _address_to(conf.PACT_HOST, environ)
    environ["wsgi.input"] = BytesIO(body)
    if settings.SECURE_SSL_REDIRECT:
        environ["wsgi.url_scheme"] = "https"  # what such a project gets from the proxy in front of it
    left_out: Mapping[str, str] = environ.pop(LEFT_OUT, {})
    return left_out


def _address_to(host: str, environ: WSGIEnvironment) -> None:
    """Let a request be for a host, unless the pact names another one."""
    if environ.get("HTTP_HOST") == f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}":
        parts = urlsplit(f"//{host}")
        environ["HTTP_HOST"] = host
        environ["SERVER_NAME"] = parts.hostname or host
        environ["SERVER_PORT"] = str(parts.port or (443 if settings.SECURE_SSL_REDIRECT else 80))
