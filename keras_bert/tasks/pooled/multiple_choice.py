"""Multiple choice: which of several texts goes with a text."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_bert.arguments import check_arguments, check_options
from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.heads import CHOICES, has_head
from keras_bert.checkpoints.mapping import Weight, dense_weights
from keras_bert.data.memory.given_rows import given_texts
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.serving.model_card import model_card
from keras_bert.serving.signature import Signature
from keras_bert.tasks.base.labelled_task import LabelledTask, weighted
from keras_bert.tasks.base.labels import warn_of_fresh_head
from keras_bert.tasks.base.on_replicas import on_replicas
from keras_bert.tasks.base.several_texts import flat_rows, group_rows, pad_groups
from keras_bert.tasks.base.task import open_preset
from keras_bert.tasks.base.text_model import Tensors, check_two_segments
from keras_bert.tasks.pooled.head import pooled_head
from keras_bert.tasks.pooled.loss import ClassificationLoss
from keras_bert.text.preprocessor import BertPreprocessor

ARCHITECTURE = CHOICES


@keras.saving.register_keras_serializable(package="keras_bert")
class BertMultipleChoice(LabelledTask):
    """BERT that says which of several choices goes with a text.

    Each choice is packed with the text, `[CLS] text [SEP] choice [SEP]`, and gets one number from pooled output →
    dropout → linear; the probabilities are a softmax over the choices of a row. The model is the same for any number of
    choices.

    Args:
        encoder: The encoder; with a pooler if `pooling` is `"pooler"`, without otherwise.
        preprocessor: Turns strings into the encoder's inputs.
        pooling: What the head reads: `"pooler"` (BERT's own), or the `"cls"`, `"mean"` or `"max"` of the hidden
            states. Only `"pooler"` opens in `transformers` with the same logits.
        **kwargs: Those of `keras.Model`.

    Call arguments:
        inputs: int32 (rows, choices, tokens), or the encoder's, (batch, tokens), for a choice a row.

    Returns:
        float32 (rows, choices), logits; (batch, 1) for a choice a row.

    Example:
        >>> model = BertMultipleChoice.from_preset("runs/swag/model")  # doctest: +SKIP
        >>> model.answer([("She opens the door and", ["walks in.", "eats the key."])])  # doctest: +SKIP
        [{'choice': 0, 'text': 'walks in.', 'score': 0.97, 'scores': [0.97, 0.03]}]

    References:
        Devlin et al. 2018, arXiv:1810.04805, section 4.4; transformers, modeling_bert.py, `BertForMultipleChoice`.
    """

    architecture = ARCHITECTURE
    monitor = "accuracy"

    def __init__(
        self,
        encoder: BertEncoder,
        preprocessor: BertPreprocessor,
        pooling: str = "pooler",
        **kwargs: Any,
    ) -> None:
        check_arguments(BertMultipleChoice, kwargs)
        logits, head = pooled_head(encoder, 1, pooling)
        check_two_segments(encoder, "a text and its choices")
        super().__init__(encoder, preprocessor, logits, **kwargs)
        self.pooling = pooling
        self.classifier = head
        self._stages.pad = lambda rows: pad_groups(preprocessor, rows)
        ids = dict.fromkeys(encoder.input, tf.TensorSpec([None, None, None], tf.int32))
        strings = [tf.TensorSpec([None], tf.string), tf.TensorSpec([None, None], tf.string)]
        self._stages.forward = on_replicas(self.distribute_strategy, lambda inputs: self(inputs, training=False), [ids])
        self._stages.answer = tf.function(self.answer_strings, input_signature=strings)

    @classmethod
    def from_preset(
        cls,
        handle: str | Path | Checkpoint,
        max_length: int | None = None,
        *,
        pooling: str | None = None,
        truncation: str | None = None,
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
            dtype: Dtype policy, such as `"mixed_bfloat16"`.
            new_pooler: Start the pooler afresh, for checkpoints whose pooler was never trained.
            pad_vocabulary: Name spare rows of the word table, see `open_checkpoint`.
            **options: Further arguments of the constructor.

        Raises:
            InputError: The checkpoint does not open.
        """
        check_options(cls, options)
        checkpoint = open_preset(handle, pad_vocabulary)
        pooling = pooling or checkpoint.extra.get("pooling", "pooler")
        encoder, preprocessor = cls.parts_of(
            checkpoint, max_length, dtype, pooling == "pooler", {"truncation": truncation}
        )
        model = cls(encoder, preprocessor, pooling=pooling, **options)
        is_trained = has_head(checkpoint, CHOICES)
        if not is_trained:
            warn_of_fresh_head(checkpoint, "multiple choice needs one that gives a number to each choice")
        new = [] if is_trained else ["classifier."]
        model.load_checkpoint(checkpoint, new=[*new, *(["bert.pooler."] if new_pooler else [])])
        return model

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The strings of a row."""
        return ("text", "choices")

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Gives logits; see the class."""
        logits = super().__call__(flat_rows(inputs), *args, **kwargs)
        ids = inputs["token_ids"]
        return logits if len(ids.shape) == 2 else ops.reshape(logits, (-1, ids.shape[1] or ops.shape(ids)[1]))

    # -- rows ------------------------------------------------------------------------------------------------

    def features(self, rows: Mapping[str, Any]) -> tuple[Any, ...]:
        """Turns a batch of rows into what the batcher pads: `(inputs,)`, or `(inputs, targets)` with labels.

        Args:
            rows: `text` string (batch,), `choices` string (batch, choices); `label` too for training, the number of
                the right choice, int32 (batch,).

        Raises:
            InputError: The rows lack something.
        """
        missing = [name for name in ("text", "choices") if name not in rows]
        if missing:
            raise InputError(f"the task takes text and choices; the rows have no {' and no '.join(missing)}")
        choices = rows["choices"]
        count = choices.shape[1] or tf.shape(choices)[1]
        packed = self.preprocessor.pack(tf.repeat(rows["text"], count), tf.reshape(choices, [-1]))
        inputs = group_rows(packed, count)
        return (inputs, *weighted(rows, tf.cast(rows["label"], tf.int32))) if "label" in rows else (inputs,)

    # -- answers ---------------------------------------------------------------------------------------------

    def answer_strings(self, *texts: Any) -> Tensors:
        """The whole way in one graph.

        Args:
            *texts: `text` string (batch,), and `choices` string (batch, choices).

        Returns:
            What `answers` returns, and `text` string (batch,), the likeliest choice.
        """
        text, choices = texts
        count = tf.shape(choices)[1]
        inputs = self.preprocessor(tf.repeat(text, count), tf.reshape(choices, [-1]))
        answers = self.answers(tf.reshape(self(inputs, training=False), tf.stack([-1, count])))
        return {**answers, "text": tf.gather(choices, answers["choice"], batch_dims=1)}

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
                choices as it likes, at least one.
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

    def _choose(self, text: Any, *choices: Any) -> Tensors:
        return self._stages.answer(text, tf.stack(choices, axis=1))

    def _row_of(self, index: int, row: Any) -> tuple[bytes, ...]:
        """Returns the text and the choices of one input of `answer`, in UTF-8."""
        if isinstance(row, Mapping):
            row = (row.get("text"), row.get("choices"))
        parts = tuple(row) if isinstance(row, list | tuple) else ()
        if len(parts) != 2 or not isinstance(parts[1], Sequence | np.ndarray) or isinstance(parts[1], str | bytes):
            raise InputError(f"text {index}: expected a text and a list of choices, received: {row!r:.80}")
        if not len(parts[1]):
            raise InputError(f"text {index}: has no choices")
        return tuple(part for text in (parts[0], *parts[1]) for part in self._texts_of(index, text, ("text",)))

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
            "text": tf.TensorSpec([None], tf.string, name="text"),
            "choices": tf.TensorSpec([None, None], tf.string, name="choices"),
        }
        pairs = {name: tf.TensorSpec([None], tf.string, name=name) for name in ("text", "choice")}
        return {
            "serving_default": Signature(lambda text, choices: self.answer_strings(text, choices), strings),
            "token_ids": self.token_signature(lambda **inputs: self.answers(self(inputs, training=False)), rank=3),
            "pairs": Signature(self._pair_logits, pairs, frozen=False),
        }

    def _pair_logits(self, text: Any, choice: Any) -> Tensors:
        """Gives the logit of each text with one choice, in the graph."""
        return {"logit": tf.reshape(self(self.preprocessor(text, choice), training=False), [-1])}

    # -- scores and folders ----------------------------------------------------------------------------------

    def scores(self, targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """Returns the accuracy.

        Args:
            targets: int32 (rows,).
            outputs: float32 (rows, choices), logits.
        """
        return {"accuracy": float(np.mean(outputs.argmax(axis=1) == targets))}

    def head_weights(self) -> list[Weight]:
        """Returns the head's weights under Hugging Face's names."""
        return dense_weights("classifier", self.classifier)

    def default_loss(self) -> keras.losses.Loss:
        """Returns softmax cross-entropy over the choices of a row."""
        return ClassificationLoss()

    def default_metrics(self) -> list[keras.metrics.Metric]:
        """Returns the accuracy."""
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]

    def metadata(self) -> dict[str, Any]:
        """Returns nothing: the class of `transformers` says it all."""
        return {}

    def extra(self) -> dict[str, Any]:
        """Returns what `keras_bert.json` keeps."""
        return {"pooling": self.pooling}

    def _card(self, facts: Mapping[str, Any] | None) -> str:
        description = {"problem_type": "multiple choice", "outputs": "a probability for each choice of a text"}
        return model_card(type(self).__name__, self.encoder.config, description, facts or {})

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        del config["text_pair"]
        return {**config, "pooling": self.pooling}
