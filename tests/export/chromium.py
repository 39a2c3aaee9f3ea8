"""Headless Chromium over its DevTools protocol, by a pair of pipes: no package beside the browser is needed."""

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""The browser, None where there is none."""

_OPTIONS = ("--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage")

# The browser finds the protocol's pipes at the descriptors 3 and 4.
_START = """
import fcntl, os, sys
pipes = [fcntl.fcntl(int(pipe), fcntl.F_DUPFD_CLOEXEC, 10) for pipe in sys.argv[1:3]]
os.dup2(pipes[0], 3)
os.dup2(pipes[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Page:
    """A page; waits for no answer longer than `seconds` from its making.

    Args:
        send: Descriptor that the browser reads from.
        receive: Descriptor that it writes to.
        seconds: The time that all calls have together.
    """

    def __init__(self, send: int, receive: int, seconds: float) -> None:
        self._send, self._receive = send, receive
        self._end = time.monotonic() + seconds
        self._buffer = b""
        self._number = 0
        self._session: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []  # what the browser reported unasked, of domains that were enabled

    def open(self, url: str) -> None:
        """Opens an address."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        self.call("Page.navigate", url=url)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method of the protocol, https://chromedevtools.github.io/devtools-protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **self._session}
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while (answer := self._message()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def evaluate(self, expression: str) -> Any:
        """Returns the value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, expression: str) -> Any:
        """Waits until an expression is true, and returns its value."""
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < self._end, f"{expression} stays {value!r}"
            time.sleep(0.1)
        return value

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            left = max(0.0, self._end - time.monotonic())
            assert select.select([self._receive], [], [], left)[0], "the browser does not answer"
            part = os.read(self._receive, 1 << 16)
            assert part, "the browser is gone"
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)


@contextlib.contextmanager
def browser(profile: Path, seconds: float) -> Iterator[Page]:
    """Starts a browser and ends it.

    Args:
        profile: An empty folder for what it keeps.
        seconds: The time that the page has.
    """
    assert PROGRAM is not None
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    options = (*_OPTIONS, f"--user-data-dir={profile}", *(["--no-sandbox"] if os.getuid() == 0 else []))
    command = (sys.executable, "-c", _START, str(in_read), str(out_write), PROGRAM, *options)
    process = subprocess.Popen(command, pass_fds=(in_read, out_write), stderr=subprocess.DEVNULL)
    try:
        os.close(in_read)
        os.close(out_write)
        yield Page(in_write, out_read, seconds)
    finally:
        process.kill()
        process.wait()
        os.close(in_write)
        os.close(out_read)
