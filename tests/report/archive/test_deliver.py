"""A run goes where it is wanted, and the right people are told: every byte, no password, nobody on a wrong list."""

from __future__ import annotations

import email
import email.policy
import json
import socketserver
import ssl
import threading
from typing import ClassVar

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from cxresearch.exhibits import POINTS
from cxresearch.report.archive import deliver


@pytest.fixture
def finished(tmp_path):
    """A finished run as it stands in the folder of reports."""
    folder = tmp_path / "reports" / "monthly" / "1999-02"
    (folder / "notebooks").mkdir(parents=True)
    (folder / "figures").mkdir()
    (folder / "report.html").write_text("<!doctype html><p>Grüße</p>", encoding="utf-8")
    (folder / "figures" / "01.png").write_bytes(b"\x00\x01PNG")
    points = {"points": [["More people gave up.", "21.9 % <b> of those who queued."]]}
    cell = new_code_cell("x", outputs=[new_output("display_data", data={POINTS: points})], execution_count=1)
    nbformat.write(new_notebook(cells=[cell]), folder / "notebooks" / "05.ipynb")
    write_run(folder)
    return folder


def write_run(folder, **changes):
    run = {"report": "monthly", "title": "Waiting", "period": "1999-02", "period_label": "February 1999"}
    run |= {"status": "complete", "reason": "", "simulated": False, "newest_record": "1999-02-28 23:58:10"} | changes
    (folder / "run.json").write_text(json.dumps(run))


# Storing ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def fsspec():
    return pytest.importorskip("fsspec")


@pytest.mark.parametrize("kind", ["memory", "file", "folder"])
def test_every_byte_arrives_at_any_address(finished, tmp_path, fsspec, kind):
    address = {"memory": "memory://kept/reports", "file": (tmp_path / "to").as_uri(), "folder": str(tmp_path / "to")}[
        kind
    ]
    target = deliver.store(finished, address)
    assert target.endswith("monthly/1999-02")
    system, root = fsspec.core.url_to_fs(target)
    there = {str(path).removeprefix(root).lstrip("/"): system.cat_file(path) for path in system.find(root)}
    here = {p.relative_to(finished).as_posix(): p.read_bytes() for p in finished.rglob("*") if p.is_file()}
    assert there == here
    if kind == "memory":
        system.rm("/kept", recursive=True)


def test_a_second_run_replaces_the_first_and_leaves_nothing_of_it(finished, tmp_path, fsspec):
    deliver.store(finished, str(tmp_path / "to"))
    (finished / "figures" / "01.png").rename(finished / "figures" / "02.png")
    (finished / "report.html").write_text("second")
    other = tmp_path / "to" / "monthly" / "1999-01" / "report.html"
    other.parent.mkdir(parents=True)
    other.write_text("another period")
    deliver.store(finished, str(tmp_path / "to"))
    target = tmp_path / "to" / "monthly" / "1999-02"
    assert (target / "report.html").read_text() == "second"
    assert [p.name for p in (target / "figures").iterdir()] == ["02.png"]
    assert other.read_text() == "another period"


def test_the_report_comes_after_what_belongs_to_it_and_run_json_at_the_end(finished, fsspec, monkeypatch):
    memory, order = fsspec.filesystem("memory"), []
    put = type(memory).put_file
    monkeypatch.setattr(
        type(memory), "put_file", lambda self, here, there, **kw: (order.append(there), put(self, here, there, **kw))
    )
    deliver.store(finished, "memory://ordered")
    assert [name.rsplit("/", 1)[1] for name in order[-2:]] == ["report.html", "run.json"]
    assert len(order) == 4
    memory.rm("/ordered", recursive=True)


@pytest.mark.parametrize(
    ("address", "message"),
    [("nosuchthing://x", "could not be stored"), ("ftp://user:secret@host/x", "holds a password")],
)
def test_an_address_that_cannot_be_is_refused(finished, fsspec, address, message):
    with pytest.raises(deliver.DeliveryError, match=message):
        deliver.store(finished, address)


def test_a_folder_without_a_run_is_not_stored(tmp_path):
    with pytest.raises(deliver.DeliveryError, match=r"no run\.json"):
        deliver.store(tmp_path, "memory://x")


def test_every_byte_arrives_in_an_object_store_and_a_second_run_replaces_the_first(finished, reached, fsspec):
    target = deliver.store(finished, "s3://kept/reports")
    assert target == "s3://kept/reports/monthly/1999-02"
    (finished / "figures" / "01.png").rename(finished / "figures" / "02.png")
    (finished / "report.html").write_text("second")
    deliver.store(finished, "s3://kept/reports")
    system, root = fsspec.core.url_to_fs(target)
    there = {str(path).removeprefix(root).lstrip("/"): system.cat_file(path) for path in system.find(root)}
    assert there == {p.relative_to(finished).as_posix(): p.read_bytes() for p in finished.rglob("*") if p.is_file()}


