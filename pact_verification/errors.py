"""What keeps a verification from running. Each says the value, what exists, and the next step."""


class CannotVerify(Exception):
    """The run could not start or could not go on: exit code 2. Its text is for the person at the console."""


class UnreadablePact(CannotVerify):
    """A file can't be read, or is a pact with parts of the wrong shape. `consumer` is empty where it is unknown."""

    def __init__(self, text: str, consumer: str = "") -> None:
        super().__init__(text)
        self.consumer = consumer


class BrokerError(CannotVerify):
    """The broker can't be asked, or refuses. Once all has been verified it is a result that was not published."""


class InvalidRegistration(CannotVerify):
    """A pact_states.py registers something that can't work: a name twice, a pattern that doesn't parse."""


class StateError(Exception):
    """A provider state could not be set up. It fails its own interaction, and no other."""


class NoAnswer(Exception):
    """A server that already runs gave no answer: nothing is known of the contract, so it was not verified."""


class NoAnswerInTime(NoAnswer):
    """It may have been about to: too slow, as a project in this process may be."""


class ResponseRefused(Exception):
    """A response is longer than the limit, or its status is none that HTTP allows as the last one."""


class Terminated(KeyboardInterrupt):
    """A signal to end, on its way up; its number is the argument.

    It is a KeyboardInterrupt for libraries that know that one: psycopg then cancels the query that it is at. A CREATE
    DATABASE that nobody cancels is carried out after the process has ended.
    """
