"""Several tasks over one encoder: each with its adapters and its head, the encoder's weights once in memory."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_bert.checkpoints.adapted import write_matrices
from keras_bert.checkpoints.mapping import encoder_weights
from keras_bert.checkpoints.names import POOLER
from keras_bert.checkpoints.peft_folder import Adapter, read_adapter
from keras_bert.checkpoints.presets import open_checkpoint, resolve_base
from keras_bert.compression.adapters import settings_of
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.tasks.base.task import BertTask
from keras_bert.tasks.open_task import open_task


class SeveralAdapters:
    """Tasks that share an encoder and differ in adapters and heads, such as one for sentiment and one for entities.

    One of them is in the encoder at a time. Asking another puts its adapters there, numbers of under a hundredth of the
    encoder's, which takes milliseconds; callers in several threads wait for each other.

    Args:
        folders: Name of a task to its PEFT folder, written by `save_adapters` or by peft. All were trained over the
            same weights. Ranks, layers and alpha may differ: the encoder has room for the largest.
        dtype: Dtype policy of the encoder.

    Raises:
        InputError: No folder, one does not open, or they are of different weights or masks.

    Example:
        >>> tasks = SeveralAdapters({"mood": "runs/sst2/model", "names": "runs/conll/model"})  # doctest: +SKIP
        >>> tasks.answer("mood", ["a gripping film"])  # doctest: +SKIP
        >>> tasks.answer("names", ["Ada Lovelace lived in London"])  # doctest: +SKIP
    """

    def __init__(self, folders: Mapping[str, str | Path], dtype: Any = None) -> None:
        if not folders:
            raise InputError("SeveralAdapters: no folder with adapters is named")
        self._adapters = {name: read_adapter(folder) for name, folder in folders.items()}
        self._lock = threading.Lock()
        self._active: str | None = None
        base = self._base()
        self._tasks: dict[str, BertTask] = {}
        self._poolers: dict[str, dict[str, Any]] = {}
        encoder: Any = None
        ways: dict[bool, BertEncoder] = {}
        for name, folder in folders.items():
            own = open_task(str(folder), dtype=dtype)
            if encoder is None:
                encoder = self._shared(own.encoder, base)
            pooled = own.encoder.use_pooler
            if pooled not in ways:
                ways[pooled] = _way(encoder, pooled)
            if own.encoder.attention != encoder.attention or own.encoder.packing != encoder.packing:
                raise InputError(f"{folder}: attention={own.encoder.attention!r} is not that of the other tasks")
            self._poolers[name] = {
                weight.name: weight.read() for weight in encoder_weights(own.encoder) if weight.name.startswith(POOLER)
            }
            self._tasks[name] = own.over(ways[pooled])
        self.encoder: BertEncoder = encoder

    def _base(self) -> str:
        """Returns the handle of the weights that all adapters were trained over."""
        found = {name: adapter.base for name, adapter in self._adapters.items()}
        bases = {None if base is None else resolve_base(base).resolve() for base in found.values()}
        first = next(iter(found.values()))
        if len(bases) > 1 or first is None:
            told = ", ".join(f"{name} over {base}" for name, base in found.items())
            raise InputError(f"adapters share an encoder where they were trained over the same weights; here {told}")
        return str(resolve_base(first))

    def _shared(self, own: BertEncoder, base: str) -> BertEncoder:
        """Makes the encoder, with the weights of the base and room for all adapters."""
        strange = [
            f"{adapter.source}: {name}"
            for adapter in self._adapters.values()
            for name in adapter.tensors
            if name.startswith("bert.") and not name.startswith(POOLER)
        ]
        if strange:
            raise InputError(f"{strange[0]} was trained as a whole, so that no other task can share the encoder")
        settings = settings_of(*self._adapters.values())
        config = {name: value for name, value in own.get_config().items() if name != "frozen"}
        encoder = BertEncoder.from_config({**config, "adapters": settings, "use_pooler": False})
        tensors = open_checkpoint(base).tensors
        for weight in encoder_weights(encoder):
            weight.write(tensors[weight.name])
        encoder.trainable = False
        return encoder

    @property
    def names(self) -> list[str]:
        """The names of the tasks."""
        return list(self._tasks)

    @property
    def active(self) -> str | None:
        """The name of the task whose adapters are in the encoder; None before the first call."""
        return self._active

    def answer(self, name: str, texts: Sequence[Any], **options: Any) -> list[Any]:
        """Answers texts as the model of one task does.

        Args:
            name: Of the task.
            texts: As its `answer` takes them.
            **options: Further arguments of its `answer`.

        Raises:
            InputError: There is no task of this name, or as its `answer`.
        """
        with self._lock:
            return self.use(name).answer(texts, **options)

    def use(self, name: str) -> Any:
        """Puts the adapters of a task into the encoder, and returns it; until the next call of this or `answer`.

        Raises:
            InputError: There is no task of this name.
        """
        if name not in self._tasks:
            raise InputError(f"no task {name!r}; there are: {', '.join(self._tasks)}")
        if name != self._active:
            adapter: Adapter = self._adapters[name]
            self._active = None
            write_matrices(self.encoder, adapter)
            for weight in encoder_weights(self._tasks[name].encoder):
                if weight.name in self._poolers[name]:
                    weight.write(self._poolers[name][weight.name])
            self._active = name
        return self._tasks[name]


def _way(encoder: BertEncoder, pooled: bool) -> BertEncoder:
    """Makes an encoder of the layers of another, with a pooler of its own or without."""
    config = {
        name: value for name, value in encoder.get_config().items() if name not in ("frozen", "trainable", "name")
    }
    return BertEncoder(**{**config, "config": encoder.config, "use_pooler": pooled, "shared": encoder})
