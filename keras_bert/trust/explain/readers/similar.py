"""What an embedder read of two texts, whose similarity is explained."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.embedding.prompted_inputs import PromptedInputs
from keras_bert.trust.explain.field_tokens import field_tokens
from keras_bert.trust.explain.readers.packed import looks_from_pooling, packed_owner
from keras_bert.trust.explain.reading import Cut, Reading, Readout, Word, used_words


def read_similar(model: Any, texts: Mapping[str, bytes], target: Any) -> Reading:
    """Reads two texts as an embedder does, each behind the default prompt.

    Args:
        model: The task.
        texts: UTF-8 of `text` and `text_pair`.
        target: None.

    Raises:
        InputError: A target is given.
    """
    if target is not None:
        raise InputError(f"target={target!r:.60}: of an embedder the similarity is explained; leave target out")
    prompt = model.prompts.text(None)
    prompted = PromptedInputs(model.preprocessor, model.prompts, model.include_prompt)
    batch = prompted(tf.constant(list(texts.values())), prompt, prompted.tokens_of(prompt))
    inputs = {name: tensor.numpy() for name, tensor in batch.items()}
    token_ids, mask = inputs["token_ids"], inputs["padding_mask"]
    owner = np.full(token_ids.shape, -1, np.int32)
    words: list[Word] = []
    cut: list[Cut] = []
    for row, (field, text) in enumerate(texts.items()):
        tokens = field_tokens(model.tokenizer, text, before=prompt.encode())
        own, found, left_out = packed_owner({field: tokens}, [int(mask[row].sum()) - 2], token_ids.shape[1])
        owner[row] = np.where(own >= 0, own + len(words), -1)
        words += found
        cut += left_out
    owner, words = used_words(owner, words)
    poolings = [model.pooling] if isinstance(model.pooling, str) else list(model.pooling)
    counted = inputs.get("pooling_mask", mask)
    looks_from = [looks_from_pooling(poolings, counted[row], token_ids[row]) / 2 for row in range(2)]
    return Reading(
        inputs=inputs,
        owner=owner,
        words=words,
        cut=cut,
        label="similarity",
        readout=Readout.similarity(model.similarity),
        looks_from=np.stack(looks_from),
        side=np.arange(2),
    )
