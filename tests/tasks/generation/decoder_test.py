"""What is kept of the tokens before gives what the whole row gives, at every step."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.tasks.generation.rows import source_rows
from keras_bert.tasks.generation.seq2seq import BertSeq2Seq
from tests.tasks import tiny
from tests.tasks.tiny_sequences import writer


def logits_of_whole_rows(model: BertSeq2Seq, sources: list[list[int]], target: list[int]) -> np.ndarray:
    """The logits after each prefix of the target, row by row, without anything kept."""
    found = []
    for source in sources:
        ids = tf.constant([source + target])
        segments = tf.constant([[0] * len(source) + [1] * len(target)])
        places = tf.range(len(source) - 1, len(source) + len(target))[None]
        inputs = {"token_ids": ids, "segment_ids": segments, "padding_mask": tf.ones_like(ids)}
        found.append(model({**inputs, "target_positions": places})[0].numpy())
    return np.stack(found)


@pytest.mark.parametrize("mask", ["prefix", "causal"])
def test_steps_of_unequal_sources_are_those_of_whole_rows(mask: str):
    model = writer(mask)
    texts = tiny.TEXTS[:3]
    source = source_rows(model.tokenizer, texts, 20)
    whole = logits_of_whole_rows(model, source.to_list(), target := [7, 9, 15, 6])
    decoder = model._stages.decoder
    lengths = tf.cast(source.row_lengths(), tf.int32)
    inputs = {
        "token_ids": source.to_tensor(0),
        "segment_ids": source.to_tensor(0) * 0,
        "padding_mask": tf.sequence_mask(lengths, dtype=tf.int32),
    }
    step, (logits, kept, state, _) = decoder.begin(inputs)
    np.testing.assert_allclose(logits, whole[:, 0], atol=1e-4)
    for time, token in enumerate(target):
        # Two beams: the same, so that they must not disturb each other.
        if time == 0:
            state = tf.nest.map_structure(lambda tensor: tf.repeat(tensor, 2, axis=1), state)
        logits, state = step(tf.fill([3, 2], token), tf.constant(time), kept, state)
        np.testing.assert_allclose(logits[:, 0], whole[:, time + 1], atol=1e-4)
        np.testing.assert_allclose(logits[:, 1], whole[:, time + 1], atol=1e-4)


@pytest.mark.parametrize("mask", ["prefix", "causal"])
def test_no_prediction_sees_a_later_token(mask: str):
    """The gradient of a logit to the embeddings of what comes later is 0; under causal so is it for sources."""
    model = writer(mask, config=tiny.without_dropout())
    ids = tf.constant([[2, 5, 12, 3, 7, 9, 15]])
    segments = tf.constant([[0, 0, 0, 0, 1, 1, 1]])
    encoder, bias = model.encoder, None
    embedded = tf.Variable(encoder.embeddings(ids, segments))
    bias = encoder.get_layer("attention_bias")(tf.ones_like(ids), segments)
    for place in range(7):
        with tf.GradientTape() as tape:
            hidden = tf.reshape(embedded, (7, -1))
            for block in encoder.blocks:
                hidden = block(hidden, bias)
            out = tf.reduce_sum(hidden[place])
        seen = np.abs(tape.gradient(out, embedded).numpy()[0]).sum(-1) > 0
        last = place if mask == "causal" or place > 3 else 3
        assert seen.tolist() == [at <= last for at in range(7)]
