"""Regression on a text or a pair of texts, such as the similarity of two sentences (STS-B)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from keras_bert.arguments import check_arguments, check_options
from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.heads import cross_encoder_activation, is_cross_encoder
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.evaluation.glue import scores
from keras_bert.tasks.base.labels import warn_of_fresh_head
from keras_bert.tasks.base.long_texts import WindowReading, without_long_texts
from keras_bert.tasks.base.portable import Portable
from keras_bert.tasks.base.task import open_preset
from keras_bert.tasks.base.text_model import Tensors
from keras_bert.tasks.pooled.head import (
    ARCHITECTURE,
    REGRESSION,
    own_architecture,
    pooled_head,
    problem_type_of,
    takes_pairs,
)
from keras_bert.tasks.pooled.pooled_task import PooledTask
from keras_bert.tasks.pooled.portable import pooled_portable
from keras_bert.text.preprocessor import BertPreprocessor

LINEAR, SIGMOID = ACTIVATIONS = ("linear", "sigmoid")


@keras.saving.register_keras_serializable(package="keras_bert")
class BertRegressor(PooledTask):
    """BERT that gives a text, or a pair of texts, a number.

    The head is that of the classifier with one output; the loss is the mean squared error.

    Rerankers are regressors on pairs: a `CrossEncoder` of sentence-transformers opens as one, with the activation that
    its `config.json` names.

    Args:
        encoder: The encoder; with a pooler if `pooling` is `"pooler"`, without otherwise.
        preprocessor: Turns strings into the encoder's inputs.
        pooling: What the head reads: `"pooler"` (BERT's own), or the `"cls"`, `"mean"` or `"max"` of the
            hidden states. Only `"pooler"` opens in `transformers` with the same outputs.
        text_pair: The task takes two texts a row.
        activation: What becomes of the head's output: `"linear"`, nothing, or `"sigmoid"`, a number between 0 and 1.
            `transformers` gives the number before it, `CrossEncoder` of sentence-transformers the one behind it.
        window_pooling: With a preprocessor of `long_texts="windows"`: what becomes of the vectors of a text's windows,
            `"mean"` (by default), `"max"` or `"attention"`, which is learned.
        **kwargs: Those of `keras.Model`.

    Call arguments:
        inputs: The encoder's, int32 (batch, tokens).

    Returns:
        float32 (batch, 1).

    Raises:
        InputError: There is no such activation or pooling, or the encoder does not go with it.

    Example:
        >>> model = BertRegressor.from_preset("minilm", text_pair=True)
        >>> sorted(model.answer([("A plane is taking off.", "An air plane is taking off.")])[0])
        ['score']
        >>> model.fit(model.batches(rows, batch_size=32, shuffle=True), epochs=3)  # doctest: +SKIP
        >>> model.answer([("A plane is taking off.", "An air plane is taking off.")])  # doctest: +SKIP
        [{'score': 4.93}]
    """

    architecture = ARCHITECTURE
    monitor = "spearman"

    def __init__(
        self,
        encoder: BertEncoder,
        preprocessor: BertPreprocessor,
        pooling: str = "pooler",
        text_pair: bool = False,
        activation: str = LINEAR,
        window_pooling: str | None = None,
        **kwargs: Any,
    ) -> None:
        check_arguments(BertRegressor, kwargs)
        if activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, received: {activation!r}")
        windows = WindowReading(encoder, preprocessor, window_pooling)
        outputs, head = pooled_head(encoder, 1, pooling, reading=windows)
        if activation != LINEAR:
            outputs = keras.layers.Activation(activation, dtype="float32", name="score")(outputs)
        super().__init__(encoder, preprocessor, outputs, head, pooling, text_pair, windows, **kwargs)
        self.activation = activation

    @classmethod
    def from_preset(
        cls,
        handle: str | Path | Checkpoint,
        max_length: int | None = None,
        *,
        pooling: str | None = None,
        text_pair: bool | None = None,
        truncation: str | None = None,
        dtype: Any = None,
        new_pooler: bool = False,
        pad_vocabulary: bool = False,
        **options: Any,
    ) -> "BertRegressor":
        """Opens a checkpoint of any known format as a regressor; a head of another kind is left for a new one.

        Args:
            handle: A folder, `hf://org/name`, `kaggle://...`, or `minilm`.
            max_length: Longest input in tokens; None takes the checkpoint's own.
            pooling: As in the constructor; None takes the checkpoint's own, or `"pooler"`.
            text_pair: As in the constructor; None takes the checkpoint's own, True for a `CrossEncoder` of
                sentence-transformers, else False: Hugging Face does not record it.
            truncation: See `BertPreprocessor`; None takes the checkpoint's own.
            dtype: Dtype policy, such as `"mixed_bfloat16"`.
            new_pooler: Start the pooler afresh, for checkpoints whose pooler was never trained.
            pad_vocabulary: Name spare rows of the word table, see `open_checkpoint`.
            **options: Further arguments of the constructor, and `long_texts`, `head_tokens`, `window_stride` and
                `max_windows`, see `BertPreprocessor`; those not given are the checkpoint's own. And `positions`,
                `"hierarchical"` for more than the checkpoint has, see `longer_positions`.

        Raises:
            InputError: The checkpoint does not open.
        """
        check_options(cls, without_long_texts(options))
        checkpoint = open_preset(handle, pad_vocabulary)
        is_trained = problem_type_of(checkpoint) == REGRESSION
        if not is_trained:
            warn_of_fresh_head(checkpoint, "a regressor has one output, a number")
        own = {"activation": _activation_of(checkpoint)} if is_trained else {}
        return cls._from_checkpoint(
            checkpoint,
            max_length,
            dtype,
            {"truncation": truncation},
            pooling=pooling,
            is_trained=is_trained,
            new_pooler=new_pooler,
            text_pair=takes_pairs(checkpoint) if text_pair is None else text_pair,
            **{**own, **options},
        )

    def targets(self, labels: Any) -> tuple[Any, ...]:
        """Returns the labels, float32 (batch,), as float32 (batch, 1)."""
        if labels.dtype == tf.string or labels.shape.rank != 1:
            raise InputError("the label of a row is a number to predict: read it with label_type='number'")
        labels = tf.cast(labels, tf.float32)
        tf.debugging.Assert(tf.reduce_all(tf.math.is_finite(labels)), ["a label is missing or infinite:", labels])
        return (labels[:, None],)

    def answers(self, outputs: Any) -> Tensors:
        """Returns `score` float32 (batch,), in the graph."""
        return {"score": outputs[:, 0]}

    def answer_rows(self, answers: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        """Turns the array of `answers` into dicts with `score`."""
        return [{"score": float(score)} for score in answers["score"]]

    def scores(self, targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """Returns Pearson's and Spearman's correlation, as GLUE counts them, and the mean squared error.

        Args:
            targets: float32 (rows, 1).
            outputs: float32 (rows, 1).
        """
        return scores(REGRESSION, targets[:, 0], outputs[:, 0])

    def default_loss(self) -> keras.losses.Loss:
        """Returns the mean squared error, in float32."""
        return keras.losses.MeanSquaredError(dtype="float32")

    def default_metrics(self) -> list[keras.metrics.Metric]:
        """Returns the mean absolute error."""
        return [keras.metrics.MeanAbsoluteError(name="mae")]

    def portable(self) -> Portable:
        """Returns what other formats need: `logits` are the scores, float32 (batch, 1)."""
        return pooled_portable(self, "regress", {}, self.activation)

    def metadata(self) -> dict[str, Any]:
        """Returns the one output and the problem type, as `config.json` has them."""
        fields = {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}, "problem_type": REGRESSION}
        if self.activation == SIGMOID:
            fields["sentence_transformers"] = {"activation_fn": "torch.nn.modules.activation.Sigmoid"}
        return {**fields, **own_architecture(self.pooling)}

    def extra(self) -> dict[str, Any]:
        """Returns what `keras_bert.json` keeps."""
        return {**super().extra(), "activation": self.activation}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "activation": self.activation, "window_pooling": self.window_pooling}


def _activation_of(checkpoint: Checkpoint) -> str:
    """Returns what a regression head's output goes through; warns of an activation that is not known here."""
    if "activation" in checkpoint.extra or not is_cross_encoder(checkpoint.metadata):
        return checkpoint.extra.get("activation", LINEAR)
    named = cross_encoder_activation(checkpoint.metadata, 1)
    if named not in ("Sigmoid", "Identity"):
        logging.warning(
            "%s: the activation_fn of its config.json, %s, is not applied: scores are the head's own outputs",
            checkpoint.source,
            named,
        )
    return SIGMOID if named == "Sigmoid" else LINEAR
