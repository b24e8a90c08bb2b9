"""A run arrives whole wherever it is kept: every byte, the report last, nothing of an older one left."""

from __future__ import annotations

import contextlib
import http.server
import threading

import pytest
from obstore.exceptions import PermissionDeniedError

from cxresearch.report.archive import stores
from cxresearch.report.archive.deliver import DeliveryError
from tests.report.archive.conftest import write_run


@pytest.fixture
def fsspec():
    return pytest.importorskip("fsspec")


@pytest.mark.parametrize("kind", ["memory", "file", "folder"])
def test_every_byte_arrives_at_any_address(finished, tmp_path, fsspec, kind):
    address = {"memory": "memory://kept/reports", "file": (tmp_path / "to").as_uri(), "folder": str(tmp_path / "to")}[
        kind
    ]
    target = stores.store(finished, address)
    assert target.endswith("monthly/1999-02")
    system, root = fsspec.core.url_to_fs(target)
    there = {str(path).removeprefix(root).lstrip("/"): system.cat_file(path) for path in system.find(root)}
    here = {p.relative_to(finished).as_posix(): p.read_bytes() for p in finished.rglob("*") if p.is_file()}
    assert there == here
    if kind == "memory":
        system.rm("/kept", recursive=True)


def test_a_second_run_replaces_the_first_and_leaves_nothing_of_it(finished, tmp_path, fsspec):
    stores.store(finished, str(tmp_path / "to"))
    (finished / "figures" / "01.png").rename(finished / "figures" / "02.png")
    (finished / "report.html").write_text("second")
    other = tmp_path / "to" / "monthly" / "1999-01" / "report.html"
    other.parent.mkdir(parents=True)
    other.write_text("another period")
    stores.store(finished, str(tmp_path / "to"))
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
    stores.store(finished, "memory://ordered")
    assert [name.rsplit("/", 1)[1] for name in order[-2:]] == ["report.html", "run.json"]
    assert len(order) == 4
    memory.rm("/ordered", recursive=True)


@pytest.mark.parametrize(
    ("address", "message"),
    [("nosuchthing://x", "no address that can be used"), ("ftp://user:secret@host/x", "holds a password")],
)
def test_an_address_that_cannot_be_is_refused(finished, fsspec, address, message):
    with pytest.raises(DeliveryError, match=message):
        stores.store(finished, address)


def test_a_folder_without_a_run_is_not_stored(tmp_path):
    with pytest.raises(DeliveryError, match=r"no run\.json"):
        stores.store(tmp_path, "memory://x")


def test_every_byte_arrives_in_an_object_store_and_a_second_run_replaces_the_first(finished, reached):
    target = stores.store(finished, "s3://kept/reports")
    assert target == "s3://kept/reports/monthly/1999-02"
    (finished / "figures" / "01.png").rename(finished / "figures" / "02.png")
    (finished / "report.html").write_text("second")
    stores.store(finished, "s3://kept/reports")
    kept = stores.open_store(target)
    here = {p.relative_to(finished).as_posix(): p.read_bytes() for p in finished.rglob("*") if p.is_file()}
    assert kept.read(kept.list()) == here


def test_a_bucket_that_is_not_there_is_told(finished, reached):
    with pytest.raises(DeliveryError, match=r"could not be stored at s3://lost: .*lost"):
        stores.store(finished, "s3://lost")


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (ConnectionResetError("lost"), 4),
        (TimeoutError("slow"), 4),
        (PermissionError("not you"), 1),
        (ValueError("no"), 1),
    ],
)
def test_what_may_pass_is_tried_again_and_a_refusal_is_not(finished, fsspec, monkeypatch, error, attempts):
    memory, asked = fsspec.filesystem("memory"), []

    def refuse(self, here, there, **_):
        asked.append(there)
        raise error

    monkeypatch.setattr(type(memory), "put_file", refuse)
    with pytest.raises(DeliveryError, match="could not be stored"):
        stores.store(finished, "memory://refused")
    assert len(asked) == attempts


def test_a_connection_that_is_lost_once_costs_nothing(finished, fsspec, monkeypatch, capsys):
    memory, lost = fsspec.filesystem("memory"), [ConnectionResetError("the line was cut")]
    put = type(memory).put_file

    def once(self, here, there, **given):
        if lost:
            raise lost.pop()
        put(self, here, there, **given)

    monkeypatch.setattr(type(memory), "put_file", once)
    stores.store(finished, "memory://cut")
    assert len(memory.find("/cut")) == 4
    assert "the line was cut: tried again in 0 s." in capsys.readouterr().err
    memory.rm("/cut", recursive=True)


def test_the_attempt_that_failed_goes_when_the_report_is_good(finished, tmp_path):
    failed = finished.with_name("1999-02.failed")
    failed.mkdir()
    write_run(failed, status="failed")
    stores.store(failed, str(tmp_path / "to"))
    assert (tmp_path / "to" / "monthly" / "1999-02.failed" / "run.json").is_file()
    stores.store(finished, str(tmp_path / "to"))
    assert not list((tmp_path / "to" / "monthly" / "1999-02.failed").glob("*"))


@pytest.mark.parametrize(
    ("address", "other", "within"),
    [
        ("s3://kept/reports/private", "s3://kept/reports", True), ("s3a://kept/reports/", "s3://kept/reports", True),
        ("s3://kept/reports-private", "s3://kept/reports", False), ("s3://private", "s3://kept", False),
        ("gcs://a/b", "gs://a", True), ("abfss://kept/a/b", "abfs://kept/a", True), ("az://kept/a", "abfs://kept", True),
        ("file:///srv/a/b", "/srv/a", True), ("/srv/b", "/srv/a", False),
    ],
)  # fmt: skip
def test_what_lies_within_an_address_is_seen(address, other, within):
    assert stores.is_within(address, other) is within


class Shaky(http.server.BaseHTTPRequestHandler):
    """An object store that answers with the codes it was given, then says yes."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(self.path)
        code = self.server.codes.pop(0) if self.server.codes else 200
        self.send_response(code)
        self.send_header("ETag", '"one"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(("codes", "attempts"), [([503, 500], 3), ([403], 1)])
def test_an_object_store_that_stumbles_is_asked_again_and_one_that_refuses_is_not(
    tmp_path, monkeypatch, codes, attempts
):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shaky)
    server.asked, server.codes = [], list(codes)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}", "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    (tmp_path / "file").write_text("x")
    try:
        with contextlib.nullcontext() if attempts > 1 else pytest.raises(PermissionDeniedError):
            stores.open_store("s3://kept").put("file", tmp_path / "file")
    finally:
        server.shutdown()
        server.server_close()
    assert len(server.asked) == attempts
