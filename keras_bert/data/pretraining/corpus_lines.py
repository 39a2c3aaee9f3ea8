"""The lines of a corpus, one after the other: of files and TFDS data sets, as often as wanted, in bounded memory."""

import dataclasses
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_bert.data.pretraining.documents import Utf8Count, find_documents
from keras_bert.data.pretraining.text import find_files
from keras_bert.data.sources.lines import check_unpacked
from keras_bert.errors import InputError

LONGEST_LINE = 4096
"""Bytes; what is longer is cut, after a word where there is one."""

_BATCH_LINES, _BATCH_BYTES = 2048, 1 << 17


@dataclasses.dataclass
class CorpusLines:
    """Lines with text in them, without white space around; bytes that are no UTF-8 become U+FFFD.

    Args:
        inputs: Files and globs, `.gz` too, and `tfds:NAME`, also with `:SPLIT`.
        strict: Lines that are no UTF-8 are an error.
        text: Name of the TFDS feature with the text.
        data_dir: TFDS's folder of data sets.

    Attributes:
        lines: How many the last pass over all of them gave.
        size: Bytes of text in these.
        invalid_lines: Of these were not UTF-8.
    """

    inputs: Sequence[str]
    strict: bool = False
    text: str = "text"
    data_dir: str | None = None
    lines: int = dataclasses.field(default=0, init=False)
    size: int = dataclasses.field(default=0, init=False)
    invalid_lines: int = dataclasses.field(default=0, init=False)

    def __iter__(self) -> Iterator[bytes]:
        """Reads all inputs from the start.

        Raises:
            InputError: An input cannot be used: missing, binary, not UTF-8; or there is no text in any.
        """
        self.lines = self.size = self.invalid_lines = 0
        for name in self.inputs:
            if name.startswith("tfds:"):
                yield from self._of_tfds(name)
            else:
                for path in find_files(name):
                    yield from self._of_file(path)
        if not self.lines:
            raise InputError(f"{', '.join(self.inputs)}: there is no text")

    def _of_file(self, path: str) -> Iterator[bytes]:
        count = Utf8Count(path, self.strict)
        is_packed, before, size = path.endswith(".gz"), self.size, Path(path).stat().st_size
        try:
            with gzip.open(path) if is_packed else Path(path).open("rb") as stream:
                for line in self._of_stream(stream, count):
                    if is_packed:
                        check_unpacked(path, self.size - before, size)
                    yield line
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{path}: damaged or truncated gzip file ({error})") from None
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        count.finish()

    def _of_tfds(self, name: str) -> Iterator[bytes]:
        from keras_bert.data.sources.tfds_source import read_tfds

        data_set, _, split = name.removeprefix("tfds:").partition(":")
        if split[:1].isdigit():  # a version
            version, _, split = split.partition(":")
            data_set = f"{data_set}:{version}"
        source = read_tfds(data_set, split or "train", [self.text], self.data_dir)
        for number, values in source.rows:
            if not isinstance(values[0], str):
                raise InputError(f"{source.place(number)}: feature {self.text!r}: expected a text")
            count = Utf8Count(source.place(number), self.strict)
            yield from self._of_stream(io.BytesIO(values[0].encode("utf-8", "replace")), count)

    def _of_stream(self, stream: io.BufferedIOBase, count: Utf8Count) -> Iterator[bytes]:
        for part in find_documents(stream, "document_per_line", LONGEST_LINE):
            before = count.invalid
            count.add(part)
            self.lines += 1
            self.size += len(part.text)
            self.invalid_lines += count.invalid - before
            yield part.text.decode("utf-8", "replace").encode() if count.invalid > before else part.text


def in_batches(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Yields lines some at a time, as many as suit one call of a tokenizer."""
    batch: list[bytes] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if len(batch) == _BATCH_LINES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
