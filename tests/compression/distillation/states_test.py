"""Inner states. The truth: an encoder that is built to show them."""

import numpy as np
import pytest

from keras_bert.compression.distillation.states import watched
from keras_bert.compression.distillation.terms import relation_scores
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from tests.tasks import tiny


@pytest.mark.parametrize("norm_first", [False, True])
def test_states_are_those_that_an_encoder_shows(norm_first: bool):
    task = tiny.classifier(config=tiny.config(norm_first=norm_first))
    encoder = BertEncoder(task.encoder.config, output_hidden_states=True, output_attentions=True)
    encoder.set_weights(task.encoder.get_weights())
    inputs = task.preprocessor(tiny.TEXTS)
    found, shown = watched(task, {0, 1}, {1, 2})(inputs), encoder(inputs)
    np.testing.assert_allclose(found["outputs"], task(inputs), atol=1e-5)
    mask = np.asarray(inputs["padding_mask"])
    for block in (0, 1):
        states = np.reshape(found[f"hidden_{block}"], (*mask.shape, 32))
        np.testing.assert_allclose(states[mask > 0], np.asarray(shown["hidden_states"][block])[mask > 0], atol=1e-4)
    for block in (1, 2):
        query, key, _ = np.split(np.reshape(found[f"qkv_{block}"], (*mask.shape, 96)), 3, axis=-1)
        scores = np.asarray(relation_scores(query, key, 4)) + np.where(mask[:, None, None] > 0, 0.0, -1e9)
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        np.testing.assert_allclose(
            powers / powers.sum(-1, keepdims=True), np.asarray(shown["attentions"][block - 1]), atol=1e-4
        )


def test_an_encoder_that_leaves_padding_out_is_refused():
    task = tiny.classifier()
    task.encoder.unpad = True
    with pytest.raises(InputError, match=r"set encoder\.unpad = False"):
        watched(task)
