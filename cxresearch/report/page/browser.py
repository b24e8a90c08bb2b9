"""A headless Chromium that cannot reach a network, driven over a pipe: to look at a page, and to print it.

Chromium's own protocol over two file descriptors needs no port and no package. Where there is no Chromium,
:func:`find_chromium` says so and nothing here is called.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_FLAGS = (
    "--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-sync",
    "--disable-default-apps", "--metrics-recording-only", "--mute-audio", "--hide-scrollbars",
    # Nothing outside answers: no name is resolved, and the only proxy is a port that refuses.
    "--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9", "--proxy-bypass-list=<-loopback>",
)  # fmt: skip
_LONGEST = 1 << 28  # bytes of one message; a printed page has a few million


class BrowserError(RuntimeError):
    """Chromium did not start, did not answer in time, or refused a command."""


def find_chromium() -> str | None:
    """The Chromium of this system (or the one CXRESEARCH_CHROMIUM names); None where there is none."""
    if sys.platform == "win32":
        return None  # no pipe to be had there
    named = os.environ.get("CXRESEARCH_CHROMIUM")
    return shutil.which(named) if named is not None else next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One open page. ``requests`` are the addresses it asked for, ``messages`` what the browser complained about."""

    def __init__(self, send: int, receive: int, deadline: float) -> None:
        self._send, self._receive, self._deadline = send, receive, deadline
        self._buffer, self._number, self._session = b"", 0, ""
        self.requests: list[str] = []
        self.messages: list[str] = []
        self.version = str(self.call("Browser.getVersion")["product"])
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")
        self.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)

    def open(self, file: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a file at a width, in light or dark; ``requests`` and ``messages`` begin anew."""
        self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.requests, self.messages = [], []
        self._loaded = False
        failed = self.call("Page.navigate", url=file.resolve().as_uri()).get("errorText")
        if failed:
            raise BrowserError(f"{file} could not be opened: {failed}.")
        while not self._loaded:
            self._take(self._next())
        # The page itself is no request to anybody.
        self.requests = [url for url in self.requests if url != file.resolve().as_uri()]

    def resize(self, width: int, height: int = 900) -> None:
        """Give the page another window."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression (or of its promise) in the page; its policy does not bind us."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise BrowserError(f"the page raised {done['exceptionDetails'].get('exception', {}).get('description')}")
        return done["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Press and release a key, such as ("ArrowRight", 39), where the focus is."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def pdf(self) -> bytes:
        """The page as its print style has it, A4 by the page's own rule, tagged for screen readers."""
        made = self.call(
            "Page.printToPDF", printBackground=True, preferCSSPageSize=True, generateTaggedPDF=True,
            generateDocumentOutline=True,
        )  # fmt: skip
        return base64.b64decode(made["data"])

    def screenshot(self) -> bytes:
        """A PNG of what the window shows."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command of the DevTools protocol and return its result."""
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        try:
            os.write(self._send, json.dumps(message).encode() + b"\0")
        except OSError as error:
            raise BrowserError(f"Chromium ended before {method}.") from error
        while True:
            answer = self._next()
            if answer.get("id") == number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error'].get('message')}.")
                result: dict[str, Any] = answer["result"]
                return result
            self._take(answer)

    def _take(self, event: dict[str, Any]) -> None:
        given = event.get("params", {})
        match event.get("method"):
            case "Network.requestWillBeSent":
                url = given["request"]["url"]
                if not url.startswith("data:"):
                    self.requests.append(url)
            case "Log.entryAdded" if given["entry"]["level"] in ("error", "warning"):
                self.messages.append(given["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.messages.append(given["exceptionDetails"]["text"])
            case "Page.loadEventFired":
                self._loaded = True

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            left = self._deadline - time.monotonic()
            if left <= 0 or not select.select([self._receive], [], [], left)[0]:
                raise BrowserError("Chromium did not answer in time.")
            part = os.read(self._receive, 1 << 20)
            if not part:
                raise BrowserError("Chromium ended by itself.")
            self._buffer += part
            if len(self._buffer) > _LONGEST and b"\0" not in part:
                raise BrowserError("what answered is no Chromium.")
        message, _, self._buffer = self._buffer.partition(b"\0")
        try:
            decoded = json.loads(message)
        except ValueError:
            decoded = None
        if not isinstance(decoded, dict):
            raise BrowserError("what answered is no Chromium.")
        return decoded


@contextmanager
def chromium(*, limit_s: float = 60.0) -> Iterator[Page]:
    """A new Chromium with a profile of its own that ends with the block, whatever happens in it.

    Raises BrowserError where there is none, and after ``limit_s`` seconds in all.
    """
    path = find_chromium()
    if path is None:
        raise BrowserError("there is no Chromium on this system.")
    profile = tempfile.mkdtemp(prefix="cxr-browser-")
    # Above 10, so that putting them at 3 and 4 in the child cannot write over one another.
    pipes = [os.pipe(), os.pipe()]
    (to_read, to_write), (from_read, from_write) = (tuple(_high(end) for end in pipe) for pipe in pipes)
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    try:
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            child = os.posix_spawn(
                path, [path, *_FLAGS, *root, f"--user-data-dir={profile}", "about:blank"],
                {**os.environ, "HOME": profile}, setpgroup=0,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2),
                    (os.POSIX_SPAWN_DUP2, to_read, 3), (os.POSIX_SPAWN_DUP2, from_write, 4),
                ],
            )  # fmt: skip
        except OSError as error:
            for end in (to_write, from_read):
                os.close(end)
            raise BrowserError(f"{path} cannot be started: {error.strerror}.") from error
        finally:
            for end in (null, to_read, from_write):
                os.close(end)
        try:
            yield Page(to_write, from_read, time.monotonic() + limit_s)
        finally:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(to_write)
            os.close(from_read)
    finally:
        shutil.rmtree(profile, ignore_errors=True)


def _high(end: int) -> int:
    high = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(end)
    return high


def write_pdf(page: Path, target: Path) -> None:
    """Print ``page`` to ``target`` (A4); the whole file or none. Raises BrowserError."""
    with chromium() as browser:
        browser.open(page)
        data = browser.pdf()
    aside = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        aside.write_bytes(data)
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
