"""From sources to texts: the search, and its ids as strings."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_bert.decoding.beam_search import beam_search
from keras_bert.decoding.constraints import Constraints
from keras_bert.decoding.one_by_one import greedy
from keras_bert.tasks.generation.decoder import CachedDecoder
from keras_bert.tasks.generation.settings import GenerationSettings
from keras_bert.text.detokenize import detokenize
from keras_bert.text.token_layer import TokenLayer

Tensors = dict[str, Any]


def write(
    decoder: CachedDecoder, tokenizer: TokenLayer, settings: GenerationSettings, inputs: Mapping[str, Any]
) -> Tensors:
    """Searches for what follows sources.

    `[PAD]`, `[UNK]`, `[CLS]` and `[MASK]` never come; `[SEP]` ends a text.

    Args:
        decoder: Gives the logits.
        tokenizer: Knows the special tokens.
        settings: Of the search.
        inputs: `token_ids`, `segment_ids`, `padding_mask` of sources, int32 (batch, tokens).

    Returns:
        `ids` int32 (batch, hypotheses, tokens), `scores` float32 and `lengths` int32 (batch, hypotheses), the best
        first; one hypothesis without beams.
    """
    constraints = Constraints(
        end=tokenizer.sep_token_id,
        min_length=settings.min_new_tokens,
        repetition_penalty=settings.repetition_penalty,
        no_repeat_ngram=settings.no_repeat_ngram_size,
        forbidden=(tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.cls_token_id, tokenizer.mask_token_id),
    )
    pad, longest = tokenizer.pad_token_id, settings.max_new_tokens
    start = decoder.begin(inputs)
    if settings.num_beams == 1:
        return greedy(decoder.step, start, constraints, longest, pad)
    found = beam_search(
        decoder.step,
        start,
        constraints,
        longest,
        num_beams=settings.num_beams,
        length_penalty=settings.length_penalty,
        early_stopping=settings.early_stopping,
        pad=pad,
    )
    return {name: tensor[:, : settings.num_return_sequences] for name, tensor in found.items()}


def written(tokenizer: TokenLayer, found: Mapping[str, Any]) -> Tensors:
    """Turns ids into texts.

    Args:
        tokenizer: The tokenizer of the ids.
        found: As `write` gives it.

    Returns:
        `text` string (batch,), the best; `score` float32 (batch,); `hypotheses` string and `scores` float32
        (batch, hypotheses), the best first.
    """
    rows, hypotheses = tf.unstack(tf.shape(found["lengths"]))
    flat = tf.reshape(found["ids"], [rows * hypotheses, -1])
    ids = tf.RaggedTensor.from_tensor(flat, lengths=tf.reshape(found["lengths"], [-1]))
    texts = tf.reshape(detokenize(tokenizer, ids), [rows, hypotheses])
    scores = found["scores"]
    return {"text": texts[:, 0], "score": scores[:, 0], "hypotheses": texts, "scores": scores}
