"""How Beam's workers read the rows that `keras-bert prepare` was told of, and make examples of them."""

from __future__ import annotations

import dataclasses
import functools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.scripts.flag_file import expand_flag_files
from keras_bert.scripts.task_kinds import KINDS

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping

    import tensorflow as tf

    from keras_bert.scripts.task_kinds.task_kind import TaskKind

FLAGS = flags.FLAGS

ROWS_IN_MEMORY = 65_536
"""Rows that a reader holds at a time."""


@dataclasses.dataclass(frozen=True)
class PreparedRows:
    """Reads sources of rows as the flags say, and makes examples of them as a task does; it travels to other processes.

    Attributes:
        lines: The flags, as `flag_lines` writes them.
        labels: The labels there may be; None where the rows say themselves, or have none.
        task: The files of the task's folder by name; none while rows are only counted.
    """

    lines: str
    labels: tuple[str, ...] | None = None
    task: tuple[tuple[str, bytes], ...] = ()

    @property
    def kind(self) -> TaskKind:
        """The kind of the task, with the flags set."""
        _set_flags(self.lines)
        return KINDS[FLAGS.task]

    @property
    def whole_blocks(self) -> bool:
        """Rows of taggers may be each other's context."""
        return bool(self.kind.task_class == "BertTokenClassifier" and FLAGS.document_context)

    def blocks(self, source: str) -> Iterator[tf.data.Dataset]:
        """Yields the rows of a source, checked as `keras-bert finetune` checks them."""
        from keras_bert.data.sources.source_blocks import SourceBlocks

        kind, labels = self.kind, None if self.labels is None else list(self.labels)
        blocks: Any = SourceBlocks(source, ROWS_IN_MEMORY)  # where a reader takes a name
        for rows in blocks.read_all(lambda part: kind.read(part, labels)):
            if self.task:
                kind.check_rows(_opened(self.task), blocks, rows)
            yield rows

    def features(self, rows: Mapping[str, Any]) -> tuple[Any, ...]:
        """Makes examples of a batch of rows."""
        return _opened(self.task).features(rows)

    def counts(self, rows: tf.data.Dataset) -> Counter[str]:
        """Counts the labels of rows."""
        return self.kind.label_counts(rows)

    def open(self) -> None:
        """Opens the task, which is otherwise done when the first rows are there."""
        _opened(self.task)

    def with_task(self, task: Any, labels: list[str] | None) -> PreparedRows:
        """Returns one that makes the examples of a task."""
        with tempfile.TemporaryDirectory() as folder:
            task.save_preset(Path(folder, "task"))
            paths = sorted(path for path in Path(folder, "task").rglob("*") if path.is_file())
            files = tuple((str(path.relative_to(Path(folder, "task"))), path.read_bytes()) for path in paths)
        return dataclasses.replace(self, labels=None if labels is None else tuple(labels), task=files)


@functools.lru_cache(maxsize=1)
def _opened(files: tuple[tuple[str, bytes], ...]) -> Any:
    from keras_bert.tasks import open_task

    with tempfile.TemporaryDirectory() as folder:
        for name, content in files:
            Path(folder, name).parent.mkdir(exist_ok=True)
            Path(folder, name).write_bytes(content)
        return open_task(folder)


@functools.lru_cache(maxsize=1)
def _set_flags(lines: str) -> None:
    """Sets the flags of this process, if it is a worker's that has none."""
    if FLAGS.is_parsed():
        return
    from keras_bert.scripts import prepare  # noqa: F401  # which defines them

    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(lines)
        file.flush()
        FLAGS(["prepare", *expand_flag_files([f"--flagfile={file.name}"])])
