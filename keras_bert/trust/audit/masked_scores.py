"""How likely a model with a masked-word head finds tokens that are masked, one a row, in batches."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.graph import graph_function
from keras_bert.tasks import BertPretrainer
from keras_bert.tasks.pretraining.packed_examples import one_example_a_row

Row = tuple[Sequence[int], int, int]


class MaskedScores:
    """Asks a model for the log-probability of one token in the place of one mask, row by row.

    Rows run in the order of their lengths, so that next to nothing is computed for padding.

    Args:
        task: A `BertPretrainer`.
        probe: What it is for, for the message.
        batch_size: Rows that run together.

    Raises:
        InputError: The model has no masked-word head.
    """

    def __init__(self, task: Any, probe: str, batch_size: int = 64) -> None:
        if not isinstance(task, BertPretrainer):
            raise InputError(
                f"the probe {probe!r} asks a masked-word head, which a {type(task).__name__} has not; take a model as "
                "it was pre-trained (keras-bert pretrain), or a checkpoint with cls.predictions"
            )
        self.task = task
        self.batch_size = batch_size
        ids = tf.TensorSpec([None, None], tf.int32)
        self._scores = graph_function(self._in_graph, input_signature=[ids, *[tf.TensorSpec([None], tf.int32)] * 3])

    def ids(self, text: str) -> list[int]:
        """Returns the ids of a text, without special tokens."""
        return self.task.tokenizer.tokenize([text]).to_list()[0]

    def wrapped(self, ids: Sequence[int], what: str) -> list[int]:
        """Puts `[CLS]` and `[SEP]` around ids.

        Raises:
            InputError: They are more than the model takes.
        """
        tokenizer, longest = self.task.tokenizer, self.task.preprocessor.max_length
        found = [tokenizer.cls_token_id, *ids, tokenizer.sep_token_id]
        if len(found) > longest:
            raise InputError(f"{what}: {len(found)} tokens, more than the model takes ({longest})")
        return found

    def masked(self, ids: Sequence[int], place: int) -> Row:
        """Returns ids with a mask in one place, the place, and the id that was there."""
        copy = list(ids)
        copy[place] = self.task.tokenizer.mask_token_id
        return copy, place, ids[place]

    def __call__(self, rows: Sequence[Row]) -> np.ndarray:
        """Returns log-probabilities.

        Args:
            rows: Ids with special tokens and a mask, the mask's place, and the id of which the probability is asked.

        Returns:
            float64 (rows,).
        """
        order = sorted(range(len(rows)), key=lambda index: len(rows[index][0]))
        found = np.zeros(len(rows))
        pad = self.task.tokenizer.pad_token_id
        for begin in range(0, len(order), self.batch_size):
            chunk = [rows[index] for index in order[begin : begin + self.batch_size]]
            lengths = np.array([len(ids) for ids, _, _ in chunk], np.int32)
            padded = np.full((len(chunk), lengths.max()), pad, np.int32)
            for line, (ids, _, _) in zip(padded, chunk, strict=True):
                line[: len(ids)] = ids
            places, wanted = (np.array([row[part] for row in chunk], np.int32) for part in (1, 2))
            found[order[begin : begin + self.batch_size]] = self._scores(padded, lengths, places, wanted).numpy()
        return found

    def _in_graph(self, token_ids: Any, lengths: Any, places: Any, wanted: Any) -> Any:
        inputs = {
            "token_ids": token_ids,
            "segment_ids": tf.zeros_like(token_ids),
            "padding_mask": tf.sequence_mask(lengths, tf.shape(token_ids)[1], tf.int32),
            "mask_positions": places[:, None],
        }
        logits = self.task(one_example_a_row(self.task, inputs), training=False)["masked_lm"][:, 0]
        return tf.gather(tf.nn.log_softmax(tf.cast(logits, tf.float32)), wanted, batch_dims=1)
