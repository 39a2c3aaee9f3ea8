"""Extractive question answering: the part of a text, of any length, that answers a question about it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import logging
from keras import ops

from keras_bert.arguments import check_arguments, check_options
from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.mapping import Weight, dense_weights
from keras_bert.data.memory.given_rows import given_texts
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.evaluation.squad import SCORINGS, squad_scores
from keras_bert.layers.linear import Linear
from keras_bert.serving.model_card import model_card
from keras_bert.serving.signature import Signature
from keras_bert.tasks.base.labelled_task import LabelledTask
from keras_bert.tasks.base.task import open_preset
from keras_bert.tasks.base.text_model import Tensors, Text, check_two_segments
from keras_bert.tasks.question_answering.batches import learnable, question_batches, window_rows
from keras_bert.tasks.question_answering.character_answers import character_answer, valid_utf8
from keras_bert.tasks.question_answering.search import N_BEST, choose, search
from keras_bert.tasks.question_answering.spans import IMPOSSIBLE
from keras_bert.tasks.question_answering.windows import QuestionWindows, answer_positions, question_windows
from keras_bert.text.preprocessor import BertPreprocessor


@keras.saving.register_keras_serializable(package="keras_bert")
class BertQuestionAnswerer(LabelledTask):
    """BERT that finds the part of a text which answers a question, or that there is none.

    A linear layer gives each token two logits, of beginning and of ending the answer; `[CLS]` stands for "no answer".
    Texts of any length are read in windows. Answers are parts of the caller's text, by their place, of whole words.

    Args:
        encoder: The encoder, without a pooler.
        preprocessor: Turns strings into the encoder's inputs; its `max_length` is that of a window.
        doc_stride: Tokens from the begin of one window to that of the next; at most half a window.
        max_question_length: Tokens of a question; more is cut off its end, and said. At most half of the input.
        max_answer_length: Tokens of an answer.
        no_answer_threshold: A question is not answered where its no-answer score is above this; None answers every
            question. See `tune_threshold`.
        scoring: How answers are compared with the right ones: `"squad"` by words, `"cmrc"` by Chinese characters.
        **kwargs: Those of `keras.Model`.

    Call arguments:
        inputs: The encoder's, int32 (batch, tokens).

    Returns:
        float32 (batch, 2, tokens), logits of first and last tokens; -1e9 but for `[CLS]` and the context.

    Raises:
        InputError: The encoder has a pooler, or a number is out of its range.

    Example:
        >>> model = BertQuestionAnswerer.from_preset("minilm", max_length=384)  # doctest: +SKIP
        >>> model.fit(model.batches(read_squad("train.json"), batch_size=16, shuffle=True), epochs=3)  # doctest: +SKIP
        >>> model.answer([{"question": "Where did he live?", "context": "Gödel lived in Vienna."}])  # doctest: +SKIP
        [{'answer': 'Vienna', 'score': 0.93, 'start': 15, 'end': 21, 'no_answer_score': 0.01}]

    References:
        Devlin et al. 2018, arXiv:1810.04805, sections 4.2 and 4.3; google-research/bert, run_squad.py.
    """

    architecture = "BertForQuestionAnswering"
    monitor = "best_f1"
    may_be_new = ("qa_outputs.",)

    def __init__(
        self,
        encoder: BertEncoder,
        preprocessor: BertPreprocessor,
        doc_stride: int = 128,
        max_question_length: int = 64,
        max_answer_length: int = 30,
        no_answer_threshold: float | None = None,
        scoring: str = "squad",
        **kwargs: Any,
    ) -> None:
        check_arguments(BertQuestionAnswerer, kwargs)
        numbers = {"doc_stride": doc_stride, "max_question_length": max_question_length}
        for name, number in {**numbers, "max_answer_length": max_answer_length}.items():
            if number < 1:
                raise InputError(f"{name} is {number}; it must be 1 token or more")
        if scoring not in SCORINGS:
            raise InputError(f"scoring must be one of {', '.join(SCORINGS)}, received: {scoring!r}")
        if encoder.use_pooler:
            raise InputError("a question answerer needs an encoder with use_pooler=False")
        if preprocessor.max_length < 8:
            raise InputError(f"max_length is {preprocessor.max_length}; a question and a text need at least 8 tokens")
        head = Linear(
            2, initializer_range=encoder.config.initializer_range, dtype=encoder.dtype_policy, name="qa_outputs"
        )
        logits = head(encoder(encoder.input)["sequence_output"])
        logits = keras.layers.Activation("linear", dtype="float32", name="logits")(logits)
        check_two_segments(encoder, "a question and its context")
        # The context is segment 1, but for the [SEP] at its end, behind which no segment 1 comes.
        segments = encoder.input["segment_ids"]
        within = segments[:, 1:] * ops.pad(segments[:, 2:], [[0, 0], [0, 1]])
        possible = ops.concatenate([ops.ones_like(segments[:, :1]), within], axis=1)
        logits = ops.where(possible[:, None, :] > 0, ops.transpose(logits, (0, 2, 1)), IMPOSSIBLE)
        super().__init__(encoder, preprocessor, logits, **kwargs)
        self.doc_stride = doc_stride
        self.max_question_length = max_question_length
        self.max_answer_length = max_answer_length
        self.no_answer_threshold = no_answer_threshold
        self.scoring = scoring
        self.qa_outputs = head
        strings, places = tf.TensorSpec([None], tf.string), tf.TensorSpec([None], tf.int32)
        # The threshold comes as an input: it may be tuned after the graph is made.
        self._stages.answer = tf.function(
            self.answer_strings, input_signature=[strings, strings, tf.TensorSpec([], tf.float32)]
        )
        # The rows last made batches of, and their windows: a program asks for batches anew in each epoch.
        self._stages.windows = (None, None)
        self._stages.score = tf.function(self._score, input_signature=[strings, strings, places, places])

    @classmethod
    def from_preset(
        cls,
        handle: str | Path | Checkpoint,
        max_length: int | None = None,
        *,
        dtype: Any = None,
        new_head: bool = False,
        pad_vocabulary: bool = False,
        **options: Any,
    ) -> "BertQuestionAnswerer":
        """Opens a checkpoint of any known format as a question answerer; a head that it lacks starts fresh.

        Args:
            handle: A folder, `hf://org/name`, `kaggle://...`, or `minilm`.
            max_length: Tokens of a window; None takes the checkpoint's own, or 384, as Google's run_squad.py.
            dtype: Dtype policy, such as `"mixed_bfloat16"`.
            new_head: Start the head afresh.
            pad_vocabulary: Name spare rows of the word table, see `open_checkpoint`.
            **options: Further arguments of the constructor; what is not given is the checkpoint's own.

        Raises:
            InputError: The checkpoint does not open.
        """
        check_options(cls, options)
        checkpoint = open_preset(handle, pad_vocabulary)
        if max_length is None and "qa_outputs.weight" not in checkpoint.tensors:
            max_length = min(384, checkpoint.config.max_position_embeddings)
        encoder, preprocessor = cls.parts_of(checkpoint, max_length, dtype, False, {})
        model = cls(encoder, preprocessor, **{**checkpoint.extra.get("question_answering", {}), **options})
        model.load_checkpoint(checkpoint, new=["qa_outputs."] if new_head else [])
        return model

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The strings of a row."""
        return ("question", "context")

    # -- strings to numbers ------------------------------------------------------------------------------

    def windows(self, question: Any, context: Any) -> QuestionWindows:
        """Makes the windows of a batch of rows, strings (batch,), in the graph."""
        return question_windows(question, context, self.preprocessor, self.max_question_length, self.doc_stride)

    def features(self, rows: Mapping[str, Any]) -> tuple[Any, ...]:
        """Turns a batch of rows into windows: `(inputs,)`, or `(inputs, targets)`.

        Args:
            rows: `question` and `context` string (batch,); `answer_start` and `answer_end` int32 (batch,) too for
                training, see `keras_bert.data.read_squad`.

        Returns:
            `inputs`, a dict of ragged int32 (windows, (tokens)): `token_ids` and `segment_ids`. With answers, also the
            positions of their first and last tokens, int32 (windows, 2), both 0 in windows without the answer; rows
            from which nothing can be learned have no windows.

        Raises:
            InputError: The rows lack the question or the context.
        """
        self._check_fields(rows, "the rows have", self.text_fields)
        asked = self.windows(rows["question"], rows["context"])
        if "answer_start" not in rows:
            return (asked.inputs,)
        return learnable(asked, rows["answer_start"], rows["answer_end"])

    def batches(
        self,
        rows: tf.data.Dataset,
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int = 0,
        keep_order: bool = False,
    ) -> tf.data.Dataset:
        """Makes the batches of numbers that `fit` and `evaluate` take: windows of like length together.

        Args:
            rows: As `keras_bert.data.read_squad` makes them.
            batch_size: Windows a batch; the last one may be smaller.
            shuffle: In another order in every epoch.
            seed: Of the shuffling; the same seed gives the same batches.
            keep_order: Windows in the order of the rows, with more padding.

        Returns:
            Dataset of `(inputs, targets)`; `inputs` a dict of int32 (batch, tokens), targets int32 (batch, 2).

        Raises:
            InputError: Nothing can be learned from any of the rows.
        """
        if not isinstance(rows, tf.data.Dataset):
            raise InputError("expected rows as keras_bert.data.read_squad(file) makes them")
        known, windows = self._stages.windows
        if known is not rows:
            windows = window_rows(rows, self.windows)
            self._stages.windows = (rows, windows)
        return question_batches(
            windows,
            self.preprocessor.pad,
            batch_size,
            shuffle=shuffle,
            seed=seed,
            keep_order=keep_order,
        )

    # -- evaluation --------------------------------------------------------------------------------------

    def evaluate_rows(self, rows: tf.data.Dataset, batch_size: int = 64) -> dict[str, float]:
        """Scores the answers to questions, as the official scripts do.

        Args:
            rows: As `keras_bert.data.read_squad` makes them.
            batch_size: Questions at a time.

        Returns:
            What `keras_bert.evaluation.squad_scores` gives; and `loss`, the mean over windows, of questions whose
            answer stands in the text or that have none.
        """
        outputs, targets = self.predict_rows(rows, batch_size)
        windows = max(sum(output["windows"] for output in outputs), 1)
        loss = sum(output["loss"] for output in outputs) / windows
        return {"loss": loss, **self.scores(targets, outputs)}

    def predict_rows(  # answers, not arrays
        self, rows: tf.data.Dataset, batch_size: int = 64
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Answers labelled questions.

        Returns:
            In the order of the rows: the best answer to each question, whatever the threshold, as dicts of `answer`,
            `score`, `no_answer_score`, `loss` and `windows`, the sum of the losses of its windows and how many they
            are, and `question_tokens_cut`; and the rows' `id` and `answers`.

        Raises:
            InputError: There are no rows, or they have no answers.
        """
        if not isinstance(rows, tf.data.Dataset) or "answers" not in rows.element_spec:
            raise InputError("the rows have no answers: read them with keras_bert.data.read_squad(file)")
        read = list(rows.as_numpy_iterator())
        if not read:
            raise InputError("there are no rows to evaluate")
        targets = [
            {"id": row["id"].decode(), "answers": [answer.decode() for answer in row["answers"]]} for row in read
        ]
        order = sorted(range(len(read)), key=lambda index: len(read[index]["context"]))
        outputs: list[dict[str, Any]] = [{} for _ in read]
        for begin in range(0, len(order), batch_size):
            chunk = order[begin : begin + batch_size]
            names = ("question", "context", "answer_start", "answer_end")
            found = self._stages.score(*(tf.constant([read[index][name] for index in chunk]) for name in names))
            columns = {name: tensor.numpy().tolist() for name, tensor in found.items()}
            for index, *values in zip(chunk, *columns.values(), strict=True):
                outputs[index] = dict(zip(columns, values, strict=True))
                outputs[index]["answer"] = outputs[index]["answer"].decode("utf-8", "replace")
        _say_cut(outputs)
        return outputs, targets

    def scores(self, targets: Any, outputs: Any) -> dict[str, float]:
        """Returns exact match, F1, and what the best threshold would give; see `squad_scores`.

        Args:
            targets: As `predict_rows` gives them.
            outputs: As `predict_rows` gives them.
        """
        return squad_scores(
            [output["answer"] for output in outputs],
            [target["answers"] for target in targets],
            [output["no_answer_score"] for output in outputs],
            self.no_answer_threshold,
            self.scoring,
        )

    def tune_threshold(self, rows: tf.data.Dataset, batch_size: int = 64) -> float | None:
        """Sets `no_answer_threshold` to the value that gives the best F1 on held-out rows.

        Args:
            rows: As `keras_bert.data.read_squad` makes them. Without questions that have no answer there is nothing to
                tune, and every question is answered.
            batch_size: Questions at a time.

        Returns:
            The threshold.
        """
        outputs, targets = self.predict_rows(rows, batch_size)
        unanswerable = any(not target["answers"] for target in targets)
        self.no_answer_threshold = self.scores(targets, outputs)["best_f1_threshold"] if unanswerable else None
        return self.no_answer_threshold

    # -- answers -----------------------------------------------------------------------------------------

    def answer_strings(self, *texts: Any) -> Tensors:
        """The whole way in one graph: strings → windows → logits → spans → answers.

        Args:
            *texts: `question` and `context`, string (batch,), of any length; perhaps the threshold, float32 scalar.

        Returns:
            `answer` string (batch,), empty for no answer; `score` float32 (batch,), its probability; `start` and `end`
            int32 (batch,), bytes of the context, both 0 for no answer; `no_answer_score` float32 (batch,), from 0 to 1,
            how likely there is no answer, against the best one. Whatever the threshold, the likeliest spans:
            `answers` string, `scores` float32, `starts`, `ends` int32 (batch, `N_BEST`), empty and 0 beyond `count`
            int32 (batch,). `question_tokens_cut` int32 (batch,), how many tokens of the question were left out.
        """
        question, context, *given = texts
        threshold = given[0] if given else self._threshold()
        asked = self.windows(question, context)
        spans = search(asked, tf.size(context), self._logits, self.max_answer_length)
        return {**choose(context, spans, threshold), "question_tokens_cut": asked.cut}

    def _threshold(self) -> tf.Tensor:
        # No score is above 1.
        return tf.constant(1.0 if self.no_answer_threshold is None else self.no_answer_threshold)

    def _logits(self, inputs: Mapping[str, Any]) -> Any:
        return self(self.preprocessor.pad(inputs), training=False)

    def _score(self, question: Any, context: Any, start: Any, end: Any) -> Tensors:
        """Answers labelled questions in the graph; see `predict_rows`."""
        asked = self.windows(question, context)
        positions, usable = answer_positions(asked, start, end)
        spans = search(asked, tf.size(context), self._logits, self.max_answer_length, positions)
        answers = choose(context, spans, threshold=1.0)
        row = asked.windows.row
        counted = tf.cast(tf.gather(usable, row), tf.float32)
        return {
            **{name: answers[name] for name in ("answer", "score", "no_answer_score")},
            "loss": tf.math.unsorted_segment_sum(spans["loss"] * counted, row, tf.size(context)),
            "windows": tf.math.unsorted_segment_sum(counted, row, tf.size(context)),
            "question_tokens_cut": asked.cut,
        }

    def answer(self, texts: Sequence[Text], batch_size: int = 32, *, n_best: int = 1) -> list[dict[str, Any]]:
        """Answers questions about texts.

        Args:
            texts: Dicts with `question` and `context`, or pairs of these: strings, or UTF-8 in bytes.
            batch_size: Questions at a time; those about texts of like length together.
            n_best: With more than 1, the likeliest spans too, as `n_best`, whatever the threshold.

        Returns:
            One dict for each: `answer`, a part of the context, `""` for no answer; `score`, its probability; `start`
            and `end`, characters, of a context in bytes bytes: the answer is `context[start:end]`; `no_answer_score`,
            from 0 to 1. With `n_best` also a list of dicts of `answer`, `score`, `start`, `end`, the likeliest first.

        Raises:
            InputError: Not a list, or one of the texts is not a question and a context; or `n_best` is out of range.

        Example:
            >>> model.answer([("Where did he live?", "Gödel lived in Vienna.")])  # doctest: +SKIP
            [{'answer': 'Vienna', 'score': 0.93, 'start': 15, 'end': 21, 'no_answer_score': 0.01}]
        """
        asked = given_texts(
            texts,
            self.text_fields,
            instead="questions with their contexts; for one write answer([(question, context)])",
        )
        if not 1 <= n_best <= N_BEST:
            raise InputError(f"n_best is {n_best}; it must be from 1 to {N_BEST}")
        rows: list[tuple[bytes, ...]] = []
        contexts: list[str | bytes] = []
        for index, text in enumerate(asked):
            row = self._texts_of(index, text, self.text_fields)
            given: list[Any] = [text[name] for name in self.text_fields] if isinstance(text, Mapping) else list(text)
            pairs = zip(given, row, strict=True)
            rows.append(tuple(valid_utf8(data) if isinstance(part, str) else data for part, data in pairs))
            contexts.append(given[1])
        found = self._in_batches(
            rows, batch_size, lambda *row: self._stages.answer(*row, self._threshold()), self.answer_rows
        )
        _say_cut(found)
        listed = n_best if n_best > 1 else 0
        return [character_answer(spans, context, listed) for spans, context in zip(found, contexts, strict=True)]

    def answer_rows(self, answers: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        """Turns the arrays of `answer_strings` into one dict for each row."""
        columns = [values.tolist() for values in answers.values()]
        return [dict(zip(answers, row, strict=True)) for row in zip(*columns, strict=True)]

    def answers(self, outputs: Any) -> Tensors:
        """Gives the logits by name: `start_logits`, `end_logits` float32 (batch, tokens); without the text no words."""
        return {"start_logits": outputs[:, 0], "end_logits": outputs[:, 1]}

    def _check_fields(self, row: Mapping[str, Any], whose: str, fields: tuple[str, ...]) -> None:
        """Refuses a row that lacks the question or the context."""
        missing = [name for name in fields if name not in row]
        if missing:
            raise InputError(f"the task takes question and context, {whose} no {' and no '.join(missing)}")

    # -- folders and Keras -------------------------------------------------------------------------------

    def head_weights(self) -> list[Weight]:
        """Returns the head's weights under Hugging Face's names."""
        return dense_weights("qa_outputs", self.qa_outputs)

    def default_loss(self) -> keras.losses.Loss:
        """Returns the mean of the cross-entropies of the first and the last token, each over a window's tokens."""
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float32")

    def default_metrics(self) -> list[keras.metrics.Metric]:
        """Returns the share of first and last tokens that are found in their window."""
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]

    def metadata(self) -> dict[str, Any]:
        """Returns what `config.json` says of the head: nothing but the class."""
        return {}

    def signatures(self) -> dict[str, Signature]:
        """Returns the functions of the exported SavedModel.

        `serving_default` takes `question` and `context`, string (batch,), and gives what `answer_strings` does;
        `token_ids` takes the encoder's inputs and gives `start_logits` and `end_logits`.
        """
        signatures = super().signatures()
        strings = {name: tf.TensorSpec([None], tf.string, name=name) for name in self.text_fields}
        signatures["serving_default"] = Signature(
            lambda question, context: self.answer_strings(question, context), strings
        )
        return signatures

    def _settings(self) -> dict[str, Any]:
        names = ("doc_stride", "max_question_length", "max_answer_length", "no_answer_threshold", "scoring")
        return {name: getattr(self, name) for name in names}

    def extra(self) -> dict[str, Any]:
        """Returns what `keras_bert.json` keeps."""
        return {"question_answering": self._settings()}

    def _card(self, facts: Mapping[str, Any] | None) -> str:
        outputs = "the part of a text that answers a question"
        description = {
            "problem_type": "extractive question answering",
            "outputs": outputs,
            "long_input": "Texts of any length are read in windows, of questions only the first tokens.",
        }
        return model_card(type(self).__name__, self.encoder.config, description, facts or {})

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        del config["text_pair"]  # a row is always a question and a context
        return {**config, **self._settings()}


def _say_cut(answers: Sequence[Mapping[str, Any]]) -> None:
    """Counts the questions of which tokens were left out."""
    if cut := sum(answer["question_tokens_cut"] > 0 for answer in answers):
        logging.warning("%d questions are cut to their first tokens: see max_question_length", cut)
