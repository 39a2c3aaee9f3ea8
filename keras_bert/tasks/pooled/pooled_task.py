"""What the tasks that read one vector a text share: the linear layer on it, and how a checkpoint opens as one."""

from collections.abc import Mapping
from typing import Any, Self

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.hierarchical_positions import with_positions
from keras_bert.checkpoints.mapping import Weight, dense_weights
from keras_bert.encoder import BertEncoder
from keras_bert.layers.linear import Linear
from keras_bert.tasks.base.labelled_task import LabelledTask
from keras_bert.tasks.base.long_texts import WindowReading, take_long_texts
from keras_bert.text.preprocessor import BertPreprocessor


class PooledTask(LabelledTask):
    """A task whose head is pooling → dropout → linear.

    Args:
        encoder: The encoder; with a pooler if `pooling` is `"pooler"`, without otherwise.
        preprocessor: Turns strings into the encoder's inputs.
        outputs: The task's outputs, made from what `pooled_head` returns.
        classifier: The linear layer that `pooled_head` returns.
        pooling: What the head reads, see `pooled_head`.
        text_pair: The task takes two texts a row.
        reading: How long texts are read; None: as they are.
        **kwargs: Those of `keras.Model`.
    """

    def __init__(
        self,
        encoder: BertEncoder,
        preprocessor: BertPreprocessor,
        outputs: Any,
        classifier: Linear,
        pooling: str,
        text_pair: bool = False,
        reading: WindowReading | None = None,
        **kwargs: Any,
    ) -> None:
        inputs = None if reading is None else reading.inputs
        super().__init__(encoder, preprocessor, outputs, text_pair, inputs=inputs, **kwargs)
        self._stages.reading_windows = reading
        self.pooling = pooling
        self.classifier = classifier

    @classmethod
    def _from_checkpoint(
        cls,
        checkpoint: Checkpoint,
        max_length: int | None,
        dtype: Any,
        preprocessing: Mapping[str, Any],
        *,
        pooling: str | None,
        is_trained: bool,
        new_pooler: bool,
        **arguments: Any,
    ) -> Self:
        """Makes the task of an opened checkpoint and loads its weights.

        Args:
            checkpoint: The checkpoint.
            max_length: As in `from_preset`.
            dtype: As in `from_preset`.
            preprocessing: See `BertTask.parts_of`.
            pooling: What the head reads; None: as the checkpoint says, or `"pooler"`.
            is_trained: The checkpoint's head is the task's; else a new one starts.
            new_pooler: Start the pooler afresh.
            **arguments: Further ones of the constructor.
        """
        pooling = pooling or checkpoint.extra.get("pooling", "pooler")
        checkpoint = with_positions(checkpoint, arguments.pop("positions", None), max_length)
        long_texts, window_pooling = take_long_texts(arguments, checkpoint.extra)
        if window_pooling is not None:
            arguments["window_pooling"] = window_pooling
        preprocessing = {**preprocessing, **long_texts}
        encoder, preprocessor = cls.parts_of(checkpoint, max_length, dtype, pooling == "pooler", preprocessing)
        model = cls(encoder, preprocessor, pooling=pooling, **arguments)
        new = {"classifier.": not is_trained, "bert.pooler.": new_pooler}
        model.load_checkpoint(checkpoint, new=[prefix for prefix, is_new in new.items() if is_new])
        return model

    def head_weights(self) -> list[Weight]:
        """Returns the head's weights under Hugging Face's names, and those of windows under names of our own."""
        reading = self._stages.reading_windows
        return [*dense_weights("classifier", self.classifier), *(reading.weights() if reading else ())]

    @property
    def window_pooling(self) -> str | None:
        """What becomes of the vectors of a text's windows; None without windows."""
        reading = self._stages.reading_windows
        return reading.mode if reading else None

    def extra(self) -> dict[str, Any]:
        """Returns what `keras_bert.json` keeps."""
        windows = {} if self.window_pooling is None else {"window_pooling": self.window_pooling}
        return {"pooling": self.pooling, **windows}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments that these tasks share."""
        return {**super().get_config(), "pooling": self.pooling}
