"""Messages to chats: Apprise is asked for only where it is wanted, and no token stands anywhere."""

from __future__ import annotations

import http.server
import json
import threading

import pytest

from cxresearch.report.archive import messages
from cxresearch.report.archive.deliver import DeliveryError
from tests.report.archive.conftest import write_run


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"on_sucess": []}, "did you mean 'on_success'"),
        ({"on_alert": "TEAM"}, "on_alert is a list of names of environment variables"),
        ({"on_alert": ["slack://secret-token/x/y"]}, "on_alert is a list of names of environment variables"),
        ({"on_alert": [7]}, "on_alert is a list of names"),
        ({"link": 7}, "link is a text"),
        ({"link": "https://x.test/{report.name}"}, r"\[messages\]: link holds"),
    ],
)
def test_what_cannot_be_right_is_refused_without_repeating_a_token(table, message):
    with pytest.raises(DeliveryError, match=message) as refusal:
        messages.load_messages(table)
    assert "secret-token" not in str(refusal.value)


def test_where_apprise_is_not_installed_that_is_said(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DeliveryError, match=r"pip install 'cxresearch\[alerts\]'"):
        messages.require(messages.load_messages({"on_alert": ["TEAM"]}))
    messages.require(messages.load_messages({}))  # nobody is to be told: nothing is needed


@pytest.fixture
def apprise():
    return pytest.importorskip("apprise", reason="Apprise is not installed: pip install 'cxresearch[alerts]'")


def test_a_variable_that_is_not_set_or_holds_no_address_is_said(apprise, monkeypatch):
    wanted = messages.load_messages({"on_alert": ["TEAM"]})
    monkeypatch.delenv("TEAM", raising=False)
    with pytest.raises(DeliveryError, match="environment variable TEAM, which is not set"):
        messages.require(wanted)
    monkeypatch.setenv("TEAM", "nothing-that-is-secret")
    with pytest.raises(DeliveryError, match="holds no address that Apprise knows") as refusal:
        messages.require(wanted)
    assert "nothing-that-is-secret" not in str(refusal.value)
    monkeypatch.setenv("TEAM", "json://127.0.0.1/token")
    messages.require(wanted)


class Chat(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.said.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.code)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def chat(monkeypatch):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    server.said, server.code = [], 200
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setenv("TEAM", f"json://127.0.0.1:{server.server_address[1]}/secret-token")
    yield server
    server.shutdown()
    server.server_close()


def test_a_run_is_told_with_its_points_and_where_it_stands(apprise, chat, finished):
    wanted = messages.load_messages({"on_success": ["TEAM"], "link": "https://x.test/{report}/{period}"})
    write_run(finished, simulated=True)
    assert messages.send_messages(wanted, finished) == ("TEAM",)
    (said,) = chat.said
    assert said["title"] == "SIMULATED data: Waiting, February 1999 (Complete)"
    assert "- More people gave up. 21.9 % <b> of those who queued." in said["message"]
    assert "https://x.test/monthly/1999-02" in said["message"]


@pytest.mark.parametrize("code", [403, 500])
def test_a_message_that_is_not_taken_is_told_once_and_without_its_token(apprise, chat, finished, capsys, caplog, code):
    chat.code = code
    with pytest.raises(DeliveryError, match="the message to TEAM was not taken") as refusal:
        messages.send_messages(messages.load_messages({"on_success": ["TEAM"]}), finished)
    assert len(chat.said) == 1
    assert "secret-token" not in str(refusal.value) + capsys.readouterr().err + caplog.text


def test_a_failure_goes_to_others(apprise, chat, finished):
    write_run(finished, status="failed", reason="02-waits: cell 3 of 9")
    assert messages.send_messages(messages.load_messages({"on_success": ["TEAM"]}), finished) == ()
    assert messages.send_messages(messages.load_messages({"on_failure": ["TEAM"]}), finished) == ("TEAM",)
    assert "cell 3 of 9" in chat.said[0]["message"]
