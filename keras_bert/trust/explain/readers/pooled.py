"""What a classifier or a regressor read of a text or a pair, and which number is explained."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier, BertRegressor
from keras_bert.trust.explain.field_tokens import field_tokens
from keras_bert.trust.explain.readers.packed import looks_from_pooling, packed_owner
from keras_bert.trust.explain.reading import Reading, Readout, used_words


def read_pooled(model: Any, texts: Mapping[str, bytes], answer: Mapping[str, Any], target: Any) -> Reading:
    """Reads a text as a classifier or a regressor does.

    Args:
        model: The task.
        texts: UTF-8 by field.
        answer: What the model answers, with the probabilities of all classes.
        target: The class that is explained; None: the likeliest. A regressor has none.

    Raises:
        InputError: There is no such class, or a regressor is asked for one.
    """
    preprocessor = model.preprocessor
    packed = preprocessor.pack(*(tf.constant([text]) for text in texts.values()))
    inputs = {name: tensor.numpy() for name, tensor in preprocessor.pad(packed).items()}
    tokens = {field: field_tokens(preprocessor.tokenizer, text, preprocessor.markers) for field, text in texts.items()}
    row, segments = packed["token_ids"].values.numpy(), packed["segment_ids"].values.numpy()
    second = [int(segments.sum()) - 1] if len(texts) == 2 else []
    kept = [len(row) - 2 - sum(second) - len(second), *second]
    owner, words, cut = packed_owner(tokens, kept, inputs["token_ids"].shape[1])
    number, label = _number(model, answer, target)
    found, used = used_words(owner[None], words)
    markers = getattr(model, "marker_ids", ())
    looks_from = looks_from_pooling([model.pooling], inputs["padding_mask"][0], inputs["token_ids"][0], markers)
    return Reading(
        inputs=inputs,
        owner=found,
        words=used,
        cut=cut,
        label=label,
        readout=Readout.of([[0, number]]),
        looks_from=looks_from[None],
        side=np.zeros(1, int),
    )


def _number(model: Any, answer: Mapping[str, Any], target: Any) -> tuple[int, str]:
    """Returns the number of the output that is explained, and what it is called."""
    if isinstance(model, BertRegressor):
        if target is not None:
            raise InputError(f"target={target!r:.60}: a regressor has one number and no classes; leave target out")
        return 0, "score"
    assert isinstance(model, BertClassifier)
    scores = answer["scores"]
    if target is None:
        target = max(scores, key=lambda label: scores[label])
    if target not in model.labels:
        raise InputError(f"target={target!r:.60} is none of the classes: {', '.join(model.labels)}")
    return model.labels.index(target), target
