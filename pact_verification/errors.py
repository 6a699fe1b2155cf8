"""The exceptions. The text of each names what is wrong, the value, and what to do."""


class CannotVerify(Exception):
    """The run can't start or can't go on, and ends with exit code 2.

    The user reads the text.
    """


class UnreadablePact(CannotVerify):
    """A pact file that can't be read, or that has parts of the wrong shape.

    Attributes:
        consumer: the consumer that the file names, or None.
    """

    def __init__(self, text: str, consumer: str | None = None) -> None:
        super().__init__(text)
        self.consumer = consumer


class BrokerError(CannotVerify):
    """The broker does not answer or refuses a request.

    After the verification, results stay unpublished.
    """


class InvalidRegistration(CannotVerify):
    """A registration that can't work, such as a name twice or an invalid pattern."""


class StateError(Exception):
    """A provider state that could not be set up. Only its own interaction fails."""


class ProducerError(Exception):
    """A message that a producer could not give. Only its own interaction fails."""


class DatabaseLeftAlone(Exception):
    """The project asked for a connection to a database that the run leaves alone.

    It is no DatabaseError, since projects catch those and answer without the database.
    """


class ConnectionRefused(ConnectionRefusedError):
    """The project asked for a connection to a server that the run must not reach."""

    def __str__(self) -> str:
        return str(self.strerror)


class StillRefused(Exception):
    """The project asked for such a connection again and again.

    It is no OSError, since libraries catch those and try again without an end.
    """


class NoAnswer(Exception):
    """A deployed server gave no answer, so its interaction was not verified."""


class NoAnswerInTime(NoAnswer):
    """The project gave no answer within the time limit. It may only be slow.

    The text is empty, or names the place where the project waited.
    """


class ResponseRefused(Exception):
    """A response that is too long, or whose status can't end an exchange."""


class Terminated(KeyboardInterrupt):
    """A signal to end arrived. The argument is its number.

    It is a KeyboardInterrupt because psycopg cancels the running query for that exception. Without the cancellation
    PostgreSQL carries out a CREATE DATABASE after the process has ended.
    """
