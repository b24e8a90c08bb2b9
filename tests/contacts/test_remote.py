"""Logs behind an address: a web server and an object store, each a real one on this machine."""

from __future__ import annotations

import gzip
import http.server
import os
import subprocess
import sys
import threading
import urllib.request

import pandas as pd
import pytest

from cxresearch.contacts import LogError, kept_in, load, look_at

TEXT = (
    "opened_at,wait_s,outcome,customer_key\n2026-10-01 08:00,12,answered,anna@example.org\n"
    "2026-10-02 09:00,40,abandoned,anna@example.org\n2026-10-03 10:00,,answered,\n"
    + "".join(f"2026-10-04 {hour:02d}:00,30,answered,\n" for hour in range(10, 16))
)


class Server(http.server.BaseHTTPRequestHandler):
    """Answers by the file's name; counts what was asked."""

    protocol_version = "HTTP/1.1"
    asked: list[str] = []  # noqa: RUF012 all answers of one test

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.asked.append(self.path)
        name = self.path.split("?")[0].rsplit("/", 1)[-1]
        if name in ("missing.csv", "denied.csv"):
            return self.send_error(404 if name == "missing.csv" else 403)
        body = gzip.compress(TEXT.encode()) if name.endswith(".gz") or name == "packed.csv" else TEXT.encode()
        self.send_response(200)
        if name == "packed.csv":
            self.send_header("Content-Encoding", "gzip")
        if name == "chunks.csv":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
            return None
        self.send_header("Content-Length", str(len(body) + 7 * (name == "short.csv")))
        self.send_header("ETag", '"mark"')
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = name == "short.csv"
        return None


@pytest.fixture(scope="module")
def web():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("path", ["log.csv", "a%20b/log.csv.gz", "packed.csv", "export/log.csv?from=2026-10-01&by=day"])
def test_a_file_of_a_web_server_is_a_log(web, path):
    log = load(f"{web}/{path}")
    assert log.counts == {"read": 9, "kept": 8, "set_aside": 1}
    assert log.files.to_dict("records") == [{"path": f"{web}/{path}", "used": True, "reason": ""}]


def test_a_period_and_a_look_tell_the_address(web):
    address = f"{web}/log.csv"
    month = load(address).period("2026-10")
    assert month.counts["kept"] == 8
    assert month.files["path"].tolist() == [address]
    found = look_at(address)
    assert found["would_run"]
    assert found["files"][0]["path"] == address


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.csv", "it is not there"),
        ("denied.csv", r"does not allow it \(403 Forbidden\)"),
        ("short.csv", "ended before the file did"),
        ("chunks.csv", "does not say how long the file is"),
        ("log.pdf", r"the log's files end in \.parquet"),
        ("log.csv?X-Amz-Signature=hush", "X-Amz-Signature in the address is a secret"),
    ],
)
def test_what_a_web_server_does_not_give_is_told_in_one_sentence(web, path, message):
    with pytest.raises(LogError, match=message) as told:
        load(f"{web}/{path}")
    assert "\n" not in str(told.value)
    assert "hush" not in str(told.value)
    assert path.split("?")[0] in str(told.value)


def test_an_address_of_nobody_or_of_another_kind_is_told(web):
    with pytest.raises(LogError, match="no connection to the server"):
        load("http://127.0.0.1:9/log.csv")
    with pytest.raises(LogError, match="ftp:// is no address"):
        load("ftp://example.org/log.csv")
    with pytest.raises(LogError, match="a password stands in the address") as told:
        load("https://anna:hush@example.org/log.csv")
    assert "hush" not in str(told.value)


def test_within_a_report_a_file_is_fetched_once_and_without_one_by_everybody(web, tmp_path):
    Server.asked.clear()
    with kept_in(tmp_path / "run"):
        for _ in range(2):
            load(f"{web}/log.csv").period("2026-10")
        assert Server.asked == ["/log.csv"]
    assert not (tmp_path / "run").exists()
    load(f"{web}/log.csv")
    assert len(Server.asked) == 2


def test_a_copy_is_closed_to_others_and_goes_with_its_process(web, tmp_path):
    code = (
        "import os, pathlib, cxresearch as cx; "
        f"log = cx.load('{web}/log.csv'); print(log.counts['read']); "
        "print({oct(p.stat().st_mode & 0o77) for p in pathlib.Path(os.environ['TMPDIR']).iterdir()})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n")[:2] == ["9", "{'0o0'}"]
    assert not list(tmp_path.iterdir())


@pytest.fixture
def store(reached):
    """Puts an object into the bucket ``kept``."""

    def put(key: str, content: bytes) -> None:
        request = urllib.request.Request(f"{reached}/kept/{key}", data=content, method="PUT")
        request.add_header("Content-Type", "application/octet-stream")
        urllib.request.urlopen(request).close()

    return put


def test_folders_and_patterns_of_an_object_store_are_logs(store, tmp_path):
    rows = pd.DataFrame({"opened_at": pd.to_datetime(["2026-10-01 08:00"]), "wait_s": [12.0], "outcome": ["answered"]})
    for number, channel in enumerate(["phone", "chat"]):
        rows.assign(wait_s=float(number)).to_parquet(tmp_path / "part.parquet", index=False)
        store(f"lake/month=2026-10/channel={channel}/part-0.parquet", (tmp_path / "part.parquet").read_bytes())
    store("lake/_SUCCESS", b"")
    store("lake/_old/part-9.parquet", (tmp_path / "part.parquet").read_bytes())
    store("text/log.csv.gz", gzip.compress(TEXT.encode()))
    for source in ("s3://kept/lake/", "s3://kept/lake", "s3://kept/lake/month=*/**/*.parquet"):
        month = load(source).period("2026-10")
        assert month.counts["kept"] == 2
        assert sorted(month.cells["channel"]) == ["chat", "phone"]
    assert load("s3://kept/text/log.csv.gz").counts["read"] == 9
    assert load(["s3://kept/text/log.csv.gz"]).counts["read"] == 9
    store("delta/_delta_log/0.json", b"{}")
    for source, message in (
        ("s3://kept/delta", "is a Delta table"),
        ("s3://kept/none/", "no object ends in"),
        ("s3://nobucket/log.csv", "cannot read s3://nobucket"),
    ):
        with pytest.raises(LogError, match=message) as told:
            load(source)
        assert "\n" not in str(told.value)


def test_a_gzip_that_was_cut_off_before_it_was_put_there_is_refused_by_its_address(store):
    store("text/cut.csv.gz", gzip.compress(TEXT.encode())[:60])
    assert "s3://kept/text/cut.csv.gz" in look_at("s3://kept/text/cut.csv.gz")["error"]
