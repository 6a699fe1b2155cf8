"""What the live server is doing now, readable from another process even after the server has ended."""

import struct
import threading
from dataclasses import dataclass
from mmap import mmap

from pact_verification.system import clock

SIZE = 4096
_HEAD = struct.Struct("=IiH")  # phase, number of the interaction, length of the text
_HELD, _SEEN = SIZE - 2, SIZE - 1

SEEN_SECONDS = 1.0
"""How long the writer waits until the reader has seen that the run is held."""


@dataclass(frozen=True, slots=True)
class Glance:
    """One look at a board.

    Attributes:
        phase: odd while the project's code runs. It grows when that code starts or returns.
        number: the interaction's number in its pact, from 0; -1 before the first.
        doing: which code runs, such as "the state 'a product exists'".
        held: whether a person looks at the run, so that no time limit counts.
    """

    phase: int
    number: int
    doing: str
    held: bool = False

    @property
    def busy(self) -> bool:
        """Whether the project's code runs."""
        return self.phase % 2 == 1


class Board:
    """A few bytes that the server's thread writes and another thread or process reads.

    To send a message, the writer would have to be alive and to hold Python's lock. Shared memory can be read after
    `os._exit()`, and while a regular expression never ends.

    Args:
        memory: shared by the writer and the reader, and filled with zeros at first.
    """

    def __init__(self, memory: bytearray | mmap | None = None) -> None:
        self._memory = memory if memory is not None else bytearray(SIZE)
        self._phase = 0
        self._looked_at = (-1, 0.0)

    def begin(self, number: int, doing: str) -> None:
        """Write that the project's code starts to run."""
        self._phase += 1 + self._phase % 2
        self.write(number, doing)

    def write(self, number: int, doing: str) -> None:
        """Write which code runs, within the same phase."""
        text = doing.encode(errors="replace")[: _HELD - _HEAD.size]
        self._memory[_HEAD.size : _HEAD.size + len(text)] = text
        _HEAD.pack_into(self._memory, 0, self._phase, number, len(text))

    def end(self) -> None:
        """Write that the project's code has returned."""
        self._phase += self._phase % 2
        struct.pack_into("=I", self._memory, 0, self._phase)

    def look(self) -> Glance:
        """Read the board."""
        phase, number, length = _HEAD.unpack_from(self._memory)
        if phase == 0:
            return Glance(0, -1, "", held=self.held)
        text = bytes(self._memory[_HEAD.size : _HEAD.size + length])
        return Glance(phase, number, text.decode(errors="replace"), held=self.held)

    @property
    def held(self) -> bool:
        """Whether a person looks at the run. Each side may write and read it."""
        return bool(self._memory[_HELD])

    @held.setter
    def held(self, held: bool) -> None:
        self._memory[_SEEN] = 0
        self._memory[_HELD] = held

    def note_seen(self) -> None:
        """Write that the reader has seen that the run is held."""
        self._memory[_SEEN] = 1

    def wait_until_seen(self) -> None:
        """Wait until the reader has seen that the run is held."""
        until = clock.seconds() + SEEN_SECONDS
        pause = threading.Event()
        while not self._memory[_SEEN] and clock.seconds() < until:
            pause.wait(0.005)

    def same_for(self) -> float:
        """Return the seconds since a look first saw the present phase, or last saw that the run was held."""
        glance, now = self.look(), clock.seconds()
        if glance.held or glance.phase != self._looked_at[0]:
            self._looked_at = (glance.phase, now)
        return now - self._looked_at[1]

    def busy_for(self) -> float:
        """Return the same while the project's code runs, and 0 while it does not."""
        seconds = self.same_for()
        return seconds if self.look().busy else 0.0
