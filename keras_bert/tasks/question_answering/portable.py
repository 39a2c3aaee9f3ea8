"""What a question answerer says of itself to formats other than SavedModel."""

from typing import Any

from keras_bert.serving.formats.network import Head
from keras_bert.tasks.base.portable import Portable


def answerer_portable(task: Any) -> Portable:
    """Describes a `BertQuestionAnswerer`.

    The logits of tokens that are none of the context are -1e9 here; a writer may leave them as the dense layer gives
    them, as transformers has them: who reads them masks them again.
    """
    names = ("doc_stride", "max_question_length", "max_answer_length", "no_answer_log_odds")
    answering = {"kind": "answer", **{name: getattr(task, name) for name in names}}
    return Portable(
        lambda outputs: {"start_logits": outputs[:, 0], "end_logits": outputs[:, 1]},
        Head(("tokens",), "qa_outputs"),
        answering,
    )
