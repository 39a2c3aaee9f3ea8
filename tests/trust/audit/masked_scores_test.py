"""Log-probabilities of masked tokens: batched as one by one, and as the model's own softmax has them."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.trust.audit.masked_scores import MaskedScores
from tests.tasks import tiny


@pytest.mark.parametrize("next_sentence", [True, False])
def test_batched_is_one_by_one_is_the_softmax(next_sentence: bool):
    task = tiny.pretrainer(config=tiny.config(num_hidden_layers=1), next_sentence=next_sentence)
    ask, alone = MaskedScores(task, "pairs", batch_size=4), MaskedScores(task, "pairs", batch_size=1)
    rows = []
    for text in tiny.TEXTS[:4]:
        ids = ask.wrapped(ask.ids(text), text)
        rows += [ask.masked(ids, place) for place in range(1, len(ids) - 1)]
    found = ask(rows)
    assert found == pytest.approx(alone(rows), abs=1e-5)
    ids, place, wanted = rows[5]
    assert ids[place] == task.tokenizer.mask_token_id
    inputs = {"token_ids": [ids], "segment_ids": [[0] * len(ids)], "padding_mask": [[1] * len(ids)]}
    inputs = {name: tf.constant(value) for name, value in {**inputs, "mask_positions": [[place]]}.items()}
    logits = task(inputs)["masked_lm"].numpy()[0, 0].astype(np.float64)
    assert found[5] == pytest.approx(logits[wanted] - np.log(np.exp(logits).sum()), abs=1e-4)


def test_a_model_without_the_head():
    with pytest.raises(InputError, match="'pairs' asks a masked-word head, which a BertClassifier has not"):
        MaskedScores(tiny.classifier(config=tiny.config(num_hidden_layers=1)), "pairs")


def test_a_sentence_that_is_too_long():
    ask = MaskedScores(tiny.pretrainer(config=tiny.config(num_hidden_layers=1)), "pairs")
    with pytest.raises(InputError, match="pair 3: 32 tokens, more than the model takes"):
        ask.wrapped([7] * 30, "pair 3")
