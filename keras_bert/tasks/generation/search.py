"""From sources to texts: the search, and its ids as strings."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from keras_bert.decoding.beam_search import beam_search
from keras_bert.decoding.constraints import Constraints
from keras_bert.decoding.one_by_one import greedy, sample
from keras_bert.errors import InputError
from keras_bert.tasks.generation.decoder import CachedDecoder
from keras_bert.tasks.generation.output_ids import OutputIds
from keras_bert.tasks.generation.settings import GenerationSettings
from keras_bert.text.detokenize import detokenize
from keras_bert.text.source_spelling import source_spelling
from keras_bert.text.token_layer import TokenLayer
from keras_bert.text.word_piece.tokenizer import BertTokenizer

Tensors = dict[str, Any]


class TextSearch:
    """Writes what follows sources.

    `[PAD]`, `[UNK]`, `[CLS]` and `[MASK]` never come; `[SEP]` ends a text.

    Args:
        tokenizer: Knows the words.
        settings: How to search.
        output_ids: Which ids may come.

    Raises:
        InputError: The settings hold a word or a prefix that the vocabulary cannot write, or a prefix without room.
    """

    def __init__(self, tokenizer: TokenLayer, settings: GenerationSettings, output_ids: OutputIds) -> None:
        self.tokenizer = tokenizer
        self.settings = settings
        self.output_ids = output_ids
        special = (tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.cls_token_id, tokenizer.mask_token_id)
        words = [self._ids_of(word, "forbidden_words") for word in settings.forbidden_words]
        self._forbidden = [*special, *(ids[0] if len(ids) == 1 else ids for ids in words)]
        allowed = [self._ids_of(word, "allowed_words") for word in settings.allowed_words]
        self._allowed = [id_ for ids in allowed for id_ in ids] or None
        self.check_prefixes([settings.prefix])
        if settings.source_spelling and not isinstance(tokenizer, BertTokenizer):
            raise InputError("source_spelling: a byte-level vocabulary writes capitals itself")

    def write(
        self, decoder: CachedDecoder, inputs: Mapping[str, Any], prefix: Any = None, seeds: Any = None
    ) -> Tensors:
        """Searches as the settings say.

        Args:
            decoder: Gives the logits.
            inputs: `token_ids`, `segment_ids`, `padding_mask` of sources, int32 (batch, tokens).
            prefix: What each text begins with, string (batch,); None: the settings' own.
            seeds: For drawing, int32 (batch,) or (batch, 2).

        Returns:
            `ids` int32 (batch, hypotheses, tokens), `scores` float32 and `lengths` int32 (batch, hypotheses), the best
            first; one hypothesis without beams.
        """
        settings = self.settings
        if settings.do_sample:
            drawn = (settings.temperature, settings.top_k, settings.top_p)
            return self.draw(decoder, inputs, seeds, *drawn, samples=settings.num_return_sequences, prefix=prefix)
        rules, (step, start) = self.rules(inputs, prefix), decoder.begin(inputs)
        pad, longest = self._place(self.tokenizer.pad_token_id), settings.max_new_tokens
        if settings.num_beams == 1:
            return self._found(greedy(step, start, rules, longest, pad))
        found = beam_search(
            step,
            start,
            rules,
            longest,
            num_beams=settings.num_beams,
            length_penalty=settings.length_penalty,
            penalty=settings.length_penalty_type,
            early_stopping=settings.early_stopping,
            pad=pad,
        )
        return self._found({name: tensor[:, : settings.num_return_sequences] for name, tensor in found.items()})

    def draw(
        self,
        decoder: CachedDecoder,
        inputs: Mapping[str, Any],
        seeds: Any,
        temperature: Any,
        top_k: Any,
        top_p: Any,
        samples: int = 1,
        prefix: Any = None,
    ) -> Tensors:
        """Draws texts; the arguments are those of `keras_bert.decoding.sample`, what comes back that of `write`."""
        rules, (step, start) = self.rules(inputs, prefix), decoder.begin(inputs)
        pad, longest = self._place(self.tokenizer.pad_token_id), self.settings.max_new_tokens
        found = sample(step, start, rules, longest, seeds, samples, temperature, top_k, top_p, pad)
        order = tf.argsort(found["scores"], axis=1, direction="DESCENDING", stable=True)
        return self._found({name: tf.gather(tensor, order, batch_dims=1) for name, tensor in found.items()})

    def rules(self, inputs: Mapping[str, Any], prefix: Any = None) -> Constraints:
        """Returns what may come for sources, in places among the output ids."""
        settings = self.settings
        rows = tf.shape(inputs["padding_mask"])[0]
        least: Any = settings.min_new_tokens
        most = None
        if settings.as_long_as_source:  # less [CLS] and [SEP]
            least = most = tf.maximum(tf.reduce_sum(inputs["padding_mask"], axis=1) - 2, 0)
        if prefix is None and settings.prefix:
            prefix = tf.fill([rows], settings.prefix)
        return Constraints(
            end=self._place(self.tokenizer.sep_token_id),
            min_length=least,
            max_length=most,
            repetition_penalty=settings.repetition_penalty,
            no_repeat_ngram=settings.no_repeat_ngram_size,
            forbidden=self.output_ids.places_of(self._forbidden),
            allowed=None if self._allowed is None else self.output_ids.places_of(self._allowed),
            prefix=None if prefix is None else self.output_ids.place(self.tokenizer(prefix)).to_tensor(-1),
        )

    def texts(self, found: Mapping[str, Any]) -> Tensors:
        """Turns ids into texts.

        Args:
            found: As `write` gives it; with the settings' `source_spelling` also `source` string (batch,), where it is
                to be followed.

        Returns:
            `text` string (batch,), the best; `score` float32 (batch,); `hypotheses` string and `scores` float32
            (batch, hypotheses), the best first.
        """
        rows, hypotheses = tf.unstack(tf.shape(found["lengths"]))
        flat = tf.reshape(found["ids"], [rows * hypotheses, tf.shape(found["ids"])[2]])
        ids = tf.RaggedTensor.from_tensor(flat, lengths=tf.reshape(found["lengths"], [-1]))
        texts = detokenize(self.tokenizer, ids)
        if self.settings.source_spelling and "source" in found:
            source_of = tf.range(rows * hypotheses) // tf.maximum(hypotheses, 1)
            texts = source_spelling(self.tokenizer, texts, found["source"], source_of)
        texts = tf.reshape(texts, [rows, hypotheses])
        scores = found["scores"]
        return {"text": texts[:, 0], "score": scores[:, 0], "hypotheses": texts, "scores": scores}

    def check_prefixes(self, prefixes: Sequence[str]) -> None:
        """Checks that texts can begin so.

        Raises:
            InputError: One holds what the vocabulary, or the model's output ids, cannot write, or leaves no room.
        """
        for prefix in sorted({prefix for prefix in prefixes if prefix}):
            ids, longest = self._ids_of(prefix, "prefix"), self.settings.max_new_tokens
            if len(ids) >= longest:
                raise InputError(
                    f"prefix {prefix!r:.80} has {len(ids)} tokens; max_new_tokens={longest} leaves no room"
                )

    def _ids_of(self, words: str, where: str) -> list[int]:
        ids = self.tokenizer(tf.constant([words]))[0].numpy().tolist()
        if not ids or self.tokenizer.unk_token_id in ids or not all(self.output_ids.has(id_) for id_ in ids):
            raise InputError(f"{where}: the model cannot write {words!r:.80}, its vocabulary lacks the pieces")
        return ids

    def _place(self, id_: int) -> int:
        return self.output_ids.places_of([id_])[0]

    def _found(self, found: Tensors) -> Tensors:
        return {**found, "ids": self.output_ids.ids(found["ids"])}
