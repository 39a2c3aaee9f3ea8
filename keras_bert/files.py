"""Writing folders and files so that a failure never leaves half of one."""

import contextlib
import ctypes
import errno
import glob
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from absl import logging

from keras_bert.errors import InputError

# Errors of the file system that a user can mend, in words.
_REASONS = {
    errno.ENOSPC: "no space left on the device",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is larger than allowed here",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EBUSY: "the folder is in use (a mount point cannot be replaced; name a folder inside it)",
    errno.EXDEV: "the folder is a mount point, which cannot be replaced; name a folder inside it",
}

# The system has no such call, or the file system does not know it.
_NO_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of linux/fcntl.h and linux/fs.h

PATTERN_CHARACTERS = "[*?\\"
"""What stands for other characters in a path that TensorFlow or Beam looks for."""


def check_target(path: str | Path, overwrite: bool = False, tensorflow: bool = False) -> Path:
    """Checks that a folder may be written at `path`, before the work whose result goes there.

    Args:
        path: The folder to be written; need not exist.
        overwrite: Whether a folder that holds something may be replaced as a whole.
        tensorflow: TensorFlow itself writes there, a checkpoint or a SavedModel, see `check_no_pattern`.

    Returns:
        The path with symbolic links resolved.

    Raises:
        InputError: `path` is a file, holds something and `overwrite` is False, or is a folder that must not
            be replaced: the current one, one above it, or the home folder; or TensorFlow would take it for a pattern.
    """
    target = Path(path).expanduser().resolve()
    if tensorflow:
        check_no_pattern(target)
    if target.exists() and not target.is_dir():
        raise InputError(f"{path}: is a file; expected the name of a folder to write")
    if target.is_dir() and any(target.iterdir()):
        if not overwrite:
            names = sorted(entry.name for entry in target.iterdir())
            shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            raise InputError(
                f"{path}: already holds {shown}; choose another folder or pass overwrite=True (--overwrite)"
            )
        if Path.cwd().is_relative_to(target) or Path.home().is_relative_to(target):
            raise InputError(f"{path}: overwriting would delete the current or the home folder; choose another folder")
    return target


def check_no_pattern(path: str | Path) -> None:
    """Refuses a path that TensorFlow or Beam writes to and could not read from.

    They look for files as for patterns, in which these characters stand for others: what TensorFlow wrote to
    `runs/b[1]` it reads from `runs/b1`. Blanks and letters of all scripts are fine.

    Args:
        path: The whole path, as they get it.

    Raises:
        InputError: It holds `*`, `?`, `[` or a backslash.

    References:
        tensorflow/core/platform/file_system_helper.cc: `kGlobbingChars`
    """
    found = [character for character in PATTERN_CHARACTERS if character in str(path)]
    if found:
        raise InputError(
            f"{path}: TensorFlow takes {' and '.join(found)} in a path for a pattern and could not read back what it "
            "writes there; choose a path without [ * ? and backslashes"
        )


