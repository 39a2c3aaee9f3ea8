"""Strings in, numbers through the model, answers out: the three stages of every task."""

import contextlib
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert.arguments import check_call
from keras_bert.data.batching.batch_size import check_batch_size
from keras_bert.data.memory.given_rows import given_texts, refuse_texts
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.explain_hook import explain
from keras_bert.graph import graph_function
from keras_bert.layers.frozen_parts import freeze_parts
from keras_bert.tasks.base.global_batch import GlobalBatchModel
from keras_bert.tasks.base.long_texts import in_chunks, in_windows
from keras_bert.tasks.base.on_replicas import on_replicas
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.token_layer import TokenLayer

Tensors = dict[str, Any]
Text = str | bytes | Sequence[str] | Mapping[str, str]


class TextModel(GlobalBatchModel):
    """A BERT with a head, and the three stages that carry strings through it.

    The preprocessor turns strings into numbers, the model itself turns numbers into outputs, `answers` turns outputs
    into answers. All three are TensorFlow graph functions; training, `answer` and the exported SavedModel call the same
    ones. Strings never enter the model: `fit` sees numbers only.

    Subclasses define `answers` and `answer_rows`.

    Args:
        encoder: The encoder, part of the model.
        preprocessor: Turns strings into the encoder's inputs.
        outputs: The head's outputs, symbolic tensors computed from `encoder.input`.
        text_pair: The task takes two texts a row.
        inputs: Further inputs of the head, or others in the place of the encoder's, int32 (batch, ...) by name.
        **kwargs: Those of `keras.Model`.

    Raises:
        InputError: The preprocessor's vocabulary or longest input does not fit the encoder; or Keras runs on another
            backend than TensorFlow.
    """

    def __init__(
        self,
        encoder: BertEncoder,
        preprocessor: BertPreprocessor,
        outputs: Any,
        text_pair: bool = False,
        inputs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if keras.config.backend() != "tensorflow":
            raise InputError(
                f"Keras' backend is {keras.config.backend()!r}; tasks train and answer with TensorFlow: set "
                "KERAS_BACKEND=tensorflow before Keras is imported (BertEncoder runs on every backend)"
            )
        tokens = preprocessor.tokenizer.vocabulary_size
        if tokens != encoder.config.vocab_size:
            raise InputError(
                f"the vocabulary has {tokens} entries, the encoder's config says "
                f"vocab_size={encoder.config.vocab_size}; use the vocab.txt that belongs to the checkpoint"
            )
        if preprocessor.max_length > encoder.config.max_position_embeddings:
            raise InputError(
                f"max_length={preprocessor.max_length} is more than the encoder's position table has rows, "
                f"max_position_embeddings={encoder.config.max_position_embeddings}"
            )
        if text_pair:
            check_two_segments(encoder, "two texts a row (text_pair=True)")
        inputs = {**encoder.input, **(inputs or {})}
        if in_windows(preprocessor) != (len(inputs["token_ids"].shape) == 3):
            raise InputError(
                f"long_texts='windows' is for classifiers, regressors and embedders; a {type(self).__name__} has none"
            )
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        if kwargs.get("trainable") is False:  # Keras (3.15, `Functional`) freezes the model before it has layers
            freeze_parts(self, [layer.name for layer in self.layers])
        # Keras scales the loss where the model itself has the policy mixed_float16.
        self.dtype_policy = encoder.dtype_policy
        self.encoder = encoder
        self.text_pair = text_pair
        numbers = [{name: tf.TensorSpec([None] * len(each.shape), tf.int32) for name, each in inputs.items()}]
        # In a namespace, which Keras does not look into: as a layer of the model the preprocessor would
        # switch XLA off for all of it.
        self._stages = types.SimpleNamespace(
            preprocessor=preprocessor,
            pad=preprocessor.pad,
            load_report=None,
            row_settings=None,
            # Both go from inputs to outputs; in scoring all workers take part, an answer may be one worker's alone.
            forward=on_replicas(self.distribute_strategy, self.outputs_of, numbers),
            alone=on_replicas(None, self.outputs_of, numbers),
        )
        self.trace_answers()

    def trace_answers(self) -> None:
        """Has `answer` trace its graph anew at its next call, after something changed that is a constant there."""
        strings = tf.TensorSpec([None], tf.string)
        self._stages.answer = graph_function(self.answer_strings, input_signature=[strings] * len(self.text_fields))

    @property
    def preprocessor(self) -> BertPreprocessor:
        """Turns strings into the encoder's inputs."""
        return self._stages.preprocessor

    @property
    def tokenizer(self) -> TokenLayer:
        """The preprocessor's tokenizer."""
        return self.preprocessor.tokenizer

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The strings of a row: `("text",)` or `("text", "text_pair")`."""
        return ("text", "text_pair") if self.text_pair else ("text",)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs, see the class of the task.

        Raises:
            InputError: An input or an argument that the model does not have, or texts in place of numbers.
        """
        check_call(type(self).__name__, inputs, self.input, kwargs)
        if not isinstance(inputs, Mapping):
            refuse_texts(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def fit(self, x: Any = None, *args: Any, shuffle: bool = False, **kwargs: Any) -> keras.callbacks.History:
        """Keras' `fit`; the shuffling is done by `batches`.

        Raises:
            InputError: Texts in place of batches of numbers, or an argument that belongs to `batches`.
        """
        refuse_texts(x)
        refuse_texts(kwargs.get("validation_data"))
        if isinstance(x, tf.data.Dataset) and (shuffle or kwargs.get("batch_size") is not None):
            name = "shuffle" if shuffle else "batch_size"
            raise InputError(
                f"fit takes batches as they are and does nothing with {name}=; say it where they are made: "
                f"model.batches(rows, {name}={True if shuffle else kwargs['batch_size']})"
            )
        return super().fit(x, *args, shuffle=shuffle, **kwargs)

    def evaluate(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Keras' `evaluate`, of batches of numbers; `evaluate_rows` scores rows."""
        refuse_texts(x)
        return super().evaluate(x, *args, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Keras' `predict`, of batches of numbers; `answer` takes texts."""
        refuse_texts(x)
        return super().predict(x, *args, **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a model loaded from a `.keras` file as it was when saved; the optimizer goes on from there."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def answer_strings(self, *texts: Any) -> Tensors:
        """The whole way in one graph: strings → numbers → outputs → answers.

        Args:
            *texts: string (batch,), one tensor for each of `text_fields`.

        Returns:
            What `answers` returns.
        """
        return self.answers(self.outputs_of(self.preprocessor(*texts)))

    def outputs_of(self, inputs: Mapping[str, Any]) -> Any:
        """Computes the outputs for answers, in the graph; those of many windows part by part, see `in_chunks`."""
        if not in_windows(self.preprocessor):
            return self(inputs, training=False)
        return in_chunks(lambda part: self(part, training=False), inputs, self.output_shape[-1])

    def answer(self, texts: Sequence[Text], batch_size: int = 32) -> list[Any]:
        """Answers texts.

        Args:
            texts: Strings, or pairs of strings for tasks on pairs, or dicts with `text` (and `text_pair`): a list, an
                array, a tensor, a column of a table; or a table or data set of rows with these columns.
            batch_size: Texts a batch; texts of like length share one.

        Returns:
            One answer for each text, in their order: a dict, or what the task says.

        Raises:
            InputError: Not a list, or one of the texts is not what the task takes.

        Example:
            >>> model.answer(["a gripping film"])  # doctest: +SKIP
            [{'label': 'positive', 'score': 0.998}]
        """
        given = given_texts(texts, self.text_fields)
        rows = [self.texts_of(index, text, self.text_fields) for index, text in enumerate(given)]
        return self._in_batches(rows, batch_size, self._stages.answer, self.answer_rows)

    def explain(
        self, texts: Sequence[Text], method: str = "integrated_gradients", target: Any = None, **options: Any
    ) -> list[dict[str, Any]]:
        """Says which words of texts speak for an answer and which against it; see `keras_bert.trust.explain`.

        Args:
            texts: As `answer` takes them; an embedder, whose similarity is explained, takes pairs of texts.
            method: `"integrated_gradients"`, `"gradient_x_input"`, `"attention"`, `"rollout"`, `"occlusion"` or
                `"shapley"`.
            target: What is explained, by default the model's own answer: a class; an entity; a span.
            **options: Those of `keras_bert.trust.explain`.

        Returns:
            For each text a dict: `label`, `score`, `baseline_score`, `gap`, and `words`, each with `text`, `start`,
            `end` and `value`.

        Raises:
            InputError: The task cannot be explained, or an argument is none that it takes.

        Example:
            >>> model.explain(["a gripping film"])[0]["words"][1]  # doctest: +SKIP
            {'text': 'gripping', 'start': 2, 'end': 10, 'value': 2.31, 'field': 'text'}
        """
        return explain(self, texts, method=method, target=target, **options)

    @contextlib.contextmanager
    def answering_by(self, function: Callable[..., Tensors]) -> Iterator[None]:
        """Has `answer` ask another function of strings inside, such as that of a SavedModel.

        Args:
            function: Called with string tensors by the names of `text_fields`; gives what `answer_strings` gives.
        """
        fields, own = self.text_fields, dict(vars(self._stages))

        def ask(*texts: Any) -> Tensors:
            return function(**dict(zip(fields, texts, strict=False)))  # behind the texts come settings

        vars(self._stages).update({name: ask for name in ("answer", "embed") if name in own})
        try:
            yield
        finally:
            vars(self._stages).update(own)

    def _in_batches(
        self,
        rows: Sequence[tuple[bytes, ...]],
        batch_size: int,
        function: Callable[..., Tensors],
        to_answers: Callable[[Mapping[str, np.ndarray]], list[Any]],
    ) -> list[Any]:
        """Runs a graph function over rows of strings, those of like length together; answers in the rows' order."""
        check_batch_size(batch_size)
        order = sorted(range(len(rows)), key=lambda index: sum(map(len, rows[index])))
        answers: dict[int, Any] = {}
        for start in range(0, len(order), batch_size):
            chunk = order[start : start + batch_size]
            columns = zip(*(rows[index] for index in chunk), strict=True)
            tensors = function(*(tf.constant(column) for column in columns))
            numbers = {name: tensor.numpy() for name, tensor in tensors.items()}
            answers.update(zip(chunk, to_answers(numbers), strict=True))
        return [answers[index] for index in range(len(rows))]

    def texts_of(self, index: int, text: Any, fields: tuple[str, ...]) -> tuple[bytes, ...]:
        """Returns the strings of one input of `answer`, in UTF-8."""
        parts: tuple[Any, ...]
        if isinstance(text, Mapping):
            self._check_fields(text, f"text {index} has", fields)
            parts = tuple(text[name] for name in fields)
        elif isinstance(text, Iterable) and not isinstance(text, str | bytes):
            parts = tuple(text)
        else:
            parts = (text,)
        if len(parts) != len(fields) or not all(isinstance(part, str | bytes) for part in parts):
            expected = "a string" if len(fields) == 1 else "a pair of strings"
            raise InputError(f"text {index}: expected {expected}, received: {text!r:.80}")
        # Half a surrogate pair, which JSON can hold, becomes invalid UTF-8, which the tokenizer makes [UNK].
        return tuple(part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part for part in parts)

    def _check_fields(self, row: Mapping[str, Any], whose: str, fields: tuple[str, ...]) -> None:
        """Refuses a row that lacks a text that the task takes, or has one more."""
        given = tuple(name for name in ("text", "text_pair") if name in row)
        if given != fields:
            takes, has = " and ".join(fields), " and ".join(given) or "neither text nor text_pair"
            raise InputError(f"the task takes {takes} (text_pair={len(fields) == 2}), {whose} {has}")

    def answers(self, outputs: Any) -> Tensors:
        """Turns the model's outputs into answers, in the graph."""
        raise NotImplementedError

    def answer_rows(self, answers: Mapping[str, np.ndarray]) -> list[Any]:
        """Turns the arrays of `answers` into one answer for each row."""
        raise NotImplementedError


def check_two_segments(encoder: BertEncoder, what: str) -> None:
    """Checks that an encoder can tell the two texts of a row apart.

    Raises:
        InputError: Its segment table has one row.
    """
    if encoder.config.type_vocab_size < 2:
        raise InputError(
            f"the checkpoint has one kind of segment (type_vocab_size=1), and {what} need two: take another "
            "checkpoint, or single texts"
        )
