"""Answers the core's request for a message: calls the producer, commits, and records what it returned."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from pact_verification.errors import ProducerError, StateError
from pact_verification.messages.captured import run_on_commit
from pact_verification.messages.producing import arguments_of, chosen, for_core, messages_of, request_of
from pact_verification.provider.http_connection import Response, empty_response, status_line
from pact_verification.provider.interactions import Interactions
from pact_verification.provider.recording import Recording
from pact_verification.provider.request_watch import RequestWatch
from pact_verification.results.compression import MAX_RECORDED_BODY
from pact_verification.results.crash import Crash
from pact_verification.results.exchange import Producer, RecordedMessage
from pact_verification.states.handlers import Handler
from pact_verification.system import clock

METADATA_HEADER = "Pact-Message-Metadata"
"""Carries a message's metadata to the core: Base64 of a JSON object."""


class MessageEndpoint:
    """Answers the core's request for the message of each interaction, on the live server's thread.

    Args:
        watch: counts the producer's time and queries.
        request_timeout: seconds that a producer may take.
    """

    def __init__(self, watch: RequestWatch, interactions: Interactions, request_timeout: float) -> None:
        self.watch = watch
        self.interactions = interactions
        self.script = interactions.script
        self.request_timeout = request_timeout
        self._returned: tuple[Recording | None, Sequence[RecordedMessage]] = (None, ())

    def answer(self, body: bytes) -> Response:
        """Return the message as the core reads it, and record it. A message that failed has an empty response."""
        recording = self.script.current
        self.script.end_setup()
        interaction = recording.interaction
        if recording.exchange.message or json.loads(body).get("description") != interaction.description:
            self.script.lose_step("a message was asked for that is not the next one")
            return empty_response(HTTPStatus.UNPROCESSABLE_ENTITY)
        self.interactions.overheard.forget_exceptions()
        self.watch.begin()
        try:
            message = self._produce(recording)
        except (ProducerError, StateError) as error:  # StateError: Handler raises it for producers too
            recording.record(producer_error=str(error))
            return empty_response(HTTPStatus.UNPROCESSABLE_ENTITY)
        except BaseException as error:  # noqa: BLE001  # also SystemExit, and what a test framework's fail() raises
            recording.raised = error
            crash, producer = Crash.of(error), recording.exchange.producer
            # No line of the project is in a crash at the commit, such as for a deferred constraint.
            where = producer.location if producer and not crash.own else crash.where
            name, at = producer.name if producer else "The producer", f" ({where})" if where else ""
            recording.record(crash=crash, producer_error=f"{name} raised {crash.exception}{at}")
            self.interactions.advise(error)
            return empty_response(HTTPStatus.UNPROCESSABLE_ENTITY)
        recording.record(message=replace(message, body=message.body[:MAX_RECORDED_BODY]))
        if (taken := clock.seconds() - self.watch.began) > self.request_timeout:
            limit = f"{self.request_timeout:g} s (--request-timeout)"
            recording.record(over_limit=f"The producer took {taken:.1f} s, and may take {limit}.")
            return empty_response(HTTPStatus.GATEWAY_TIMEOUT)
        content, metadata = for_core(message, interaction.expected_message)
        headers = [(METADATA_HEADER, b64encode(json.dumps(metadata).encode()).decode())]
        if message.content_type:
            headers.append(("Content-Type", message.content_type))
        return status_line(HTTPStatus.OK), headers, content

    def _produce(self, recording: Recording) -> RecordedMessage:
        """Call the producer of an interaction, and commit what it wrote."""
        interaction, values = recording.interaction, recording.exchange.state_values
        match = self.interactions.registry.producers.find(interaction.description)
        if match is None:
            raise ProducerError(f"No producer for the message {interaction.description!r}.")
        if request := request_of(interaction, values):
            got = RecordedMessage.of_request(request.content, request.content_type, request.metadata)
            recording.record(message_request=got)
        arguments = arguments_of(match, values, request)
        handler = match.handler
        recording.record(producer=Producer(str(handler), handler.location))
        self.interactions.note_doing(f"the producer {handler} ({handler.location})")
        run_on_commit.set(self._commit)  # the context is the interaction's own
        first = self.script.recordings[self.script.number - interaction.response]
        known, messages = self._returned
        try:
            if known is not first:  # the producer is called once for all responses of an interaction
                messages = self._call(handler, arguments, recording)
                self._returned = first, messages
            return chosen(messages, interaction, str(handler))
        except ProducerError as error:
            raise ProducerError(f"{error} ({handler.location})") from error

    def _call(self, handler: Handler, arguments: dict[str, Any], recording: Recording) -> Sequence[RecordedMessage]:
        """Call a producer, and commit what it wrote."""
        try:
            state = handler.set_up(arguments)
        finally:
            seconds = clock.seconds() - self.watch.began
            recording.record(queries=self.watch.queries, sql=tuple(self.watch.sql), request_seconds=seconds)
        recording.active.append(state)  # a generator function tears down after the response
        messages = messages_of(state.returned, str(handler))
        self.interactions.isolation.commit()
        return messages

    def _commit(self) -> None:
        """Commit in the middle of a producer. Queries of checks and callbacks are neither counted nor listed."""
        queries, recorded = self.watch.queries, len(self.watch.sql)
        self.interactions.isolation.commit()
        self.watch.queries = queries
        del self.watch.sql[recorded:]
