"""A run goes where it is wanted, and the right people are told: every byte, no password, nobody on a wrong list."""

from __future__ import annotations

import email
import email.policy
import ssl
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.report.archive import deliver
from tests.report.archive.conftest import write_run


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


@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "RCPT"])
def test_a_connection_that_breaks_before_the_message_has_left_is_made_again(post, finished, verb, capsys):
    post.cut = [verb, verb]
    _, (message,) = told(post, finished)
    assert post.calls == 3
    assert message["Subject"] == "Waiting, February 1999 (Complete)"
    assert capsys.readouterr().err.count("tried again in") == 2


def test_a_connection_that_breaks_after_the_message_has_left_sends_it_once(post, finished):
    post.cut = ["."]
    with pytest.raises(deliver.DeliveryError, match="whether it arrived is not known, and it is not sent twice"):
        told(post, finished)
    assert (len(post.letters), post.calls) == (1, 1)


def test_an_end_that_goes_wrong_sends_nothing_twice(post, finished):
    post.cut = ["QUIT"]
    _, letters = told(post, finished)
    assert (len(letters), post.calls) == (1, 1)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_is_busy_is_asked_again(post, finished, verb):
    post.refuse, post.answer = verb, b"451 later"
    _, letters = told(post, finished)
    assert (len(letters), post.calls) == (1, 2)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_refusal_is_taken_at_its_word(post, finished, verb):
    post.refuse = verb
    with pytest.raises(deliver.DeliveryError, match="not you"):
        told(post, finished)
    assert (post.letters, post.calls) == ([], 1)


@pytest.mark.parametrize(("answer", "calls"), [(b"550 unknown", 1), (b"450 full", 2)])
def test_who_was_told_is_not_told_again_for_another_who_was_not(post, finished, answer, calls):
    post.refuse, post.answer = "rcpt TO:<gone@bank.test>", answer
    people = ["board@bank.test", "gone@bank.test"]
    if calls == 1:
        with pytest.raises(deliver.DeliveryError, match=r"for gone@bank\.test: 550 unknown"):
            told(post, finished, on_success=people)
    else:
        told(post, finished, on_success=people)
    assert [to for to, _ in post.letters] == [["board@bank.test"], ["gone@bank.test"]][:calls]
    assert post.calls == calls
    assert len({message["Message-ID"] for _, message in post.letters}) == 1


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
        ({"on_alert": ["a b@c.test"]}, "is no address"),
        ({"link": "https://x.test/{report.__class__}"}, r"holds \{report.__class__\}; only \{report\} and \{period\}"),
        ({"link": "https://x.test/{0}"}, r"holds \{0\}"),
        ({"link": "https://x.test/{}"}, r"holds \{\}"),
        ({"link": "https://x.test/{report[0]}"}, r"holds \{report\[0\]\}"),
        ({"link": "https://x.test/{report!r}"}, r"holds \{report!r\}"),
        ({"link": "https://x.test/{period:>99999999}"}, r"holds \{period:>99999999\}"),
        ({"link": "https://x.test/{report"}, "a brace that opens or closes nothing"),
        ({"link": "https://x.test/report}"}, "a brace that opens or closes nothing"),
        ({"link": "javascript:alert(1)"}, "leads nowhere"),
        ({"link": "file:///srv/{report}"}, "leads nowhere"),
        ({"link": "reports/{report}"}, "leads nowhere"),
        ({"link": "https:///{report}"}, "leads nowhere"),
        ({"link": "https://[x/{report}"}, "leads nowhere"),
        ({"link": "https://x.test/a b"}, "leads nowhere"),
        ({"link": 'https://x.test/"onclick'}, "leads nowhere"),
        ({"link": "https://x.test/\r\nBcc:"}, "leads nowhere"),
        ({"link": "mailto:"}, "leads nowhere"),
        ({"link": "https://a:b@x.test/"}, "holds a password"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(changes, message):
    with pytest.raises(deliver.DeliveryError, match=message):
        deliver.load_mail(settings() | changes)


@pytest.mark.parametrize(
    "link", ["", "https://x.test/{report}/{period}", "http://x.test", "mailto:reports@x.test?subject={report}"]
)
def test_links_that_lead_somewhere_are_taken(link):
    assert deliver.load_mail(settings() | {"link": link}).link == link


@given(st.text(alphabet="{}:!.[]_reportpid0 abc/%", max_size=30))
def test_no_link_that_is_taken_fails_later_or_reads_more_than_it_may(text):
    try:
        link = deliver.checked_link(f"https://x.test/{text}", "[email]")
    except deliver.DeliveryError:
        return
    filled = deliver.filled(link, report="monthly", period="1999-02")
    assert filled.startswith("https://x.test/")
    assert "<" not in filled


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
        return AuthResult(success=data.password == b"correct horse", handled=False)

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