def test_a_bucket_that_is_not_there_is_told(finished, reached):
    with pytest.raises(deliver.DeliveryError, match=r"could not be stored at s3://lost: .*lost"):
        deliver.store(finished, "s3://lost")


# Mail -------------------------------------------------------------------------------------------------------------


class Post(socketserver.ThreadingTCPServer):
    """A mail server that speaks just enough SMTP, and keeps what it was given."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, refuse=""):
        self.letters, self.refuse = [], refuse
        super().__init__(("127.0.0.1", 0), _Talk)


class _Talk(socketserver.StreamRequestHandler):
    def handle(self):
        people = []
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if self.server.refuse and verb == self.server.refuse:
                self.wfile.write(b"550 not you\r\n")
            elif verb == "DATA":
                self.wfile.write(b"354 go on\r\n")
                body = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    body += part[1:] if part.startswith(b"..") else part
                message = email.message_from_bytes(body, policy=email.policy.default)
                self.server.letters.append((people, message))
                self.wfile.write(b"250 taken\r\n")
            else:
                if verb == "RCPT":
                    people.append(line.split("<")[1].split(">")[0])
                self.wfile.write(b"221 bye\r\n" if verb == "QUIT" else b"250 yes\r\n")
                if verb == "QUIT":
                    return


@pytest.fixture
def post():
    server = Post()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def settings(port=587, **changes):
    return {
        "server": "127.0.0.1", "port": port, "security": "none", "sender": "reports@bank.test",
        "on_success": ["board@bank.test"], "on_failure": ["data@bank.test"], "timeout_s": 5,
    } | changes  # fmt: skip


def told(post, finished, **changes):
    people = deliver.send(deliver.load_mail(settings(post.server_address[1], **changes)), finished)
    return people, [message for _, message in post.letters]


def test_a_good_report_goes_to_its_readers_with_points_and_page(post, finished):
    people, (message,) = told(post, finished)
    assert people == ("board@bank.test",)
    assert post.letters[0][0] == ["board@bank.test"]
    assert message["Subject"] == "Waiting, February 1999 (Complete)"
    text = message.get_body(("plain",)).get_content()
    assert "- More people gave up. 21.9 % <b> of those who queued." in text
    assert "Newest record 28 February 1999, 23:58." in text
    page = message.get_body(("html",)).get_content()
    assert "<li><strong>More people gave up.</strong> 21.9 % &lt;b&gt; of those who queued.</li>" in page
    (attached,) = message.iter_attachments()
    assert attached.get_filename() == "monthly-1999-02.html"
    assert attached.get_content() == "<!doctype html><p>Grüße</p>"


def test_the_brief_is_attached_before_the_whole_report(post, finished):
    (finished / "brief.html").write_text("<!doctype html><p>Two pages</p>", encoding="utf-8")
    _, (message,) = told(post, finished)
    names = [one.get_filename() for one in message.iter_attachments()]
    assert names == ["monthly-1999-02-brief.html", "monthly-1999-02.html"]


def test_a_failure_goes_to_those_who_mend_it_without_a_page(post, finished):
    (finished / "report.html").unlink()
    write_run(finished, status="failed", reason="02-waits: cell 3 of 9\nraised ValueError")
    people, (message,) = told(post, finished)
    assert people == ("data@bank.test",)
    assert message["Subject"] == "Waiting, February 1999 (Failed)"
    text = message.get_body(("plain",)).get_content()
    assert "What went wrong: 02-waits: cell 3 of 9 raised ValueError" in text
    assert "More people gave up" not in text
    assert not list(message.iter_attachments())


def test_a_partial_report_goes_to_both(post, finished):
    write_run(finished, status="partial", simulated=True)
    people, (message,) = told(post, finished)
    assert people == ("board@bank.test", "data@bank.test")
    assert message["Subject"] == "SIMULATED data: Waiting, February 1999 (Incomplete)"


def test_a_link_instead_of_the_page(post, finished):
    _, (message,) = told(post, finished, attach=False, link="https://reports.test/{report}/{period}/report.html")
    assert not list(message.iter_attachments())
    for part in ("plain", "html"):
        assert "https://reports.test/monthly/1999-02/report.html" in message.get_body((part,)).get_content()


def test_another_language(post, finished):
    deliver.send(deliver.load_mail(settings(post.server_address[1])), finished, language="pl")
    assert post.letters[0][1]["Subject"] == "Waiting, February 1999 (Kompletny)"


def test_nobody_on_the_list_sends_nothing(post, finished):
    assert told(post, finished, on_success=[]) == ((), [])


def test_a_title_cannot_add_lines_to_the_head(post, finished):
    write_run(finished, title="Waiting\r\nBcc: everybody@bank.test")
    _, (message,) = told(post, finished)
    assert message["Bcc"] is None
    assert post.letters[0][0] == ["board@bank.test"]


@pytest.mark.parametrize("verb", ["RCPT", "DATA"])
def test_a_server_that_refuses_is_told_and_the_report_stands(post, finished, verb):
    post.refuse = verb
    with pytest.raises(deliver.DeliveryError, match="did not take the message"):
        told(post, finished)
    assert (finished / "report.html").is_file()


def test_no_server_is_told(finished):
    with pytest.raises(deliver.DeliveryError, match=r"127\.0\.0\.1:9 did not"):
        deliver.send(deliver.load_mail(settings(9)), finished)


def test_the_password_comes_from_the_environment_and_stands_nowhere(post, finished, monkeypatch):
    monkeypatch.delenv(deliver.PASSWORD, raising=False)
    with pytest.raises(deliver.DeliveryError, match=deliver.PASSWORD):
        told(post, finished, user="reports")
    monkeypatch.setenv(deliver.PASSWORD, "correct horse")
    given = []
    monkeypatch.setattr("smtplib.SMTP.login", lambda self, user, password: given.append((user, password)))
    _, (message,) = told(post, finished, user="reports")
    assert given == [("reports", "correct horse")]
    assert "correct horse" not in message.as_string()
    assert "correct horse" not in repr(deliver.load_mail(settings(user="reports")))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"password": "x"}, "no password in the file"),
        ({"sever": "x"}, "did you mean 'server'"),
        ({"server": ""}, "server is missing"),
        ({"port": "25"}, "port has the wrong type"),
        ({"security": "ssl"}, "security is"),
        ({"server": "mail.bank.test"}, "for a server on this machine"),
        ({"on_success": ["board"]}, "'board' is no address"),
        ({"on_failure": ["a@b.test, c@d.test"]}, "is no address"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(changes, message):
    with pytest.raises(deliver.DeliveryError, match=message):
        deliver.load_mail(settings() | changes)


def on_any_port(box, **options):
    """An aiosmtpd server on a port that the system chooses."""
    controller = pytest.importorskip("aiosmtpd.controller", reason="aiosmtpd is not installed")

    class OnAnyPort(controller.Controller):
        def _trigger_server(self):
            self.port = self.server.sockets[0].getsockname()[1]  # the one the system gave for 0
            super()._trigger_server()

    return OnAnyPort(box, hostname="127.0.0.1", port=0, ready_timeout=10, **options)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_letter_travels_encrypted_or_not_at_all(finished, tmp_path, monkeypatch, security):
    trustme = pytest.importorskip("trustme", reason="trustme is not installed")
    letters = []

    class Box:
        async def handle_DATA(self, server, session, envelope):  # noqa: N802 the name aiosmtpd calls
            letters.append((session.ssl is not None or security == "tls", envelope.rcpt_tos))
            return "250 taken"

    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    if security == "starttls":
        server = on_any_port(Box(), tls_context=context, require_starttls=True)
    else:
        server = on_any_port(Box(), ssl_context=context)
    server.start()
    try:
        mail = deliver.load_mail(settings(server.port, security=security))
        # Nobody vouches for this server yet: it could be anybody's.
        with pytest.raises(deliver.DeliveryError, match=r"(?i)certificate"):
            deliver.send(mail, finished)
        assert not letters
        authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        deliver.send(mail, finished)
    finally:
        server.stop()
    assert letters == [(True, ["board@bank.test"])]


def test_a_server_that_cannot_encrypt_gets_no_letter(post, finished):
    with pytest.raises(deliver.DeliveryError, match=r"(?i)starttls"):
        told(post, finished, security="starttls")
    assert not post.letters


def test_a_full_mail_server_takes_it_with_name_and_password(finished, monkeypatch):
    """aiosmtpd speaks the whole protocol: log-in, both recipients, a page of long lines."""
    pytest.importorskip("aiosmtpd", reason="aiosmtpd is not installed")
    from aiosmtpd.smtp import AuthResult

    class Box:
        letters: ClassVar[list] = []

        async def handle_DATA(self, server, session, envelope):  # noqa: N802 the name aiosmtpd calls
            self.letters.append(
                (envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=email.policy.default))
            )
            return "250 taken"

    known = []

    def authenticate(server, session, envelope, mechanism, data):
        known.append((data.login, data.password))
        return AuthResult(success=data.password == b"correct horse")

    (finished / "report.html").write_text("<p>" + "x ü " * 50_000, encoding="utf-8")
    write_run(finished, status="partial")
    options = {"authenticator": authenticate, "auth_require_tls": False, "auth_required": True}

    server = on_any_port(Box(), **options)
    server.start()
    try:
        mail = deliver.load_mail(settings(server.port, user="reports"))
        monkeypatch.setenv(deliver.PASSWORD, "wrong")
        with pytest.raises(deliver.DeliveryError, match="did not take"):
            deliver.send(mail, finished)
        monkeypatch.setenv(deliver.PASSWORD, "correct horse")
        deliver.send(mail, finished)
    finally:
        server.stop()
    ((people, message),) = Box.letters
    assert people == ["board@bank.test", "data@bank.test"]
    assert known[-1] == (b"reports", b"correct horse")
    (attached,) = message.iter_attachments()
    assert attached.get_content() == (finished / "report.html").read_text(encoding="utf-8")
