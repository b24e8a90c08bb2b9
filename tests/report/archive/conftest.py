"""A finished run and a mail server, as several test files of this folder take them."""

from __future__ import annotations

import email
import email.policy
import json
import socketserver
import threading

import pytest


@pytest.fixture
def finished(tmp_path):
    """A finished run as it stands in the folder of reports."""
    folder = tmp_path / "reports" / "monthly" / "1999-02"
    (folder / "notebooks").mkdir(parents=True)
    (folder / "figures").mkdir()
    (folder / "report.html").write_text("<!doctype html><p>Grüße</p>", encoding="utf-8")
    (folder / "figures" / "01.png").write_bytes(b"\x00\x01PNG")
    (folder / "notebooks" / "05.ipynb").write_text("{}")
    write_run(folder)
    return folder


def write_run(folder, **changes):
    run = {"report": "monthly", "title": "Waiting", "period": "1999-02", "period_label": "February 1999"}
    run |= {"status": "complete", "reason": "", "simulated": False, "newest_record": "1999-02-28 23:58:10"}
    run |= {"points": [["More people gave up.", "21.9 % <b> of those who queued."]]} | changes
    (folder / "run.json").write_text(json.dumps(run))


class Post(socketserver.ThreadingTCPServer):
    """A mail server that speaks just enough SMTP, and keeps what it was given."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, refuse=""):
        # ``cut``: the commands at which the connection breaks, each once; "." is the end of a message.
        self.letters, self.refuse, self.answer, self.cut, self.calls = [], refuse, b"550 not you", [], 0
        super().__init__(("127.0.0.1", 0), _Talk)


class _Talk(socketserver.StreamRequestHandler):
    def handle(self):
        people = []
        self.server.calls += 1
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if self.cuts(verb):
                return
            if self.server.refuse and self.server.refuse in (verb, line):
                self.wfile.write(self.server.answer + b"\r\n")
                if self.server.answer.startswith(b"4"):
                    self.server.refuse = ""
            elif verb == "DATA":
                self.wfile.write(b"354 go on\r\n")
                body = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    body += part[1:] if part.startswith(b"..") else part
                message = email.message_from_bytes(body, policy=email.policy.default)
                self.server.letters.append((people, message))
                if self.cuts("."):
                    return
                self.wfile.write(b"250 taken\r\n")
            else:
                if verb == "RCPT":
                    people.append(line.split("<")[1].split(">")[0])
                self.wfile.write(b"221 bye\r\n" if verb == "QUIT" else b"250 yes\r\n")
                if verb == "QUIT":
                    return

    def cuts(self, verb):
        if verb in self.server.cut:
            self.server.cut.remove(verb)
            return True
        return False


@pytest.fixture
def post():
    server = Post()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
