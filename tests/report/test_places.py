"""Wherever a scheduler puts a run: folders, streams, limits and signals as they should not be, made so for good.

Most are commands in a namespace of mounts of their own; what needs a right that is missing skips. See docs/failures.md.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cxresearch.report.archive import publish
from cxresearch.report.page.browser import BrowserError, chromium
from cxresearch.report.run import place
from cxresearch.report.run.execute import Kernels
from cxresearch.report.run.one_run import run_lock
from cxresearch.report.run.stop import Ended, guarded
from tests.report.test_failures import TOML, checkout, contents, write_cells  # noqa: F401

# Root may do all, so it gives that up: nothing is written that the rights of a file forbid.
NO_ROOT = (
    "setpriv --bounding-set=-dac_override,-dac_read_search,-fowner --inh-caps=-dac_override,-dac_read_search,-fowner "
)
# Somebody whom no list of users knows. This Python may lie where others cannot look, so all may be read.
NOBODY = (
    "setpriv --reuid 12345 --regid 12345 --clear-groups --inh-caps=+dac_read_search --ambient-caps=+dac_read_search "
)
COMMAND = "import sys, pathlib; from cxresearch import __main__ as c; c.ROOT = pathlib.Path(sys.argv.pop(1)); sys.exit(c.main())"
# A clock that stands in another year, or goes back by more than a year while a run lasts: put before the C library's.
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
static long ahead(long now) {
    static long begun = 0;
    const char *fake = getenv("FAKE");
    if (!begun) begun = now;
    if (!strcmp(fake, "back")) return now - begun > 2 ? -40000000 : 0;
    return atol(fake) - begun;
}
int clock_gettime(clockid_t which, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *) = 0;
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(which, at);
    if (which == CLOCK_REALTIME) at->tv_sec += ahead(at->tv_sec);
    return done;
}
int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec, at->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return at ? (*at = now.tv_sec) : now.tv_sec;
}
"""
SETTLED = """
import os, pathlib, sys, tempfile
from cxresearch.report.run.place import settled
with settled(pathlib.Path(sys.argv[1])):
    pathlib.Path(tempfile.gettempdir(), "some").write_bytes(bytes(1 << 20))
    print(tempfile.gettempdir(), os.environ.get("HOME"), os.environ.get("MPLCONFIGDIR"), sep="\\n")
    if len(sys.argv) > 2:
        os.kill(os.getpid(), 9)
"""


