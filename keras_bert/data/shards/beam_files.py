"""Files wherever Apache Beam can reach them; they appear whole or not at all."""

import io
import logging
import os
import shutil
import uuid
from typing import Any, BinaryIO

from keras_bert.errors import InputError

PARTIAL = ".partial-"
"""In the names of files that are being written."""


def import_beam() -> None:
    """Imports Apache Beam, without what it logs of Google's services that are not installed.

    Raises:
        InputError: Beam is not installed.
    """
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        import apache_beam  # noqa: F401
    except ImportError:
        raise InputError("this needs Apache Beam: pip install 'bert-for-keras[beam]'") from None
    finally:
        logging.disable(disabled)


def beam_version() -> str:
    """Gives the version of Apache Beam."""
    import apache_beam

    return apache_beam.__version__


def file_systems() -> Any:
    """Gives Beam's `FileSystems`."""
    from apache_beam.io.filesystems import FileSystems

    return FileSystems


def open_plain(path: str) -> BinaryIO:
    """Opens a file for reading, as it lies there: compressed ones are not unpacked."""
    from apache_beam.io.filesystem import CompressionTypes

    return file_systems().open(path, compression_type=CompressionTypes.UNCOMPRESSED)


def create_plain(path: str) -> BinaryIO:
    """Opens a file for writing, whatever the suffix says of compression."""
    from apache_beam.io.filesystem import CompressionTypes

    return file_systems().create(path, compression_type=CompressionTypes.UNCOMPRESSED)


def write_whole(path: str, source: BinaryIO) -> int:
    """Writes a file under a temporary name beside its place, flushes it to the disk and renames it.

    Args:
        path: The file; one that is there is replaced.
        source: What goes into it.

    Returns:
        Its size in bytes.
    """
    folder, name = file_systems().split(path)
    temporary = file_systems().join(folder, f".{name}{PARTIAL}{uuid.uuid4().hex}")
    try:
        with create_plain(temporary) as target:
            shutil.copyfileobj(source, target)
            size = target.tell()
            if isinstance(target, io.BufferedWriter):
                target.flush()
                os.fsync(target.fileno())
        file_systems().rename([temporary], [path])
    except BaseException:
        if file_systems().exists(temporary):
            file_systems().delete([temporary])
        raise
    return size


def names_in(folder: str) -> list[str]:
    """Paths of the files right in a folder, hidden ones too; none if there is no folder."""
    (found,) = file_systems().match([file_systems().join(folder, "*")])
    return sorted(metadata.path for metadata in found.metadata_list)


def delete_if_empty(folder: str) -> None:
    """Deletes a folder of this machine that holds no file; elsewhere there are no empty folders."""
    if "://" not in folder and not any(files for _, _, files in os.walk(folder)):
        shutil.rmtree(folder, ignore_errors=True)


def delete_folder(folder: str) -> None:
    """Deletes a folder that holds files only. Elsewhere than on this machine, a folder is gone with its last file."""
    if names := names_in(folder):
        file_systems().delete(names)
    if "://" not in folder:
        shutil.rmtree(folder, ignore_errors=True)