@contextlib.contextmanager
def atomic_folder(path: str | Path, overwrite: bool = False, tensorflow: bool = False) -> Iterator[Path]:
    """Gives a temporary folder that takes the place of `path` when the block ends well.

    The temporary folder lies beside `path`, on the same file system. At the end its files are flushed to the disk
    (fsync) and it is renamed. With a folder that was there it changes places in one step, so that whenever the process
    is killed there is one of the two at `path`; the old one is deleted last. When anything fails, the temporary folder
    is removed and what was at `path` stays as it was.

    Some file systems (NFS, for one) cannot exchange names: there the old folder is moved aside first, and if the
    process is killed between the two renames the next one that is to write there puts it back.

    Args:
        path: The folder to write.
        overwrite: Replace a folder that holds something, as a whole.
        tensorflow: As for `check_target`.

    Yields:
        The temporary folder, empty.

    Raises:
        InputError: As `check_target`, and when the disk is full or does not allow writing.

    Example:
        >>> with atomic_folder("runs/sst2") as temporary:
        ...     _ = (temporary / "config.json").write_text("{}")
    """
    _put_back(Path(path).expanduser().resolve())
    target = check_target(path, overwrite, tensorflow)
    token = secrets.token_hex(8)
    temporary = target.with_name(f".{target.name}.{token}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Fails where anything of that name is, a link too.
        temporary.mkdir()
        yield temporary
        _flush(temporary)
        _replace(target, temporary, target.with_name(f".{target.name}.{token}.old"))
    except BaseException as error:
        shutil.rmtree(temporary, ignore_errors=True)
        number = _error_number(error)
        if number in _REASONS:
            raise InputError(f"{path}: not written: {_REASONS[number]}; what was there before is unchanged") from error
        if isinstance(error, OSError) and number is None:  # as numpy's "144000 requested and 57312 written"
            raise InputError(
                f"{path}: not written, is the disk full? ({error}); what was there before is unchanged"
            ) from error
        raise


def write_file(path: str | Path, data: str | bytes) -> None:
    """Writes a small file whole or not at all: beside, and then renamed.

    Args:
        path: The file; what is there is replaced.
        data: What it is to hold; a string is written as UTF-8, its line ends as they are.

    Raises:
        InputError: The file cannot be written; what was there before is unchanged.

    Example:
        >>> write_file("runs/sst2/metrics.json", "{}")  # doctest: +SKIP
    """
    try:
        with file_beside(path) as file:
            file.write(data.encode() if isinstance(data, str) else data)
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise InputError(f"{path}: not written: {reason}; what was there before is unchanged") from error


@contextlib.contextmanager
def file_beside(path: str | Path) -> Iterator[BinaryIO]:
    """Gives a new file beside `path` that takes its place when the block ends well, and is gone when it does not.

    In a folder that others may write to, nobody can foresee its name and put a link there: the name is random, and a
    file that is there already, a link too, is never opened.

    Args:
        path: The file; what is there is replaced, a link as well, not what the link points to.

    Yields:
        The file, for writing bytes.

    Raises:
        OSError: It cannot be written; what was at `path` is unchanged.
    """
    path = Path(path)
    # Without the file's own name, which may be as long as a name can be.
    beside = path.with_name(f".{secrets.token_hex(8)}.partial")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(beside, flags, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        beside.replace(path)
    except BaseException:
        # On a disk that is read-only this fails like all else.
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def _error_number(error: BaseException) -> int | None:
    """Returns the system's number of an I/O error, also of one that safetensors or TensorFlow put into words."""
    if isinstance(error, OSError):
        return error.errno
    _, found, rest = str(error).partition("(os error ")
    digits = rest.partition(")")[0]
    if found and digits.isdigit():
        return int(digits)
    return next((number for number in _REASONS if str(error).endswith(f"; {os.strerror(number)}")), None)


def _flush(folder: Path) -> None:
    """Writes the folder's files and entries through to the disk."""
    for entry in sorted(folder.rglob("*")):
        if not entry.is_symlink():
            _flush_one(entry)
    _flush_one(folder)


def _flush_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(target: Path, temporary: Path, aside: Path) -> None:
    """Puts `temporary` at `target`; what was there is deleted at the end."""
    old = _exchange_or_rename(target, temporary, aside)
    _flush_one(target.parent)
    if old is not None:
        try:
            shutil.rmtree(old)
        except OSError as error:
            logging.warning("%s is written; the folder it replaced could not be deleted: %s (%s)", target, old, error)


def _put_back(target: Path) -> None:
    """Puts a folder back that a process moved aside, and did not live to replace."""
    if target.exists() or not target.parent.is_dir():
        return
    moved = sorted(target.parent.glob(f".{glob.escape(target.name)}.*.old"), key=lambda path: path.stat().st_mtime_ns)
    if moved:
        logging.warning("%s: put back what a program that was killed had moved aside", target)
        moved[-1].rename(target)


def _exchange_or_rename(target: Path, temporary: Path, aside: Path) -> Path | None:
    """Puts `temporary` at `target`; returns where what was there is now, None if nothing was."""
    if not target.exists():
        temporary.rename(target)
        return None
    if _exchange(temporary, target):
        return temporary
    target.rename(aside)
    try:
        temporary.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    return aside


def _exchange(first: Path, second: Path) -> bool:
    """Lets two names change places in one step (Linux, renameat2); False where the system cannot."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NO_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(second))
