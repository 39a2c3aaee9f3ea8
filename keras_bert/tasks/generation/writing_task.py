"""Strings in and out of a model that writes: answers, continuations, one text as it comes, the served functions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.data.memory.given_rows import given_texts
from keras_bert.errors import InputError
from keras_bert.graph import graph_function
from keras_bert.layers.masked_lm_head import MaskedLMHead
from keras_bert.layers.ordered_attention_bias import CAUSAL
from keras_bert.serving.signature import Signature
from keras_bert.tasks.base.labelled_task import LabelledTask
from keras_bert.tasks.base.text_model import Tensors, Text
from keras_bert.tasks.generation.decoder import CachedDecoder
from keras_bert.tasks.generation.rows import as_inputs, prompt_rows, seeds_of, source_rows
from keras_bert.tasks.generation.search import TextSearch
from keras_bert.tasks.generation.settings import GenerationSettings
from keras_bert.tasks.generation.stream import stream


class WritingTask(LabelledTask):
    """A task whose answers are written; the subclass has the head and the training, and calls `_prepare_search`."""

    answers_text = True

    @property
    def generation(self) -> GenerationSettings:
        """How it searches."""
        return self._stages.search.settings

    def _prepare_search(self, search: TextSearch, head: MaskedLMHead) -> None:
        """Makes what answers with; `head` gives the logits."""
        stages, strings, number = self._stages, tf.TensorSpec([None], tf.string), tf.TensorSpec([], tf.int32)
        stages.search = search
        stages.decoder = CachedDecoder(self.encoder, head, segment=1)
        stages.completer = CachedDecoder(self.encoder, head, segment=0)
        stages.write = graph_function(self._write, input_signature=[strings, strings, number])
        stages.complete = graph_function(self._complete, input_signature=[strings, number])

    def answer_strings(self, *texts: Any) -> Tensors:
        """The whole way in one graph: strings → ids → search → strings.

        Args:
            *texts: `text`, string (batch,).

        Returns:
            `text` string (batch,), the best; `score` float32 (batch,); `hypotheses` string and `scores` float32
            (batch, hypotheses), the best first.
        """
        (text,) = texts
        return self.answers({**self.search(self._sources(text), seeds=seeds_of(text, 0)), "source": text})

    def answer(
        self, texts: Sequence[Text], batch_size: int = 32, *, prefix: str | Sequence[str] | None = None, seed: int = 0
    ) -> list[dict[str, Any]]:
        """Writes for each text.

        Args:
            texts: Sources: strings, or dicts with `text`.
            batch_size: Texts a batch; texts of like length share one.
            prefix: What the texts begin with, one for all or one for each; None: the settings' own.
            seed: Where the settings say `do_sample`: what is drawn follows from the text and this number, so that the
                same text twice gives the same; another seed gives another.

        Returns:
            For each text `text`, the best found; `score`, see `GenerationSettings`; `hypotheses`, dicts of both, the
            best first.

        Raises:
            InputError: Not a list, a text that is no string, or a prefix that cannot be written.

        Example:
            >>> model.answer(["ein hund"], prefix="a")  # doctest: +SKIP
            [{'text': 'a dog', 'score': -0.3, 'hypotheses': [{'text': 'a dog', 'score': -0.3}]}]
        """
        if prefix is None and not self.generation.do_sample:
            return super().answer(texts, batch_size)
        rows = self._rows_of(texts)
        prefix = self.generation.prefix if prefix is None else prefix
        prefixes = [prefix] * len(rows) if isinstance(prefix, str) else list(prefix)
        if len(prefixes) != len(rows) or not all(isinstance(each, str) for each in prefixes):
            raise InputError(f"prefix: expected a string for each of {len(rows)} texts, received {prefixes!r:.80}")
        self._stages.search.check_prefixes(prefixes)
        pairs = [(text, each.encode()) for (text,), each in zip(rows, prefixes, strict=True)]
        number = tf.constant(seed, tf.int32)
        return self._in_batches(pairs, batch_size, lambda *pair: self._stages.write(*pair, number), self.answer_rows)

    def complete(self, prompts: Sequence[Text], batch_size: int = 32, seed: int = 0) -> list[dict[str, Any]]:
        """Goes on where texts end, as a left-to-right model does; of long ones it reads the last `max_length` tokens.

        Args:
            prompts: As for `answer`.
            batch_size: As for `answer`.
            seed: As for `answer`.

        Returns:
            As `answer`; the texts are what follows the prompts.

        Raises:
            InputError: The model is not of the mask `"causal"`, or as for `answer`.

        Example:
            >>> model.complete(["the film was"])  # doctest: +SKIP
            [{'text': 'a great success.', 'score': -0.9, 'hypotheses': [...]}]
        """
        if self.encoder.attention != CAUSAL:
            raise InputError("only a left-to-right model goes on with a text: one with mask='causal'")
        if self.generation.prefix or self.generation.as_long_as_source:
            raise InputError("prefix and as_long_as_source are settings for sources; a prompt is a beginning itself")
        number = tf.constant(seed, tf.int32)
        return self._in_batches(
            self._rows_of(prompts), batch_size, lambda text: self._stages.complete(text, number), self.answer_rows
        )

    def stream(self, text: str, *, prefix: str | None = None, seed: int = 0) -> Iterator[str]:
        """Writes for one text and gives each part as soon as it is there: without beams, or drawn.

        Args:
            text: The source.
            prefix: What the text begins with; None: the settings' own.
            seed: As for `answer`.

        Yields:
            Parts of the text; put together they are the answer with `num_beams=1`.

        Raises:
            InputError: As for `answer`.

        Example:
            >>> for part in model.stream("ein hund läuft am strand"):  # doctest: +SKIP
            ...     print(part, end="", flush=True)
        """
        if self.generation.source_spelling:
            raise InputError("source_spelling looks at whole words; stream without it")
        ((source,),) = self._rows_of([text])
        self._stages.search.check_prefixes([prefix or ""])
        sources, seeds = self._sources(tf.constant([source])), seeds_of(tf.constant([source]), seed)
        return stream(self._stages.decoder, self._stages.search, sources, prefix, seeds)

    def search(self, inputs: Mapping[str, Any], prefix: Any = None, seeds: Any = None) -> Tensors:
        """Writes for sources as the settings say; see `TextSearch.write`."""
        if seeds is None and self.generation.do_sample:
            seeds = tf.zeros([tf.shape(inputs["token_ids"])[0]], tf.int32)
        return self._stages.search.write(self._stages.decoder, inputs, prefix, seeds)

    def answers(self, outputs: Any) -> Tensors:
        """Turns what `search` found into texts; see `TextSearch.texts`."""
        return self._stages.search.texts(outputs)

    def _rows_of(self, texts: Sequence[Text]) -> list[tuple[bytes, ...]]:
        return [self.texts_of(at, text, ("text",)) for at, text in enumerate(given_texts(texts, ("text",)))]

    def _sources(self, text: Any) -> Tensors:
        rows = source_rows(self.tokenizer, text, self.preprocessor.max_length)
        return as_inputs(rows, None, self.tokenizer.pad_token_id)

    def _write(self, text: Any, prefix: Any, seed: Any) -> Tensors:
        return self.answers({**self.search(self._sources(text), prefix, seeds_of(text, seed)), "source": text})

    def _complete(self, text: Any, seed: Any) -> Tensors:
        rows = prompt_rows(self.tokenizer, text, self.preprocessor.max_length)
        inputs = as_inputs(rows, None, self.tokenizer.pad_token_id)
        found = self._stages.search.write(self._stages.completer, inputs, seeds=seeds_of(text, seed))
        return self.answers(found)

    def answer_rows(self, answers: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        """Turns the arrays of `answers` into one dict for each row."""

        def listed() -> Iterator[dict[str, Any]]:
            for texts, scores in zip(answers["hypotheses"], answers["scores"], strict=True):
                found = [
                    {"text": text.decode("utf-8", "replace"), "score": float(score)}
                    for text, score in zip(texts, scores, strict=True)
                ]
                yield {**found[0], "hypotheses": found}

        return list(listed())

    def looked_up(self) -> list[Any]:
        """Returns no weights: the word table is a product's matrix, too."""
        return []

    def signatures(self) -> dict[str, Signature]:
        """Returns the functions of the exported SavedModel: of texts, of `token_ids`, and one that draws.

        `serving_default` takes `text` string (batch,), `token_ids` sources as the encoder takes them. `sample` takes
        beside `text` for each row `seed` int32, `temperature` float32, `top_k` int32 (0: all) and `top_p` float32 (1:
        all), each (batch,). All give what `answers` gives.
        """
        # The position table must have room for the target behind the source.
        longest = self.preprocessor.max_length
        drawn = {"seed": tf.int32, "temperature": tf.float32, "top_k": tf.int32, "top_p": tf.float32}
        specs = {name: tf.TensorSpec([None], dtype, name=name) for name, dtype in {"text": tf.string, **drawn}.items()}
        return {
            **super().signatures(),
            "token_ids": self.token_signature(lambda **inputs: self.answers(self.search(inputs)), max_tokens=longest),
            "sample": Signature(self._sample, specs, frozen=False),
        }

    def _sample(self, text: Any, seed: Any, temperature: Any, top_k: Any, top_p: Any) -> Tensors:
        search, count = self._stages.search, self.generation.num_return_sequences
        # One number for several texts would be taken for each of them, whoever sent it.
        rows, counts = tf.size(text), tf.stack([tf.size(given) for given in (seed, temperature, top_k, top_p)])
        message = "seed, temperature, top_k and top_p must have a number for each text. Texts, numbers of each:"
        complaint = tf.debugging.Assert(tf.reduce_all(counts == rows), [message, rows, counts])
        with tf.control_dependencies([complaint]):
            text, seed, temperature, top_k, top_p = map(tf.identity, (text, seed, temperature, top_k, top_p))
        drawn = (seeds_of(text, seed), temperature, top_k, top_p)
        found = search.draw(self._stages.decoder, self._sources(text), *drawn, samples=count)
        return self.answers({**found, "source": text})
