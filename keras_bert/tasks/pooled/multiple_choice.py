"""Multiple choice: which of several texts goes with a text."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_bert.arguments import check_arguments, check_options
from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.heads import CHOICES, has_head
from keras_bert.data.memory.given_rows import given_texts
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.graph import graph_function
from keras_bert.serving.model_card import model_card
from keras_bert.serving.signature import Signature
from keras_bert.tasks.base.labelled_task import weighted
from keras_bert.tasks.base.labels import warn_of_fresh_head
from keras_bert.tasks.base.on_replicas import on_replicas
from keras_bert.tasks.base.portable import Portable
from keras_bert.tasks.base.several_texts import flat_rows, group_rows, pad_groups
from keras_bert.tasks.base.task import open_preset
from keras_bert.tasks.base.text_model import Tensors, check_two_segments
from keras_bert.tasks.pooled.head import pooled_head
from keras_bert.tasks.pooled.loss import ClassificationLoss
from keras_bert.tasks.pooled.pooled_task import PooledTask
from keras_bert.tasks.pooled.portable import pooled_portable
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.ragged_rows import row_ids

ARCHITECTURE = CHOICES

# The logit of a choice that a row has not: its probability is 0.
ABSENT = -1e9


@keras.saving.register_keras_serializable(package="keras_bert")
class BertMultipleChoice(PooledTask):
    """BERT that says which of several choices goes with a text.

    Each choice is packed with the text, `[CLS] text [SEP] choice [SEP]`, and gets one number from pooled output →
    dropout → linear; the probabilities are a softmax over the choices of a row. The model is the same for any number of
    choices, and rows of one batch may differ in it: an empty choice is none, and gets the probability 0. With
    `question=True` a choice answers a question about the text, `[CLS] text [SEP] question choice [SEP]`.

    Args:
        encoder: The encoder; with a pooler if `pooling` is `"pooler"`, without otherwise.
        preprocessor: Turns strings into the encoder's inputs.
        pooling: What the head reads: `"pooler"` (BERT's own), or the `"cls"`, `"mean"` or `"max"` of the hidden
            states. Only `"pooler"` opens in `transformers` with the same logits.
        question: Rows have a question beside their text.
        **kwargs: Those of `keras.Model`.

    Call arguments:
        inputs: int32 (rows, choices, tokens), or the encoder's, (batch, tokens), for a choice a row.

    Returns:
        float32 (rows, choices), logits; (batch, 1) for a choice a row.

    Example:
        >>> model = BertMultipleChoice.from_preset("minilm")
        >>> (answer,) = model.answer([("She opens the door and", ["walks in.", "eats the key."])])
        >>> sorted(answer), len(answer["scores"])
        (['choice', 'score', 'scores', 'text'], 2)
        >>> BertMultipleChoice.from_preset("runs/swag/model").answer(rows)  # doctest: +SKIP
        [{'choice': 0, 'text': 'walks in.', 'score': 0.97, 'scores': [0.97, 0.03]}]

    References:
        Devlin et al. 2018, arXiv:1810.04805, section 4.4; transformers, modeling_bert.py, `BertForMultipleChoice`.
    """

    example_names: ClassVar = ("question",)

    architecture = ARCHITECTURE
    monitor = "accuracy"

    def __init__(
        self,
        encoder: BertEncoder,
        preprocessor: BertPreprocessor,
        pooling: str = "pooler",
        question: bool = False,
        **kwargs: Any,
    ) -> None:
        check_arguments(BertMultipleChoice, kwargs)
        logits, head = pooled_head(encoder, 1, pooling)
        check_two_segments(encoder, "a text and its choices")
        super().__init__(encoder, preprocessor, logits, head, pooling, **kwargs)
        self.question = question
        self._stages.pad = lambda rows: pad_groups(preprocessor, rows)
        ids = dict.fromkeys(encoder.input, tf.TensorSpec([None, None, None], tf.int32))
        strings = [tf.TensorSpec([None] * (1 + (name == "choices")), tf.string) for name in self.text_fields]
        self._stages.forward = on_replicas(self.distribute_strategy, lambda inputs: self(inputs, training=False), [ids])
        self._stages.answer = graph_function(self.answer_strings, input_signature=strings)

    @classmethod
    def from_preset(
        cls,
        handle: str | Path | Checkpoint,
        max_length: int | None = None,
        *,
        pooling: str | None = None,
        truncation: str | None = None,
        question: bool | None = None,
        dtype: Any = None,
        new_pooler: bool = False,
        pad_vocabulary: bool = False,
        **options: Any,
    ) -> "BertMultipleChoice":
        """Opens a checkpoint of any known format; a head that is not of multiple choice is left for a fresh one.

        Args:
            handle: A folder, `hf://org/name`, `kaggle://...`, or `minilm`.
            max_length: Longest input in tokens, text and choice together; None takes the checkpoint's own.
            pooling: As in the constructor; None takes the checkpoint's own, or `"pooler"`.
            truncation: See `BertPreprocessor`; None takes the checkpoint's own.
            question: As in the constructor; None takes the checkpoint's own, or False.
            dtype: Dtype policy, such as `"mixed_bfloat16"`.
            new_pooler: Start the pooler afresh, for checkpoints whose pooler was never trained.
            pad_vocabulary: Name spare rows of the word table, see `open_checkpoint`.
            **options: Further arguments of the constructor.

        Raises:
            InputError: The checkpoint does not open.
        """
        check_options(cls, options)
        checkpoint = open_preset(handle, pad_vocabulary)
        is_trained = has_head(checkpoint, CHOICES)
        if not is_trained:
            warn_of_fresh_head(checkpoint, "multiple choice needs one that gives a number to each choice")
        return cls._from_checkpoint(
            checkpoint,
            max_length,
            dtype,
            {"truncation": truncation},
            pooling=pooling,
            is_trained=is_trained,
            new_pooler=new_pooler,
            question=bool(checkpoint.extra.get("question")) if question is None else question,
            **options,
        )

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The strings of a row: `("text", "choices")`, or `("text", "question", "choices")`."""
        return ("text", "question", "choices") if getattr(self, "question", False) else ("text", "choices")

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Gives logits; see the class."""
        logits = super().__call__(flat_rows(inputs), *args, **kwargs)
        ids, mask = inputs["token_ids"], inputs["padding_mask"]
        if len(ids.shape) == 2:
            return logits
        logits = ops.reshape(logits, (-1, ids.shape[1] or ops.shape(ids)[1]))
        return ops.where(ops.any(ops.cast(mask, "bool"), axis=-1), logits, ABSENT)

    # -- rows ------------------------------------------------------------------------------------------------

    def features(self, rows: Mapping[str, Any]) -> tuple[Any, ...]:
        """Turns a batch of rows into what the batcher pads: `(inputs,)`, or `(inputs, targets)` with labels.

        Args:
            rows: `text` string (batch,), `choices` string (batch, choices), an empty one where a row has fewer than
                others, and `question` string (batch,) if the task has them; `label` too for training, the number of
                the right choice, int32 (batch,).

        Raises:
            InputError: The rows lack something.
        """
        missing = [name for name in self.text_fields if name not in rows]
        if missing:
            takes = " and ".join(self.text_fields)
            raise InputError(f"the task takes {takes}; the rows have no {' and no '.join(missing)}")
        choices = rows["choices"]
        count = choices.shape[1] or tf.shape(choices)[1]
        packed = self.preprocessor.pack(*self._pairs([rows[name] for name in self.text_fields], count))
        is_there = tf.reshape(choices, [-1, 1]) != ""
        packed = {name: _emptied(ragged, is_there) for name, ragged in packed.items()}
        inputs = group_rows(packed, count)
        return (inputs, *weighted(rows, tf.cast(rows["label"], tf.int32))) if "label" in rows else (inputs,)

    # -- answers ---------------------------------------------------------------------------------------------

    def answer_strings(self, *texts: Any) -> Tensors:
        """The whole way in one graph.

        Args:
            *texts: `text` string (batch,), `question` string (batch,) if the task has them, and `choices` string
                (batch, choices); an empty choice is none.

        Returns:
            What `answers` returns, and `text` string (batch,), the likeliest choice.
        """
        choices = texts[-1]
        count = tf.shape(choices)[1]
        inputs = self.preprocessor(*self._pairs(texts, count))
        logits = tf.reshape(self(inputs, training=False), tf.stack([-1, count]))
        answers = self.answers(tf.where(choices != "", logits, ABSENT))
        return {**answers, "text": tf.gather(choices, answers["choice"], batch_dims=1)}

    def _pairs(self, texts: Sequence[Any], count: Any) -> tuple[Any, Any]:
        """Returns the two texts of each choice, strings (batch · choices,)."""
        text, *questions, choices = texts
        for question in questions:
            choices = tf.strings.join([tf.broadcast_to(question[:, None], tf.shape(choices)), choices], " ")
        return tf.repeat(text, count), tf.reshape(choices, [-1])

    def answers(self, outputs: Any) -> Tensors:
        """Turns logits into probabilities, in the graph.

        Args:
            outputs: float32 (batch, choices), logits.

        Returns:
            `choice` int32 (batch,), the number of the likeliest, from 0; `score` float32 (batch,), its probability;
            `scores` float32 (batch, choices).
        """
        scores = tf.nn.softmax(outputs)
        return {
            "choice": tf.argmax(scores, axis=1, output_type=tf.int32),
            "score": tf.reduce_max(scores, axis=1),
            "scores": scores,
        }

    def answer(self, texts: Sequence[Any], batch_size: int = 32) -> list[dict[str, Any]]:
        """Chooses.

        Args:
            texts: Pairs of a text and a list of choices, or dicts with `text` and `choices`; each may have as many
                choices as it likes, at least one. With questions, triples `(text, question, choices)`.
            batch_size: Texts a batch; those of like length and as many choices share one.

        Returns:
            For each text `choice`, the number of the likeliest choice, `text`, the choice itself, `score`, its
            probability, and `scores`, those of all.

        Raises:
            InputError: Not a list, or one of the texts is not what the task takes.
        """
        given = given_texts(
            texts, self.text_fields, instead="texts with their choices; for one write answer([(text, choices)])"
        )
        rows = [self._row_of(index, text) for index, text in enumerate(given)]
        answers: dict[int, dict[str, Any]] = {}
        for count in sorted({len(row) for row in rows}):
            group = [index for index, row in enumerate(rows) if len(row) == count]
            found = self._in_batches([rows[index] for index in group], batch_size, self._choose, self.answer_rows)
            answers.update(zip(group, found, strict=True))
        return [answers[index] for index in range(len(rows))]

    def _choose(self, *texts: Any) -> Tensors:
        alone = len(self.text_fields) - 1
        return self._stages.answer(*texts[:alone], tf.stack(texts[alone:], axis=1))

    def _row_of(self, index: int, row: Any) -> tuple[bytes, ...]:
        """Returns the text and the choices of one input of `answer`, in UTF-8."""
        fields = self.text_fields
        if isinstance(row, Mapping):
            row = tuple(row.get(name) for name in fields)
        parts = tuple(row) if isinstance(row, list | tuple) else ()
        is_list = (
            bool(parts) and isinstance(parts[-1], Sequence | np.ndarray) and not isinstance(parts[-1], str | bytes)
        )
        if len(parts) != len(fields) or not is_list:
            asked = "a text, a question" if self.question else "a text"
            raise InputError(f"text {index}: expected {asked} and a list of choices, received: {row!r:.80}")
        *texts, choices = parts
        if not len(choices):
            raise InputError(f"text {index}: has no choices")
        return tuple(part for text in (*texts, *choices) for part in self.texts_of(index, text, ("text",)))

    def answer_rows(self, answers: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        """Turns the arrays of `answer_strings` into dicts."""
        columns = (answers[name] for name in ("choice", "text", "score", "scores"))
        return [
            {
                "choice": int(choice),
                "text": text.decode("utf-8", "replace"),
                "score": float(score),
                "scores": scores.tolist(),
            }
            for choice, text, score, scores in zip(*columns, strict=True)
        ]

    def signatures(self) -> dict[str, Signature]:
        """Returns the functions of the exported SavedModel.

        `serving_default` takes `text` string (batch,) and `choices` string (batch, choices) and gives what
        `answer_strings` does; `token_ids` takes the encoder's inputs, int32 (batch, choices, tokens). `pairs` takes
        `text` and `choice`, string (pairs,), and gives `logit` float32 (pairs,): a server that puts requests together
        can do so only with this one where texts have unlike numbers of choices. The softmax over the logits of a
        text's choices is their `scores`.
        """
        strings = {
            name: tf.TensorSpec([None] * (1 + (name == "choices")), tf.string, name=name) for name in self.text_fields
        }
        pairs = {name: tf.TensorSpec([None], tf.string, name=name) for name in (*self.text_fields[:-1], "choice")}
        return {
            "serving_default": Signature(
                lambda **texts: self.answer_strings(*(texts[name] for name in self.text_fields)), strings
            ),
            "token_ids": self.token_signature(lambda **inputs: self.answers(self(inputs, training=False)), rank=3),
            "pairs": Signature(self._pair_logits, pairs, frozen=False),
        }

    def _pair_logits(self, choice: Any, **texts: Any) -> Tensors:
        """Gives the logit of each text with one choice, in the graph."""
        fields = [texts[name] for name in self.text_fields[:-1]]
        inputs = self.preprocessor(*self._pairs([*fields, choice[:, None]], 1))
        return {"logit": tf.reshape(self(inputs, training=False), [-1])}

    # -- scores and folders ----------------------------------------------------------------------------------

    def scores(self, targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """Returns the accuracy.

        Args:
            targets: int32 (rows,).
            outputs: float32 (rows, choices), logits.
        """
        return {"accuracy": float(np.mean(outputs.argmax(axis=1) == targets))}

    def default_loss(self) -> keras.losses.Loss:
        """Returns softmax cross-entropy over the choices of a row."""
        return ClassificationLoss()

    def default_metrics(self) -> list[keras.metrics.Metric]:
        """Returns the accuracy."""
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]

    def portable(self) -> Portable:
        """Returns what other formats need: `logits` float32 (batch, 1) for a text with one choice a row."""
        return pooled_portable(self, "choose", {"question": self.question})

    def metadata(self) -> dict[str, Any]:
        """Returns nothing: the class of `transformers` says it all."""
        return {}

    def extra(self) -> dict[str, Any]:
        """Returns what `keras_bert.json` keeps."""
        return {**super().extra(), "question": self.question}

    def card(self, facts: Mapping[str, Any] | None) -> str:
        """Writes the model card, see `BertTask.card`."""
        description = {"problem_type": "multiple choice", "outputs": "a probability for each choice of a text"}
        return model_card(type(self).__name__, self.encoder.config, description, facts or {})

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        del config["text_pair"]
        return {**config, "question": self.question}


def _emptied(ragged: tf.RaggedTensor, is_there: tf.Tensor) -> tf.RaggedTensor:
    """Takes all tokens of the rows that are not there: bool (rows, 1)."""
    is_there = is_there[:, 0]
    kept = tf.boolean_mask(ragged.values, tf.gather(is_there, row_ids(ragged.row_splits)))
    lengths = tf.where(is_there, ragged.row_lengths(), tf.zeros_like(ragged.row_lengths()))
    return tf.RaggedTensor.from_row_lengths(kept, lengths, validate=False)
