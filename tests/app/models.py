"""A tiny model of each task, and what is asked of it on its page."""

import functools

from keras_bert.tasks import BertMultipleChoice, BertTask
from tests.tasks import tiny, tiny_questions, tiny_sequences, tiny_tags

AWKWARD = "<script>document.title = 'broken'</script> good & <b>bad</b> film \U0001f600"
"""What must be shown as it stands."""

ASKED = {
    "classifier": [AWKWARD],
    "regressor": [AWKWARD],
    "chooser": [AWKWARD, "good\nbad <b>film</b>\nbook"],
    "tagger": ["good film <i>was</i> bad"],
    "answerer": ["who lived in graz", AWKWARD + " anna lived in graz. bela lived in linz."],
    "embedder": [AWKWARD, "bad food"],
    "mask_filler": ["a [MASK] <u>film</u> is [MASK]"],
    "writer": [AWKWARD],
}
"""The texts in the boxes of each page, in their order."""


@functools.cache
def every_model() -> dict[str, BertTask]:
    """Makes the models, once for all tests of a process."""
    return {
        "classifier": tiny.classifier(),
        "regressor": tiny.regressor(),
        "chooser": tiny.make(BertMultipleChoice),
        "tagger": tiny_tags.tagger(),
        "answerer": tiny_questions.answerer(),
        "embedder": tiny.embedder(),
        "mask_filler": tiny.pretrainer(),
        "writer": tiny_sequences.writer(),
    }
