"""Going on with a text, and the served function that draws."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from tests.tasks import tiny
from tests.tasks.tiny_sequences import writer


def test_a_prompt_goes_on_with_the_likeliest_token_each_time():
    model = writer("causal", generation={"num_beams": 1, "max_new_tokens": 5})
    (answer,) = model.complete(["good film"])
    ids, written = [2, *(tiny.VOCABULARY.index(word) for word in ("good", "film"))], []
    while len(written) < 5:
        inputs = {"token_ids": [ids], "segment_ids": [[0] * len(ids)], "padding_mask": [[1] * len(ids)]}
        inputs = {name: tf.constant(value) for name, value in {**inputs, "target_positions": [[len(ids) - 1]]}.items()}
        logits = model(inputs)[0, 0].numpy()
        logits[[0, 1, 2, 4]] = -np.inf
        if (token := int(logits.argmax())) == 3:
            break
        written.append(tiny.VOCABULARY[token])
        ids = [*ids, token]
    assert answer["text"].replace(" ", "") == "".join(piece.removeprefix("##") for piece in written)


def test_of_a_long_prompt_the_end_is_read():
    model = writer("causal", generation={"num_beams": 1, "max_new_tokens": 5})
    long = "bad " * 40 + "good film and food " * 6
    assert model.complete([long])[0]["text"] == model.complete(["bad " + long])[0]["text"]


def test_only_left_to_right_models_go_on():
    with pytest.raises(InputError, match="only a left-to-right model goes on"):
        writer().complete(["good"])
    with pytest.raises(InputError, match="a prompt is a beginning itself"):
        writer("causal", generation={"prefix": "good", "max_new_tokens": 8}).complete(["good"])


@pytest.mark.slow
def test_the_served_function_draws_what_its_settings_say():
    model = writer(generation={"num_beams": 2, "max_new_tokens": 6})
    draw = tf.function(model.signatures()["sample"].function)
    texts = tf.constant(tiny.TEXTS[:4])

    def drawn(seeds, temperature, top_k, top_p):
        columns = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        tensors = {name: tf.constant([value] * 4) for name, value in columns.items()}
        return draw(texts, seed=tf.constant(seeds), **tensors)["text"].numpy().tolist()

    greedy = writer(generation={"num_beams": 1, "max_new_tokens": 6})
    likeliest = [answer["text"].encode() for answer in greedy.answer(tiny.TEXTS[:4])]
    assert drawn([1, 2, 3, 4], 1.0, 1, 1.0) == likeliest
    assert drawn([1, 2, 3, 4], 2.0, 0, 1.0) == drawn([1, 2, 3, 4], 2.0, 0, 1.0)
    assert drawn([1, 2, 3, 4], 2.0, 0, 1.0)[:2] == drawn([1, 2, 30, 40], 2.0, 0, 1.0)[:2]
    assert drawn([1, 2, 3, 4], 2.0, 0, 1.0) != drawn([5, 6, 7, 8], 2.0, 0, 1.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="temperature must be above 0"):
        drawn([1, 2, 3, 4], 0.0, 0, 1.0)
    one = {name: tf.constant([value]) for name, value in {"temperature": 1.0, "top_k": 0, "top_p": 1.0}.items()}
    with pytest.raises(tf.errors.InvalidArgumentError, match="must have a number for each text"):
        draw(texts, seed=tf.constant([1, 2, 3, 4]), **one)
