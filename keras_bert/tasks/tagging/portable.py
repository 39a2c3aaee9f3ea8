"""What a token classifier says of itself to formats other than SavedModel."""

from typing import Any

import numpy as np

from keras_bert.data.tags.tag_schemes import allowed_transitions
from keras_bert.serving.formats.network import Head
from keras_bert.tasks.base.portable import Portable


def tagger_portable(task: Any) -> Portable:
    """Describes a `BertTokenClassifier`: its labels, which may follow which, and where entities begin."""
    tags = task.tags
    allowed = allowed_transitions(tags.names, tags.scheme)
    if not task.constrained:
        allowed = np.ones_like(allowed)
        allowed[:, np.flatnonzero(tags.fillers)] = False
    answering = {
        "kind": "tag",
        "labels": list(tags.names),
        "scheme": tags.scheme,
        "constrained": task.constrained,
        # Which label may follow which: rows are the label before and, last, the begin; columns the label and the end.
        "allowed": allowed.astype(int).tolist(),
        # What an entity of each label is called, "" for none, and whether one begins behind which label.
        "types": list(tags.types),
        "begins": tags.begins.astype(int).tolist(),
        "outside": tags.outside,
        "inner": tags.inner.tolist(),
        "stride": task.stride or max(1, (task.preprocessor.max_length - 2) // 2),
        "word_separator": task.word_separator,
    }
    return Portable(lambda outputs: {"logits": outputs}, Head(("tokens",), "classifier"), answering)
