"""What a pre-trained BERT answers: words for `[MASK]`, and whether a text follows another."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.data.memory.given_rows import given_texts
from keras_bert.errors import InputError
from keras_bert.graph import graph_function
from keras_bert.serving.signature import Signature
from keras_bert.tasks.base.text_model import Tensors, Text
from keras_bert.tasks.pretraining.fill_mask import count_masks, filled, mask_places, masked_inputs, target_ids
from keras_bert.tasks.pretraining.packed_examples import one_example_a_row
from keras_bert.tasks.pretraining.pretraining_task import PretrainingTask
from keras_bert.text.vocabulary import MASK_TOKEN

TOP_K = 5
"""Words that an exported model gives for each mask."""


class MaskFiller(PretrainingTask):
    """The answers of a model with the heads of pre-training, from Python and from a SavedModel.

    `BertPretrainer` adds the heads and their folders.

    The arguments are those of `PretrainingTask`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        strings, number, numbers = (tf.TensorSpec([None], tf.string), *map(_int32, ([], [None])))
        self._stages.answer = graph_function(
            lambda text, top_k: self.answer_strings(text, top_k=top_k), input_signature=[strings, number]
        )
        self._stages.choose = graph_function(
            lambda text, top_k, targets: self.answer_strings(text, top_k=top_k, targets=targets),
            input_signature=[strings, number, numbers],
        )
        self._stages.continuation = graph_function(self.continuation_strings, input_signature=[strings, strings])

    def answer_strings(self, *texts: Any, top_k: Any = TOP_K, targets: Any = None) -> Tensors:
        """Finds words for the masks of texts, in the graph.

        Args:
            *texts: string (batch,), one tensor.
            top_k: int32 scalar, words for each mask.
            targets: int32 (targets,), tokens to choose from; None for the whole vocabulary.

        Returns:
            `tokens` string and `scores` float32 (batch, masks, words), the likeliest first; beyond a text's masks
            they are empty and 0; `count` int32 (batch,), how many masks it has, at most `MAX_MASKS`.
        """
        return self._fill(masked_inputs(texts[0], self.preprocessor), top_k, targets)

    def _text_of(self, token: str) -> str:
        return self.tokenizer.text_of(token).decode("utf-8", "replace")

    def _fill(self, inputs: Tensors, top_k: Any, targets: Any = None) -> Tensors:
        count = inputs.pop("mask_count")
        logits = self(one_example_a_row(self, inputs), training=False)["masked_lm"]
        probabilities = tf.nn.softmax(logits)
        if targets is not None:
            probabilities = tf.gather(probabilities, targets, axis=-1)
        scores, ids = tf.math.top_k(probabilities, top_k)
        ids = ids if targets is None else tf.gather(targets, ids)
        real = (tf.range(tf.shape(ids)[1]) < count[:, None])[:, :, None]
        tokens = tf.gather(tf.constant(self.tokenizer.get_vocabulary()), ids)
        return {"tokens": tf.where(real, tokens, ""), "scores": tf.where(real, scores, 0.0), "count": count}

    def continuation_strings(self, text: Any, text_pair: Any) -> Tensors:
        """Says how likely the second texts follow the first ones: `score` float32 (batch,), in the graph."""
        inputs = self.preprocessor(text, text_pair)
        positions = tf.zeros_like(inputs["token_ids"][:, :1])
        inputs = one_example_a_row(self, {**inputs, "mask_positions": positions})
        logits = self(inputs, training=False)["next_sentence"]
        return {"score": tf.nn.softmax(logits if logits.shape.rank == 2 else logits[:, 0])[:, 0]}

    def answer(
        self,
        texts: Sequence[Text],
        batch_size: int = 32,
        *,
        top_k: int | None = None,
        targets: Sequence[str] | None = None,
    ) -> list[list[list[dict[str, Any]]]]:
        """Finds words for the masks of texts.

        `[MASK]` in a text stands for a word here; other special tokens written in it are plain text.

        Args:
            texts: Strings, or dicts with `text`.
            batch_size: Texts a batch; texts of like length share one.
            top_k: Words for each mask; None for `TOP_K`, or for all targets.
            targets: The words to choose from, each one token of the vocabulary; their scores stay what they are among
                all words. None for the whole vocabulary.

        Returns:
            For each text a list with one entry a mask: the likeliest words first, each a dict with `token` (the
            entry of the vocabulary), `text` (the text with it in the mask's place, other masks left), `score` (its
            probability).

        Raises:
            InputError: Not a list, a text without `[MASK]`, with too many, or with one beyond `max_length`; a target
                that is not one token.

        Example:
            >>> model.answer(["The capital of France is [MASK]."], top_k=1)  # doctest: +SKIP
            [[[{'token': 'paris', 'text': 'The capital of France is paris.', 'score': 0.41}]]]
            >>> model.answer(["The film was [MASK]."], targets=["good", "bad"])  # doctest: +SKIP
            [[[{'token': 'good', 'text': 'The film was good.', 'score': 0.07}, {'token': 'bad', ...}]]]
        """
        given = given_texts(texts, self.text_fields)
        chosen = None if targets is None else target_ids(self.tokenizer, targets)
        most = self.tokenizer.vocabulary_size if chosen is None else len(chosen)
        count = top_k if top_k is not None else most if chosen else min(TOP_K, most)
        if not 1 <= count <= most:
            of = "the size of the vocabulary" if chosen is None else "the number of targets"
            raise InputError(f"top_k is {top_k}; it must be from 1 to {most}, {of}")
        rows = [self.texts_of(index, text, self.text_fields) for index, text in enumerate(given)]
        masks = count_masks(row[0] for row in rows)
        answers = self._in_batches(
            rows,
            batch_size,
            lambda text: (
                self._stages.answer(text, tf.constant(count))
                if chosen is None
                else self._stages.choose(text, tf.constant(count), tf.constant(chosen))
            ),
            self.answer_rows,
        )
        result = []
        for index, (row, number, answer) in enumerate(zip(rows, masks, answers, strict=True)):
            if len(answer) < number:
                raise InputError(
                    f"text {index}: its {MASK_TOKEN} number {len(answer) + 1} is cut off, behind the first "
                    f"{self.preprocessor.max_length} tokens, which is as many as the model takes"
                )
            text = row[0].decode("utf-8", "replace")
            result.append(
                [
                    [
                        {"token": token, "text": filled(text, place, self._text_of(token)), "score": score}
                        for token, score in mask
                    ]
                    for place, mask in enumerate(answer)
                ]
            )
        return result

    def continuation_score(self, pairs: Sequence[Text], batch_size: int = 32) -> list[float]:
        """Says for each pair of texts how likely the second follows the first.

        Args:
            pairs: Pairs of strings, or dicts with `text` and `text_pair`.
            batch_size: Pairs a batch.

        Returns:
            Probabilities.

        Raises:
            InputError: The model has no next-sentence head, or one of the pairs is none.
        """
        if not self.next_sentence:
            raise InputError("the model has no next-sentence head (next_sentence=False)")
        rows = [self.texts_of(index, pair, ("text", "text_pair")) for index, pair in enumerate(pairs)]
        return self._in_batches(
            rows, batch_size, self._stages.continuation, lambda answers: answers["score"].astype(float).tolist()
        )

    def answer_rows(self, answers: Mapping[str, np.ndarray]) -> list[Any]:
        """Turns the arrays of `answer_strings` into `(token, score)` for each word of each mask of each text."""
        return [
            [
                [(token.decode(), float(score)) for token, score in zip(*mask, strict=True)]
                for mask in zip(tokens[:count], scores[:count], strict=True)
            ]
            for tokens, scores, count in zip(answers["tokens"], answers["scores"], answers["count"], strict=True)
        ]

    def signatures(self) -> dict[str, Signature]:
        """Returns the functions of the exported SavedModel.

        `serving_default` takes `text` and gives what `answer_strings` does, `TOP_K` words for each mask;
        `token_ids` the same for the encoder's inputs; `next_sentence` takes `text` and `text_pair` and gives `score`.
        """
        text = {name: tf.TensorSpec([None], tf.string, name=name) for name in ("text", "text_pair")}
        mask_id = self.tokenizer.mask_token_id
        signatures = {
            "serving_default": Signature(lambda text: self.answer_strings(text), {"text": text["text"]}),
            "token_ids": self.token_signature(
                lambda **inputs: self._fill({**inputs, **mask_places(inputs["token_ids"], mask_id)}, TOP_K)
            ),
        }
        if self.next_sentence:
            signatures["next_sentence"] = Signature(self.continuation_strings, text)
        return signatures


def _int32(shape: Sequence[int | None]) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.int32)
