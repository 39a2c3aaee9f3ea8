"""Extractive question answering: the part of a text, of any length, that answers a question about it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from keras_bert.arguments import check_arguments, check_options
from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.mapping import Weight, dense_weights
from keras_bert.data.history import with_history
from keras_bert.data.memory.given_rows import given_texts
from keras_bert.data.question_rows import question_rows
from keras_bert.data.shards.prepared import PreparedExamples
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.evaluation.squad import SCORINGS
from keras_bert.graph import graph_function
from keras_bert.kinds import check_kinds
from keras_bert.serving.model_card import model_card
from keras_bert.serving.signature import Signature
from keras_bert.tasks.base.on_replicas import on_replicas
from keras_bert.tasks.base.portable import Portable
from keras_bert.tasks.base.task import open_preset
from keras_bert.tasks.base.text_model import Tensors, Text, check_two_segments
from keras_bert.tasks.question_answering.batches import learnable, question_batches, window_rows
from keras_bert.tasks.question_answering.character_answers import character_answer, valid_utf8
from keras_bert.tasks.question_answering.head import span_head
from keras_bert.tasks.question_answering.labelled import say_cut
from keras_bert.tasks.question_answering.log_odds import CERTAIN
from keras_bert.tasks.question_answering.portable import answerer_portable
from keras_bert.tasks.question_answering.scored import ScoredAnswerer
from keras_bert.tasks.question_answering.search import N_BEST, choose, search
from keras_bert.tasks.question_answering.windows import QuestionWindows, question_windows
from keras_bert.text.preprocessor import BertPreprocessor


@keras.saving.register_keras_serializable(package="keras_bert")
class BertQuestionAnswerer(ScoredAnswerer):
    """BERT that finds the part of a text which answers a question, or that there is none.

    A linear layer gives each token two logits, of beginning and of ending the answer; `[CLS]` stands for "no answer".
    Texts of any length are read in windows. Answers are parts of the caller's text, by their place, of whole words.

    Args:
        encoder: The encoder, without a pooler.
        preprocessor: Turns strings into the encoder's inputs; its `max_length` is that of a window.
        doc_stride: Tokens from the begin of one window to that of the next; at most half a window.
        max_question_length: Tokens of a question; more is cut off its end (with earlier turns, off its beginning), and
            said. At most half of the input.
        max_answer_length: Tokens of an answer.
        no_answer_threshold: A question is not answered where its no-answer score, from 0 to 1, is above this; None
            answers every question. See `tune_threshold`.
        no_answer_log_odds: The same as log-odds, which tell scores apart that are 1.0 in 32 bits; they are what is
            compared and kept.
        scoring: How answers are compared with the right ones: `"squad"` by words, `"cmrc"` by Chinese characters.
        **kwargs: Those of `keras.Model`.

    Call arguments:
        inputs: The encoder's, int32 (batch, tokens).

    Returns:
        float32 (batch, 2, tokens), logits of first and last tokens; -1e9 but for `[CLS]` and the context.

    Raises:
        InputError: The encoder has a pooler, or a number is out of its range.

    Example:
        >>> model = BertQuestionAnswerer.from_preset("minilm", max_length=384)
        >>> model.fit(model.batches(read_squad("train.json"), batch_size=16, shuffle=True), epochs=3)  # doctest: +SKIP
        >>> model.answer([{"question": "Where did he live?", "context": "Gödel lived in Vienna."}])  # doctest: +SKIP
        [{'answer': 'Vienna', 'score': 0.93, 'start': 15, 'end': 21, 'no_answer_score': 0.01}]

    References:
        Devlin et al. 2018, arXiv:1810.04805, sections 4.2 and 4.3; google-research/bert, run_squad.py.
    """

    example_names: ClassVar = ("doc_stride", "max_question_length")

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
        no_answer_log_odds: float | None = None,
        scoring: str = "squad",
        **kwargs: Any,
    ) -> None:
        check_arguments(BertQuestionAnswerer, kwargs)
        numbers = {"doc_stride": doc_stride, "max_question_length": max_question_length}
        for name, number in {**numbers, "max_answer_length": max_answer_length}.items():
            if number < 1:
                raise InputError(f"{name} is {number}; it must be 1 token or more")
        if no_answer_threshold is not None and no_answer_log_odds is not None:
            raise InputError("no_answer_threshold and no_answer_log_odds say the same; give one of them")
        if scoring not in SCORINGS:
            raise InputError(f"scoring must be one of {', '.join(SCORINGS)}, received: {scoring!r}")
        if encoder.use_pooler:
            raise InputError("a question answerer needs an encoder with use_pooler=False")
        if preprocessor.max_length < 8:
            raise InputError(f"max_length is {preprocessor.max_length}; a question and a text need at least 8 tokens")
        check_two_segments(encoder, "a question and its context")
        logits, head = span_head(encoder)
        super().__init__(encoder, preprocessor, logits, **kwargs)
        self.doc_stride = doc_stride
        self.max_question_length = max_question_length
        self.max_answer_length = max_answer_length
        self.no_answer_log_odds = no_answer_log_odds
        if no_answer_threshold is not None:
            self.no_answer_threshold = no_answer_threshold
        self.scoring = scoring
        self.qa_outputs = head
        strings, places = tf.TensorSpec([None], tf.string), tf.TensorSpec([None], tf.int32)
        # The threshold comes as an input: it may be tuned after the graph is made.
        self._stages.answer = graph_function(
            self.answer_strings, input_signature=[strings, strings, tf.TensorSpec([], tf.float32)]
        )
        # The rows last made batches of, how they were cut, and their windows: a program asks for batches in each epoch.
        self._stages.windows = (None, None, None)
        specs = [strings, strings, places, places]
        self._stages.score = on_replicas(self.distribute_strategy, self._score, specs)

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
        saved = check_kinds(cls, checkpoint.extra.get("question_answering", {}), checkpoint.source)
        model = cls(encoder, preprocessor, **{**saved, **options})
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
        rows: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int = 0,
        keep_order: bool = False,
        begin: int = 0,
    ) -> tf.data.Dataset:
        """Makes the batches of numbers that `fit` and `evaluate` take: windows of like length together.

        Args:
            rows: As `keras_bert.data.read_squad` and `question_rows` make them, or what `question_rows` takes.
            batch_size: Windows a batch; the last one may be smaller.
            shuffle: In another order in every epoch.
            seed: Of the shuffling; the same seed gives the same batches.
            keep_order: Windows in the order of the rows, with more padding.
            begin: The first batch to make; those before it are left out.

        Returns:
            Dataset of `(inputs, targets)`; `inputs` a dict of int32 (batch, tokens), targets int32 (batch, 2).

        Raises:
            InputError: Nothing can be learned from any of the rows.
        """
        if isinstance(rows, PreparedExamples):
            return self.prepared_batches(rows, batch_size, shuffle, seed, keep_order, begin)
        rows = rows if isinstance(rows, tf.data.Dataset) else question_rows(rows)
        known, cut, windows = self._stages.windows
        now = (self.doc_stride, self.max_question_length, self.preprocessor.max_length)
        if known is not rows or cut != now:
            windows = window_rows(rows, self.windows)
            self._stages.windows = (rows, now, windows)
        return question_batches(
            windows,
            self.preprocessor.pad,
            batch_size,
            shuffle=shuffle,
            seed=seed,
            keep_order=keep_order,
            begin=begin,
        )

    # -- answers -----------------------------------------------------------------------------------------

    def answer_strings(self, *texts: Any) -> Tensors:
        """The whole way in one graph: strings → windows → logits → spans → answers.

        Args:
            *texts: `question` and `context`, string (batch,), of any length; perhaps the threshold, log-odds, float32
                scalar.

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
        return tf.constant(CERTAIN if self.no_answer_log_odds is None else self.no_answer_log_odds, tf.float32)

    def answer(self, texts: Sequence[Text], batch_size: int = 32, *, n_best: int = 1) -> list[dict[str, Any]]:
        """Answers questions about texts.

        Args:
            texts: Dicts with `question` and `context`, or pairs of these: strings, or UTF-8 in bytes. A dict may have
                `history`, earlier turns, see `keras_bert.data.history.with_history`.
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
            if isinstance(text, Mapping) and text.get("history") is not None:
                if not isinstance(text.get("question"), str):
                    raise InputError(f"text {index}: history goes with a question that is a string, not bytes")
                text = {**text, "question": with_history(text["question"], text["history"], f"text {index}")}
            row = self.texts_of(index, text, self.text_fields)
            given: list[Any] = [text[name] for name in self.text_fields] if isinstance(text, Mapping) else list(text)
            pairs = zip(given, row, strict=True)
            rows.append(tuple(valid_utf8(data) if isinstance(part, str) else data for part, data in pairs))
            contexts.append(given[1])
        found = self._in_batches(
            rows, batch_size, lambda *row: self._stages.answer(*row, self._threshold()), self.answer_rows
        )
        say_cut(found)
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

    def portable(self) -> Portable:
        """Returns what other formats need: `start_logits` and `end_logits`, float32 (batch, tokens)."""
        return answerer_portable(self)

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
        names = ("doc_stride", "max_question_length", "max_answer_length", "no_answer_log_odds", "scoring")
        return {name: getattr(self, name) for name in names}

    def extra(self) -> dict[str, Any]:
        """Returns what `keras_bert.json` keeps."""
        return {"question_answering": self._settings()}

    def card(self, facts: Mapping[str, Any] | None) -> str:
        """Writes the model card, see `BertTask.card`."""
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
