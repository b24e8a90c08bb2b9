"""The place that a scheduler gives a run: what may be written where, and what the system says when it may not.

A report needs one folder that it can write to, the one of the reports. All else (a home, temporary files, what Matplotlib
keeps) is a convenience, and is replaced for the length of a run where it is not there.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pwd
import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cxresearch.report.archive.publish import BUILDING

ROOM = 64 * 2**20  # bytes that a folder for temporary files has free: browser profile, sockets, what is put down
FILES = 1_000
USUAL_FILES = 1_024  # open at a time
ADDRESSES = 2 * 10**9  # of one process: so many are asked for, not used
_ADVICE = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "make room there, or name another folder"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "give the right to it, or name another place"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "too many files are open: raise the limit (ulimit -n, LimitNOFILE)"),
    errno.EAGAIN: "no more processes may be started: raise the limit (ulimit -u, TasksMax)",
    errno.ENOMEM: "memory ran out: give the run more of it, or fewer reports at a time",
}
_OF_NAMES = (
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP,
    errno.ENAMETOOLONG, errno.EXDEV,
)  # fmt: skip
_NO_MEMORY = "memory ran out: give the run more of it (ulimit -v, MemoryMax, the container's limit)"


class PlaceError(ValueError):
    """A folder that was named cannot be used; the message says which and why."""


def in_words(error: BaseException) -> str:
    """What went wrong in one line: of what the system raises the path, its own words, and what to do."""
    text = " ".join(str(error).split())
    if _out_of_memory(error, text):
        return f"{_NO_MEMORY} [{type(error).__name__}{': ' if text else ''}{text}]"
    if "can't start new thread" in text:
        return f"{_ADVICE[errno.EAGAIN]} [{text}]"
    if not isinstance(error, OSError) or error.errno is None:
        return f"{type(error).__name__}: {text}"
    path = f"{_shown(error.filename)}: " if error.filename is not None else ""
    advice = f"; {_ADVICE[error.errno]}" if error.errno in _ADVICE else ""
    return f"{path}{error.strerror or text}{advice}"


def advice_on(error: BaseException) -> str:
    """What to do about an error that a limit of the system caused; empty for others."""
    text = str(error)
    if _out_of_memory(error, text):
        return f"; {_NO_MEMORY}"
    number = getattr(error, "errno", None)  # ZeroMQ's errors have one, too
    return f"; {_ADVICE[number]}" if number in _ADVICE else ""


def cannot_be_used(error: BaseException) -> bool:
    """Whether the system refused a file or a folder by its name, as it will at the next attempt."""
    return isinstance(error, OSError) and error.filename is not None and error.errno in _OF_NAMES


def is_full(error: BaseException) -> bool:
    """Whether a disk had no room, also where an engine says so of a log that it copies: not the fault of the log."""
    words = ("no space left on device", "disk quota exceeded", "file too large")
    return any(word in str(error).lower() for word in words)


def _out_of_memory(error: BaseException, text: str) -> bool:
    # DuckDB, Arrow and the loader of libraries have words of their own.
    words = ("out of memory", "cannot allocate memory", "failed to map segment", "bad_alloc", "unable to allocate")
    return isinstance(error, MemoryError) or any(word in text.lower() for word in words)


def _shown(path: object) -> str:
    return os.fsdecode(path) if isinstance(path, bytes) else str(path)


def require_writable(out: Path, target: Path, *more: Path) -> None:
    """Make the folder of the reports where it is not there. Raises PlaceError where no report can be put at ``target``."""
    if not _is_text(out):
        raise PlaceError(
            f"reports cannot be kept in {out}: its name is not text in UTF-8; name another folder with --out."
        )
    try:
        for folder in (out, out / ".locks", out / BUILDING):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (out, out / ".locks", out / BUILDING, target.parent, target, *more):
            if os.path.lexists(folder):
                _try(folder, like=out)
    except OSError as error:
        if error.errno not in _OF_NAMES:
            raise  # a full disk: the folder is right
        raise PlaceError(
            f"reports cannot be kept in {out}: {_shown(error.filename)}: {error.strerror}; name a folder that can be written "
            "to with --out."
        ) from error


def _try(folder: Path, *, like: Path) -> None:
    """Raise what the system says of a new file in ``folder``, and of a folder that comes there from ``like``."""
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    if folder.stat().st_dev != like.stat().st_dev:
        raise OSError(errno.EXDEV, f"lies on another file system than {like}", str(folder))
    if not os.access(folder, os.W_OK | os.X_OK):
        try:
            handle, name = tempfile.mkstemp(dir=folder, prefix=".try-")  # says why, if it is so
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(folder)) from error
        os.close(handle)
        os.unlink(name)


@contextlib.contextmanager
def settled(out: Path) -> Iterator[None]:
    """Give this process, and those that it starts, what it can write to, where something is missing.

    A temporary folder with room (below ``out`` where the system's has none), a home that is there, a folder for what
    Matplotlib keeps, a working directory. All of it is gone after the block. Raises PlaceError where ``out`` cannot be
    used.
    """
    _stand_somewhere(out)
    if not _is_text(out) or not _writable(out):
        require_writable(out, out)
    _enough_of_all()
    temporary = tempfile.tempdir
    before = {name: os.environ.get(name) for name in ("TMPDIR", "HOME", "MPLCONFIGDIR")}
    try:
        with contextlib.ExitStack() as stack:
            if not _has_room():
                tempfile.tempdir = os.environ["TMPDIR"] = stack.enter_context(_beside_the_reports(out))
            wanted = [*([] if _has_home() else ["HOME"]), *([] if _keeps_figures() else ["MPLCONFIGDIR"])]
            if wanted:
                own = tempfile.TemporaryDirectory(prefix="cxresearch-", ignore_cleanup_errors=True)
                os.environ |= dict.fromkeys(wanted, stack.enter_context(own))
            yield
    finally:
        tempfile.tempdir = temporary
        for name, value in before.items():
            os.environ.pop(name, None)
            os.environ |= {} if value is None else {name: value}


@contextlib.contextmanager
def _beside_the_reports(out: Path) -> Iterator[str]:
    """A folder for temporary files where nobody looks for a report; what a killed run left of such is removed."""
    above = out / BUILDING
    above.mkdir(parents=True, exist_ok=True)
    for old in above.glob("tmp-*"):
        with contextlib.suppress(OSError), _held(old):  # else it is of a run that lives
            shutil.rmtree(old, ignore_errors=True)
    own = tempfile.mkdtemp(dir=above, prefix="tmp-")
    try:
        with _held(Path(own)):
            yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _is_text(folder: object) -> bool:
    """Whether DuckDB, which knows no other names, can write there."""
    return "\\udc" not in ascii(str(folder))


def _enough_of_all() -> None:
    """Take as many open files as are allowed, up to what is usual. Raises MemoryError for so small a limit of addresses that a
    library would end the process without a word."""
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= files < USUAL_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (USUAL_FILES if most < 0 else min(USUAL_FILES, most), most))
    addresses, _ = resource.getrlimit(resource.RLIMIT_AS)
    if 0 <= addresses < ADDRESSES:
        raise MemoryError(
            f"a process may have {addresses / 1e9:.1f} GB of addresses, and needs {ADDRESSES / 1e9:.1f} GB"
        )


def _stand_somewhere(out: Path) -> None:
    try:
        os.stat(".")
        os.getcwd()
    except OSError as error:
        if not out.is_absolute():
            raise PlaceError(
                f"the working directory cannot be used ({error.strerror}), so --out {out} names no place; give its whole path."
            ) from error
        os.chdir("/")


def _has_room() -> bool:
    """Whether temporary files have a folder that can be written to, and room in it."""
    try:
        folder = tempfile.gettempdir()
        room = os.statvfs(folder)
        # Python's last resort is the working directory, where nothing of ours should lie about.
        return (
            folder != os.getcwd()
            and room.f_bavail * room.f_frsize >= ROOM
            and (not room.f_files or room.f_favail >= FILES)
        )
    except OSError:
        return False


def _has_home() -> bool:
    try:
        return os.path.isdir(os.environ["HOME"] if "HOME" in os.environ else pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return False


def _keeps_figures() -> bool:
    """Whether Matplotlib can write where it would: else it says so in every process, and makes a folder in each."""
    if named := os.environ.get("MPLCONFIGDIR"):
        return _writable(Path(named))
    below = {"XDG_CONFIG_HOME": ".config", "XDG_CACHE_HOME": ".cache"}
    home = os.path.expanduser("~")
    return all(
        _writable(Path(os.environ.get(name) or f"{home}/{folder}") / "matplotlib") for name, folder in below.items()
    )


def _writable(folder: Path) -> bool:
    """Whether a file can be made in ``folder``, which may have to be made, too."""
    there = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), folder)
    return os.path.isdir(there) and os.access(there, os.W_OK | os.X_OK)
