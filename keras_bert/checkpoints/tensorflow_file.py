"""TensorFlow checkpoint files: which one of a folder, and its variables."""

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_bert.checkpoints.tensorflow_index import read_index
from keras_bert.errors import InputError
from keras_bert.files import PATTERN_CHARACTERS
from keras_bert.foreign_files import check_regular

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_FLOATS = (tf.float16, tf.bfloat16, tf.float32, tf.float64)


def find_prefix(path: str | Path) -> Path:
    """Finds the checkpoint in a folder, or takes the prefix that is named (`folder/bert_model.ckpt`).

    In a folder of several checkpoints the one that the file `checkpoint` names as the latest is taken.

    Raises:
        InputError: There is none, or there are several and nothing says which.
    """
    path = Path(path)
    if Path(f"{path}.index").is_file():
        return path
    check_regular(path / "checkpoint")
    try:
        state = tf.train.get_checkpoint_state(str(path))
    except (UnicodeDecodeError, tf.errors.OpError) as error:
        raise InputError(f"{path / 'checkpoint'}: cannot be read: {_reason(error)}; delete it") from None
    if state is not None:
        # The name alone: the file may hold the absolute path of the folder that this one was copied from.
        latest = path / Path(state.model_checkpoint_path).name
        if Path(f"{latest}.index").is_file():
            return latest
    found = sorted(path.glob("*.index")) if path.is_dir() else []
    if not found:
        raise InputError(f"{path}: no TensorFlow checkpoint there; expected bert_model.ckpt.index")
    if len(found) > 1:
        names = ", ".join(str(index)[: -len(".index")] for index in found)
        raise InputError(f"{path}: several checkpoints and no file 'checkpoint' says which; name one: {names}")
    return Path(str(found[0])[: -len(".index")])


class Variables:
    """The variables of a TensorFlow checkpoint, by name.

    Args:
        prefix: The checkpoint's path without `.index`.

    Raises:
        InputError: The files are missing, truncated or damaged.
    """

    def __init__(self, prefix: Path) -> None:
        self._prefix = prefix
        self._entries = read_index(prefix)
        try:
            self._reader = tf.train.load_checkpoint(self._without_pattern(prefix))
        except (tf.errors.OpError, ValueError) as error:
            raise InputError(f"{prefix}: not a readable TensorFlow checkpoint: {_reason(error)}") from None

    def _without_pattern(self, prefix: Path) -> str:
        """Returns a path to the same files that TensorFlow does not take for a pattern of names.

        It would look for those of `b[1]` in `b1`. Links from elsewhere lead it to them, as long as this object lives,
        since the data files are opened when they are read.
        """
        if not set(PATTERN_CHARACTERS) & set(str(prefix)):
            return str(prefix)
        folder = Path(tempfile.mkdtemp(prefix="keras-bert-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        for part in prefix.resolve().parent.iterdir():
            if part.name.startswith(f"{prefix.name}."):
                (folder / f"checkpoint{part.name[len(prefix.name) :]}").symlink_to(part)
        return str(folder / "checkpoint")

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def shape(self, name: str) -> tuple[int, ...]:
        """Returns the shape of a variable, without reading it."""
        return self._entries[name].shape

    def read(self, name: str) -> np.ndarray:
        """Reads one variable as float32.

        Raises:
            InputError: The data file is truncated, missing or damaged, or the variable is no float.
        """
        dtype = self._entries[name].dtype
        if dtype not in _FLOATS:
            raise InputError(f"{self._prefix}: {name} is {dtype.name}, expected floating-point weights")
        try:
            return np.asarray(self._reader.get_tensor(name)).astype(np.float32)
        except (tf.errors.OpError, RuntimeError, IndexError) as error:
            raise InputError(f"{self._prefix}: cannot read {name}: {_reason(error)}") from None

    @property
    def half_precision(self) -> list[str]:
        """Names of the variables that are stored in half precision."""
        return [name for name in self if self._entries[name].dtype in (tf.float16, tf.bfloat16)]


def _reason(error: Exception) -> str:
    """Returns the first line of TensorFlow's message."""
    message = getattr(error, "message", None) or str(error)
    return message.strip().splitlines()[0] if message.strip() else type(error).__name__
