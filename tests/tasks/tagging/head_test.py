"""The head on each token: against its formula."""

import keras
import numpy as np
import pytest

from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.tasks.tagging.head import token_head
from tests.tasks import tiny


def test_logits_are_linear_in_the_hidden_states():
    encoder = BertEncoder(tiny.config(), use_pooler=False)
    logits, linear = token_head(encoder, 3)
    linear.bias.assign([1.0, 2.0, 3.0])
    inputs = tiny.preprocessor()(tiny.TEXTS)
    hidden = encoder(inputs)["sequence_output"].numpy()
    found = keras.Model(encoder.input, logits)(inputs).numpy()
    np.testing.assert_allclose(found, hidden @ linear.kernel.numpy() + [1, 2, 3], atol=1e-5)


def test_logits_are_float32_in_mixed_precision():
    logits, linear = token_head(BertEncoder(tiny.config(), use_pooler=False, dtype="mixed_bfloat16"), 3)
    assert (logits.dtype, linear.compute_dtype) == ("float32", "bfloat16")


def test_a_pooler_that_would_never_be_used_is_refused():
    with pytest.raises(InputError, match="use_pooler=False"):
        token_head(BertEncoder(tiny.config()), 3)
