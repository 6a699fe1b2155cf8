"""Runs a program that ends with this process, together with all programs that it starts.

A program may be a wrapper around another one, and SIGKILL lets no process clean up. So this file, run as a script,
stands between: it starts the program in a process group and holds a pipe from this process. When the pipe closes, it
kills the group.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress


def run_guarded(command: Sequence[str], environ: Mapping[str, str], seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, without a terminal, and return its output.

    Raises:
        subprocess.TimeoutExpired: the program took longer than `seconds`, and was killed.
    """
    guard = [sys.executable, "-I", "-S", __file__, *command]
    held, alive = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603  # no shell
            guard,
            stdin=held,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environ,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # else Ctrl-C in a terminal would end the guard before the program
        )
    finally:
        os.close(held)
    with process:
        try:
            out, err = process.communicate(timeout=seconds)
        finally:
            os.close(alive)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def main() -> int:
    """Run the program that the arguments name, until it ends or standard input closes. Return its exit code."""
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603  # no shell

    def end() -> None:
        with suppress(OSError):
            if sys.platform == "win32":  # it has no process groups of that kind
                program.kill()
            else:
                os.killpg(program.pid, signal.SIGKILL)

    def end_with_starter() -> None:
        sys.stdin.buffer.read()
        end()

    threading.Thread(target=end_with_starter, daemon=True).start()
    code = program.wait()
    end()  # what a wrapper leaves
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    os._exit(main())  # without waiting for the thread