def shell(text: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A script of bash in ``folder``, which it knows as $C. $PY is this Python, $COMMAND the command line on that checkout."""
    package = Path(__file__).resolve().parents[2]
    text = text.replace("$SMALL", "$COMMAND report small --period 1999-02 --set mark=2 --out")
    text = text.replace("$COMMAND", '"$PY" -c "$CODE" "$C"')
    known = {"PY": sys.executable, "C": str(folder), "NO_ROOT": NO_ROOT, "NOBODY": NOBODY, "CODE": COMMAND}
    given = {**os.environ, "PYTHONPATH": str(package), **known, **environment}
    own = ["unshare", "-m"] if "mount " in text else []
    return subprocess.run(
        [*own, "bash", "-c", text], cwd=folder, env=given, capture_output=True, text=True, errors="backslashreplace",
        timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What a good run leaves, made once."""
    folder = tmp_path_factory.mktemp("made")
    for name in ("reports", "notebooks"):
        (folder / name).mkdir()
    write_cells(folder)
    (folder / "log.csv").write_text("opened_at,wait_s,outcome,channel,queue\n1999-02-01 08:00,1,answered,phone,a\n")
    (folder / "reports" / "small.toml").write_text(TOML)
    done = shell("$COMMAND report small --period 1999-02 --set mark=1 --out $C/out", folder, CXRESEARCH_CHROMIUM="")
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.fixture
def stood(checkout, made):  # noqa: F811
    """The small checkout, whose log has its whole name, with a good report."""
    (checkout / "reports" / "small.toml").write_text(TOML.replace("log.csv", str(checkout / "log.csv")))
    shutil.copytree(made, checkout / "out")
    return checkout


@pytest.fixture
def alone():
    """Says before a command that it mounts for itself alone, and that it can do without root's rights."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "setpriv", "true"], capture_output=True).returncode:
        pytest.skip("mounts of one's own, and other users, are for root with the right to mount")


# The folder of the reports --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prepare", "out", "said"),
    [
        ("touch $C/file", "$C/file", "File exists"),
        ("touch $C/file", "$C/file/out", "Not a directory"),
        ("ln -s loop $C/loop", "$C/loop", "File exists"),
        ("ln -s nowhere/at/all $C/dangling", "$C/dangling", "File exists"),
        pytest.param("", "$C/" + "x" * 300, "File name too long", marks=pytest.mark.slow),
        ("", "$C/$'\\xff'", "its name is not text in UTF-8"),
        ("", "''", "it is empty"),
        ("mkdir $C/gone && cd $C/gone && rmdir $C/gone", "out", "the working directory cannot be used"),
        ("mkdir $C/out && chmod a-w $C/out; set -- $NO_ROOT", "$C/out", "Permission denied"),
        ("mkdir $C/p && chmod a-w $C/p; set -- $NO_ROOT", "$C/p/out", "Permission denied"),
        ("mkdir $C/p && chmod 0 $C/p; set -- $NO_ROOT", "$C/p/out", "Permission denied"),
        ("mkdir $C/p && mount --bind $C/p $C/p && mount -o remount,ro,bind $C/p", "$C/p/out", "Read-only file system"),
    ],
)  # fmt: skip
def test_a_folder_that_cannot_keep_reports_ends_with_2_and_its_name(checkout, request, prepare, out, said):  # noqa: F811
    if "NO_ROOT" in prepare or "mount" in prepare:
        request.getfixturevalue("alone")
    done = shell(f"{prepare}\n$@ $SMALL {out}", checkout)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1 or done.stderr.startswith("usage")


@pytest.mark.parametrize("name", [".locks", ".building", "small", "small/1999-02", "small/1999-02.failed"])
def test_what_stands_where_a_folder_should_is_named(tmp_path, name):
    out = tmp_path / "out"
    (out / name).parent.mkdir(parents=True)
    (out / name).touch()
    with pytest.raises(place.PlaceError, match=rf"{name}: (File exists|Not a directory); name a folder"):
        place.require_writable(out, out / "small" / "1999-02", out / "small" / "1999-02.failed")
    (out / name).unlink()
    place.require_writable(out, out / "small" / "1999-02")


def test_a_folder_of_a_report_on_another_file_system_is_refused_before_work_starts(tmp_path, alone):
    (tmp_path / "out" / "small").mkdir(parents=True)
    (tmp_path / "asks.py").write_text(
        "from pathlib import Path; from cxresearch.report.run.place import require_writable\n"
        "require_writable(Path('out'), Path('out/small/1999-02'))"
    )
    done = shell("mount -t tmpfs tmpfs out/small && $PY asks.py", tmp_path)
    assert "out/small: lies on another file system than out; name a folder" in done.stderr


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o027, 0o077])
def test_files_and_folders_have_the_rights_that_the_umask_leaves(tmp_path, mask):
    before = os.umask(mask)
    try:
        for _ in range(2):  # the second takes the place of the first
            build = publish.new_build(tmp_path / "out", "small-1999-02")
            assert stat.S_IMODE(build.stat().st_mode) == 0o700, "what is half made is nobody's business"
            (build / "tables").mkdir()
            publish.write_json(build / "run.json", {})
            publish.publish(build, tmp_path / "out" / "small" / "1999-02")
            publish.write_atomically(tmp_path / "out" / "index.html", "page")
    finally:
        os.umask(before)
    for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")]:
        full = 0o777 if path.is_dir() else 0o666
        assert oct(stat.S_IMODE(path.stat().st_mode)) == oct(full & ~mask), path


def test_a_folder_that_hands_on_its_group_does_so_below(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o2775)
    publish.publish(publish.new_build(out, "small-1999-02"), out / "small" / "1999-02")
    assert (out / "small" / "1999-02").stat().st_mode & stat.S_ISGID


def test_a_report_that_is_a_link_stays_one(tmp_path):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "old").touch()
    (out / "small").mkdir(parents=True)
    (out / "small" / "1999-02").symlink_to(elsewhere)
    build = publish.new_build(out, "small-1999-02")
    (build / "new").touch()
    publish.publish(build, out / "small" / "1999-02")
    assert (out / "small" / "1999-02").is_symlink()
    assert [p.name for p in elsewhere.iterdir()] == ["new"]
    assert list((out / publish.BUILDING).iterdir()) == []


@pytest.mark.slow
def test_a_lock_that_another_user_left_is_held_all_the_same(tmp_path, alone):
    lock = tmp_path / "lock"
    lock.write_text("")
    lock.chmod(0o444)
    (tmp_path / "asks.py").write_text(
        "import sys; from pathlib import Path; from cxresearch.report.run.one_run import run_lock\n"
        "with run_lock(Path('lock')) as free:\n    sys.exit(0 if free else 75)"
    )
    for held, expected in ((tmp_path / "other", 0), (lock, 75)):
        with run_lock(held):
            done = shell("$NO_ROOT $PY asks.py", tmp_path)
        assert done.returncode == expected, done.stderr


# Temporary files, home ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    ["mount -t tmpfs -o size=64k tmpfs t", "mount -t tmpfs -o ro tmpfs t", "mount -t tmpfs -o nr_inodes=9 tmpfs t"],
)
def test_temporary_files_lie_beside_the_reports_where_their_own_folder_has_no_room(tmp_path, alone, make):
    if Path(sys.executable).is_relative_to("/tmp"):
        pytest.skip("this test covers /tmp with a file system of its own, and the environment lies there")
    (tmp_path / "settled.py").write_text(SETTLED)
    script = f"""
        package=$PYTHONPATH; mount -t tmpfs tmpfs /mnt; cp settled.py /mnt; cd /mnt; mkdir package t
        mount --bind "$package" package; {make}
        for other in /tmp /var/tmp /usr/tmp; do [ -d $other ] && mount -t tmpfs -o ro tmpfs $other; done
        export PYTHONPATH=/mnt/package TMPDIR=/mnt/t
        $PY settled.py /mnt/out dies
        $PY settled.py /mnt/out; ls -A out/.building
    """
    done = shell(script, tmp_path)
    first, second = (line for line in done.stdout.splitlines() if line.startswith("/mnt/out/.building/tmp-"))
    assert first != second
    assert done.stdout.splitlines()[-1].startswith(("/", "None")), (
        "nothing is left, not even by the one that was killed"
    )


@pytest.mark.parametrize("home", ["$C/absent", "$C/settled.py", ""])
def test_a_home_that_is_not_there_is_replaced_for_as_long_as_the_run(tmp_path, home):
    (tmp_path / "settled.py").write_text(SETTLED)
    done = shell(f"HOME={home} $PY settled.py $C/out", tmp_path)
    _, given, _ = done.stdout.splitlines()
    assert given != home.replace("$C", str(tmp_path))
    assert os.path.isabs(given)
    assert not os.path.exists(given)


def test_what_matplotlib_keeps_has_a_place_where_home_has_none(tmp_path, alone):
    (tmp_path / "settled.py").write_text(SETTLED)
    (tmp_path / "home").mkdir(mode=0o500)
    plain = shell("HOME=$C/home $NO_ROOT $PY settled.py $C/out", tmp_path, MPLCONFIGDIR="").stdout.splitlines()
    assert plain[1] == str(tmp_path / "home"), "a home that can be read stays"
    assert plain[2] not in ("None", "")


def test_sockets_have_short_names_in_a_folder_with_a_long_one(tmp_path, monkeypatch):
    long = tmp_path / ("x" * 150)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with Kernels("0123abcd").sockets() as folder, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "k-1"))
        listening.listen()
        assert [p.parent.parent for p in long.rglob("k-1")] == [long]
        call = f"import socket; socket.socket(socket.AF_UNIX).connect({str(folder / 'k-1')!r})"
        assert subprocess.run([sys.executable, "-c", call]).returncode == 0, "another process finds it"
    assert list(long.iterdir()) == []


@pytest.mark.slow
def test_a_compiled_function_that_cannot_be_kept_is_compiled(tmp_path, alone):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "twice.py").write_text(
        textwrap.dedent("""
            import resource, signal, sys
            from cxresearch.compiled import compiled
            if sys.argv[1] == "full":
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
            @compiled()
            def twice(x):
                return 2 * x
            print(twice(21))
        """)
    )
    kept = tmp_path / "package" / "__pycache__"
    for how, prefix in (("full", ""), ("nowhere", f"chmod -R a-w package; HOME=/proc/nowhere {NO_ROOT}")):
        done = shell(f"{prefix} $PY package/twice.py {how}", tmp_path)
        assert done.stdout == "42\n", done.stderr
        assert not list(kept.glob("*.nbc")), how
    assert shell("chmod -R u+w package; $PY package/twice.py kept", tmp_path).stdout == "42\n"
    assert list(kept.glob("*.nbc"))


# Streams --------------------------------------------------------------------------------------------------------------

SAYS = "import sys; from cxresearch.report.run.streams import told\nwith told():\n    print('Łódź \\udcff'); print('e', file=sys.stderr)"


@pytest.mark.parametrize(
    "streams", ["", ">&-", "2>&-", "<&- >&- 2>&-", "<&- >&-", ">/dev/full", ">/dev/full 2>&1", "| true"]
)
@pytest.mark.parametrize("letters", ["utf-8", "ascii:strict"])
def test_nobody_has_to_listen(tmp_path, streams, letters):
    (tmp_path / "says.py").write_text(SAYS)
    done = shell(f"$PY says.py {streams}; exit ${{PIPESTATUS[0]}}", tmp_path, PYTHONIOENCODING=letters)
    assert (done.returncode, done.stdout) == (0, "" if streams not in ("", "2>&-") else
            "Łódź \\udcff\n" if letters == "utf-8" else "\\u0141\\xf3d\\u017a \\udcff\n")  # fmt: skip
    assert done.stderr in ("", "e\n")


@pytest.mark.slow
def test_a_list_that_could_not_be_written_ends_with_1_and_one_that_nobody_wanted_does_not(checkout):  # noqa: F811
    full = shell("$COMMAND list >/dev/full", checkout)
    assert (full.returncode, full.stderr) == (
        1,
        "cxresearch: what it says could not be written: No space left on device.\n",
    )
    gone = shell("$COMMAND list | true; exit ${PIPESTATUS[0]}", checkout)
    assert (gone.returncode, gone.stderr) == (0, "")


def test_children_find_the_streams_that_were_closed(tmp_path):
    (tmp_path / "parent.py").write_text(
        "import subprocess, sys; from cxresearch.report.run.streams import told\n"
        "with told():\n    sys.exit(subprocess.run([sys.executable, '-c', 'import os; [os.fstat(n) for n in (0, 1, 2)]']).returncode)"
    )
    assert shell("$PY parent.py <&- >&- 2>&-", tmp_path).returncode == 0


# What the system says -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/a/b"), "/a/b: Permission denied; give the right to it"),
        (OSError(errno.ENOSPC, "No space left on device", b"/a/\xff"), "/a/\udcff: No space left on device; make room"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files; too many files are open: raise the limit"),
        (MemoryError(), "memory ran out: give the run more of it"),
        (ImportError("x.so: failed to map segment from shared object"), "memory ran out"),
        (RuntimeError("Out of Memory Error: could not allocate block"), "memory ran out"),
        (RuntimeError("can't start new thread"), "no more processes may be started"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "no more processes may be started"),
        (RuntimeError("two\nlines"), "RuntimeError: two lines"),
    ],
)  # fmt: skip
def test_what_the_system_says_is_one_sentence_with_its_path(error, said):
    assert said in place.in_words(error)
    assert "\n" not in place.in_words(error)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_disk_without_room_is_not_the_fault_of_the_log(number):
    assert place.is_full(ValueError(f"cannot read log.csv: {os.strerror(number)}"))


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_terminal_that_is_closed_ends_a_run_as_sigterm_does(number):
    with guarded(), pytest.raises(Ended, match=number.name) as caught:
        os.kill(os.getpid(), number)
    assert caught.value.exit_code == 128 + number


def test_nohup_is_heard():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with guarded():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        assert signal.signal(signal.SIGHUP, before) == signal.SIG_IGN


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("#!/bin/false\n", "ended"),
        ("#!/nowhere\n", "cannot be started"),
        ("no program", "cannot be started|ended"),
        ("#!/bin/sh\nexec sleep 60\n", "did not answer in time"),
        ("#!/bin/sh\nexec cat /dev/zero >&4\n", "is no Chromium"),
        ("#!/bin/sh\nprintf '[]\\0' >&4; exec sleep 60\n", "is no Chromium"),
        ("#!/bin/sh\nsleep 60 & exit 1\n", "ended|did not answer"),
    ],
)  # fmt: skip
def test_what_is_no_chromium_is_said_and_leaves_nothing(tmp_path, monkeypatch, script, said):
    program = tmp_path / "chromium"
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("CXRESEARCH_CHROMIUM", str(program))
    open_before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(BrowserError, match=said), chromium(limit_s=0.3):
        pytest.fail("there is no page")
    assert len(os.listdir("/proc/self/fd")) == open_before


# Whole runs -----------------------------------------------------------------------------------------------------------

# A folder that others may look into: the temporary ones of tests are closed.
SEEN = 'mount --bind $C /mnt; sed -i "s:$C:/mnt:" /mnt/reports/small.toml; C=/mnt; cd /mnt; chown -R 12345 /mnt; '

RUNS_ALL_THE_SAME = {
    "a checkout and a package that can only be read": "mount --bind $C $C; mount --bind $C/out $C/out; mount -o remount,ro,bind $C; $SMALL $C/out",
    "a home that can only be read": "mkdir -m 500 $C/home; HOME=$C/home $NO_ROOT $SMALL $C/out",
    "no home at all": "HOME=/proc/nowhere $SMALL $C/out",
    "no home and no name": SEEN + "unset HOME; $NOBODY $SMALL $C/out",
    "a home that is the root of a container": SEEN + "HOME=/ $NOBODY $SMALL $C/out",
    "temporary files without room": "mkdir $C/t; mount -t tmpfs -o size=64k tmpfs $C/t; TMPDIR=$C/t $SMALL $C/out",
    "a long name for temporary files": "T=$C/$(printf x%.0s {1..150}); mkdir $T; TMPDIR=$T $SMALL $C/out",
    "a name for temporary files that is none": "TMPDIR=$C/absent $SMALL $C/out",
    "every stream closed": "$SMALL $C/out <&- >&- 2>&-",
    "standard output closed": "$SMALL $C/out >&-",
    "a full disk behind both streams": "$SMALL $C/out >/dev/full 2>/dev/full",
    "a reader that has gone": "$SMALL $C/out | true; exit ${PIPESTATUS[0]}",
    "no environment": "env -i PYTHONPATH=$PYTHONPATH CXRESEARCH_CHROMIUM= $SMALL $C/out",
    "no program to be found": "PY=$(realpath -s $PY); export PATH=; $SMALL $C/out",
    "a working directory that is gone": "mkdir $C/gone; cd $C/gone; rmdir $C/gone; $SMALL $C/out",
    "a working directory that cannot be read": "mkdir $C/un; cd $C/un; chmod 0 $C/un; $NO_ROOT $SMALL $C/out",
    "letters of 1968": "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 PYTHONIOENCODING=ascii $SMALL $C/out",
    "a time zone that is nowhere": "TZ=Nowhere/Odd $SMALL $C/out",
    "the locks of another user": SEEN
    + "chown 0 $C/out/.locks/*; chmod 644 $C/out/.locks/*; HOME=/ $NOBODY $SMALL $C/out",
    "an index that was edited": "echo edited > $C/out/index.html; chmod 444 $C/out/index.html; $NO_ROOT $SMALL $C/out",
    "an index that is a folder": "rm $C/out/index.html; mkdir $C/out/index.html; $SMALL $C/out",
    "no place for what is compiled": "NUMBA_CACHE_DIR=/proc/nowhere HOME=/proc/nowhere $SMALL $C/out",
    "a hang-up that nohup keeps off": 'trap "" HUP; $SMALL $C/out & sleep 2; kill -HUP $!; wait $!',
}
OF_NAMES = {
    "a name with a space": "a b",
    "a name of two lines": "a\nb",
    "a name in Polish": "łódź",
}


def stands(folder: Path, mark: int) -> bool:
    page = (folder / "out" / "small" / "1999-02" / "report.html").read_text()
    index = (folder / "out" / "index.html").read_text()
    return page.rstrip().endswith("</html>") and f">{mark}<" in page and "small/1999-02/report.html" in index


@pytest.mark.slow
@pytest.mark.parametrize("where", RUNS_ALL_THE_SAME)
def test_a_report_is_made_wherever_it_is_put(stood, alone, where):
    done = shell(RUNS_ALL_THE_SAME[where], stood)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "Matplotlib" not in done.stderr
    assert stands(stood, 2)
    assert list((stood / "out" / publish.BUILDING).iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_NAMES.values(), ids=OF_NAMES)
def test_names_are_any_that_a_file_may_have(checkout, name):  # noqa: F811
    done = shell('$SMALL "$NAME"', checkout, NAME=str(checkout / name / "out"))
    assert done.returncode == 0, done.stderr
    assert (checkout / name / "out" / "small" / "1999-02" / "report.html").is_file()


ENDS_WITH_A_SENTENCE = {
    "memory": ("ulimit -v 700000; $SMALL $C/out", 1, "memory ran out"),
    "open files": ("ulimit -n 16; $SMALL $C/out", 1, "raise the limit"),
    "a log that may not be read": ("chmod 0 $C/log.csv; $NO_ROOT $SMALL $C/out", 2, "log.csv"),
    "a report that may not be read": ("chmod 0 $C/reports/small.toml; $NO_ROOT $SMALL $C/out", 2, "small.toml"),
    "a notebook that may not be read": ("chmod 0 $C/notebooks/one.ipynb; $NO_ROOT $SMALL $C/out", 2, "one.ipynb"),
    "reports that may not be written, by backfill": (
        "chmod -R a-w $C/out; $NO_ROOT $COMMAND backfill small --from 1999-01 --to 1999-02 --out $C/out", 2, "reports cannot be kept in",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("what", ENDS_WITH_A_SENTENCE)
def test_what_is_missing_is_named_and_the_good_report_stays(stood, alone, what):
    text, code, said = ENDS_WITH_A_SENTENCE[what]
    before = contents(stood / "out" / "small" / "1999-02")
    done = shell(text, stood)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert contents(stood / "out" / "small" / "1999-02") == before
    assert list((stood / "out" / publish.BUILDING).iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("clock", ["1000", "4102444800", "back"], ids=["1970", "2100", "back"])
def test_a_clock_that_is_wrong_stops_no_report(stood, clock):
    if not shutil.which("cc"):
        pytest.skip("no compiler here, and so no other clock")
    (stood / "clock.c").write_text(CLOCK)
    done = shell(
        "cc -shared -fPIC -o clock.so clock.c -ldl && FAKE=$FAKE LD_PRELOAD=$C/clock.so $SMALL $C/out",
        stood,
        FAKE=clock,
    )
    assert done.returncode == 0, done.stderr
    assert stands(stood, 2)
    record = json.loads((stood / "out" / "small" / "1999-02" / "run.json").read_text())
    assert record["started_utc"] <= record["finished_utc"]
    assert clock == "back" or record["started_utc"].startswith("2100" if clock > "2" else "1970")
