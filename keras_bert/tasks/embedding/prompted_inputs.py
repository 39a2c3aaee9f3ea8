"""From texts and prompts to the inputs of an embedder."""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.serving.signature import Signature
from keras_bert.tasks.base.several_texts import group_rows, pad_groups
from keras_bert.tasks.embedding.prompts import Prompts
from keras_bert.text.preprocessor import BertPreprocessor


class PromptedInputs:
    """Puts prompts before texts, and makes the encoder's inputs of them.

    Args:
        preprocessor: Turns strings into the encoder's inputs.
        prompts: The prompts of the model.
        include_prompt: The tokens of a prompt are pooled; otherwise the inputs have a `pooling_mask` too, int32, 1 for
            the tokens behind the prompt.

    References:
        sentence-transformers, base/modules/transformer.py, `preprocess` and `_get_prompt_length`.
    """

    def __init__(self, preprocessor: BertPreprocessor, prompts: Prompts, include_prompt: bool) -> None:
        self.preprocessor = preprocessor
        self.prompts = prompts
        self.include_prompt = include_prompt

    def __call__(self, texts: Any, prompt: Any, skipped: Any) -> dict[str, tf.Tensor]:
        """Makes inputs of texts.

        Args:
            texts: string (batch,).
            prompt: The prompt, a string or string ().
            skipped: What `tokens_of` says of it, a number or int32 ().

        Returns:
            int32 (batch, tokens), by name.
        """
        inputs = self.preprocessor(_prompted(prompt, texts))
        return inputs if self.include_prompt else _with_pooling_mask(inputs, skipped)

    def pack_texts(self, texts: Any) -> dict[str, Any]:
        """Packs texts behind the default prompt: string (batch,); see `BertPreprocessor.pack`."""
        return dict(self.preprocessor.pack(_prompted(self.prompts.text(None), texts)))

    def pack_rows(self, columns: Sequence[Any]) -> dict[str, Any]:
        """Packs rows of several texts, each behind its prompt: for each column string (batch,); see `group_rows`."""
        prompted = [_prompted(self.prompts.of_column(index), texts) for index, texts in enumerate(columns)]
        texts = tf.reshape(tf.stack(prompted, axis=1), [-1])
        return group_rows(self.preprocessor.pack(texts), len(columns))

    def pad(self, rows: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """Pads what `pack_texts` or `pack_rows` gave; see `pad_groups`."""
        padded = pad_groups(self.preprocessor, rows)
        if self.include_prompt:
            return padded
        shape = padded["token_ids"].shape
        if len(shape) == 2:
            return _with_pooling_mask(padded, self.tokens_of(self.prompts.text(None)))
        skipped = [self.tokens_of(self.prompts.of_column(index)) for index in range(shape[1])]
        return _with_pooling_mask(padded, tf.constant(skipped, tf.int32)[:, None])

    def tokens_of(self, prompt: str) -> int:
        """Counts the tokens at the beginning of a row that a prompt makes, `[CLS]` among them; 0 without one."""
        if not prompt:
            return 0
        with tf.init_scope():
            packed = self.preprocessor.pack(tf.constant([prompt]))["token_ids"]
            return int(packed.row_lengths()[0]) - 1

    def signatures(self, embed: Callable[..., dict[str, Any]], taken: Collection[str]) -> dict[str, Signature]:
        """Makes a function of an export for each prompt, by its name.

        Args:
            embed: Embeds `texts` behind a `prompt` of which `skipped` are the tokens.
            taken: Names of functions that there are.

        Raises:
            InputError: A prompt has the name of another function.
        """
        found, text = {}, tf.TensorSpec([None], tf.string, name="text")
        for name, prompt in self.prompts.texts.items():
            if name in taken:
                raise InputError(f"a prompt cannot be exported under the name {name!r}, which is another signature's")
            behind = functools.partial(embed, prompt=prompt, skipped=self.tokens_of(prompt))
            found[name] = Signature(lambda text, behind=behind: behind(text), {"text": text}, frozen=False)
        return found

    @staticmethod
    def with_pooling_mask(
        make: Callable[[Callable[..., dict[str, Any]]], Signature], answers: Callable[..., dict[str, Any]]
    ) -> Signature:
        """Makes the signature of an export that takes the encoder's inputs, and which tokens are pooled besides.

        Args:
            make: Makes a signature of the encoder's inputs, which checks them.
            answers: Makes answers of all inputs.
        """

        def masked(pooling_mask: Any, **ids: Any) -> dict[str, Any]:
            def function(**inputs: Any) -> dict[str, Any]:
                # What is not a token is not pooled, and what is no mask is no shape of one.
                counted = tf.cast(pooling_mask > 0, tf.int32)
                stacked = tf.stack([inputs["padding_mask"], counted])
                return answers(**inputs, pooling_mask=tf.reduce_min(stacked, 0))

            return make(function).function(**ids)

        ids = make(answers).inputs
        spec = tf.TensorSpec([None, None], tf.int32, name="pooling_mask")
        return Signature(masked, {**ids, "pooling_mask": spec}, frozen=False)


def _with_pooling_mask(inputs: Mapping[str, tf.Tensor], skipped: Any) -> dict[str, tf.Tensor]:
    """Adds the mask of the tokens behind the first `skipped`."""
    mask = inputs["padding_mask"]
    behind = tf.range(tf.shape(mask)[-1]) >= skipped
    return {**inputs, "pooling_mask": mask * tf.cast(behind, tf.int32)}


def _prompted(prompt: Any, texts: Any) -> Any:
    return texts if isinstance(prompt, str) and not prompt else tf.strings.join([prompt, texts])
