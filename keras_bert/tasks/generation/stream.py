"""One text as it is written, piece by piece."""

import codecs
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf

from keras_bert.decoding.draw import Draw, uniform_numbers
from keras_bert.tasks.generation.decoder import CachedDecoder
from keras_bert.tasks.generation.search import TextSearch


def stream(
    decoder: CachedDecoder, search: TextSearch, inputs: Mapping[str, Any], prefix: str | None, seed: tf.Tensor
) -> Iterator[str]:
    """Writes one text, the likeliest token each time, or drawn as the settings say, and gives each part as it comes.

    Put together the parts are the text that a search without beams finds.

    Args:
        decoder: Gives the logits.
        search: Knows the rules.
        inputs: Of one source, int32 (1, tokens).
        prefix: What the text begins with; None: the settings' own.
        seed: int32 (1, 2), for drawing.

    Yields:
        The new end of the text; never empty, never half a character.
    """
    settings = search.settings
    rules = search.rules(inputs, None if prefix is None else tf.constant([prefix]))
    step, (logits, source, state, _) = decoder.begin(inputs, traced=True)
    if settings.do_sample:
        uniform = uniform_numbers(seed, 1, settings.max_new_tokens)
        draw = Draw(settings.temperature, settings.top_k, settings.top_p)
    ids, logits = tf.zeros([1, 1, 0], tf.int32), logits[:, None]
    text, decode = b"", codecs.getincrementaldecoder("utf-8")("replace").decode
    for time in range(settings.max_new_tokens):
        allowed = rules.apply(logits, ids)
        if settings.do_sample:
            newest = draw(allowed, uniform[:, :, time])
        else:
            newest = tf.argmax(allowed, axis=-1, output_type=tf.int32)
        if int(newest[0, 0]) == rules.end:
            break
        ids = tf.concat([ids, newest[..., None]], axis=2)
        found = {"ids": search.output_ids.ids(ids), "lengths": tf.constant([[time + 1]]), "scores": tf.zeros([1, 1])}
        longer = search.texts(found)["text"].numpy()[0]
        if part := decode(longer[len(text) :]):
            yield part
        text = longer
        if time + 1 < settings.max_new_tokens:
            logits, state = step(newest, tf.constant(time), source, state)
    if part := decode(b"", final=True):
        yield part
