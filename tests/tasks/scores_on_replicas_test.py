"""Held-out rows scored by two replicas together: the scores of one, whatever the task, the last batch in part."""

import json

import pytest

from tests.forked_process import run_python

SCRIPT = """
import json
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from keras_bert.tasks import BertMultipleChoice
from keras_bert.training import make_strategy
from tests.tasks import tiny, tiny_questions, tiny_sequences, tiny_tags

SCORES = [0.1, 0.9, 0.4, 0.6, 0.0, 1.0, 0.3, 0.7]
CHOICES = [["good", "bad", "film"], ["food", "warm", ""]] * 4
pairs = tiny.dataset(pairs=tiny.PAIRS)
choices = tf.data.Dataset.from_tensor_slices({"text": tiny.TEXTS, "choices": CHOICES, "label": [0, 1] * 4})
examples = tiny.pretraining_examples(7)
TASKS = {
    "classifier": (tiny.classifier, lambda model: model.evaluate_rows(tiny.dataset(tiny.LABELS), 3)),
    "regressor": (tiny.regressor, lambda model: model.evaluate_rows(tiny.dataset(SCORES), 3)),
    "choices": (lambda: tiny.make(BertMultipleChoice), lambda model: model.evaluate_rows(choices, 3)),
    "embedder, found": (tiny.embedder, lambda model: model.evaluate_rows(pairs, 3)),
    "embedder, with prompts": (
        lambda: tiny.embedder(
            prompts={"query": "very "}, row_prompts=["query"], include_prompt=False, objective="cosine"
        ),
        lambda model: model.evaluate_rows(tiny.dataset(SCORES, tiny.PAIRS), 3),
    ),
    "tagger": (lambda: tiny_tags.tagger(max_length=9), lambda model: model.evaluate_rows(tiny_tags.rows(), 3)),
    "answerer": (
        lambda: tiny_questions.answerer(doc_stride=5), lambda model: model.evaluate_rows(tiny_questions.rows(), 4)
    ),
    "writer": (tiny_sequences.writer, lambda model: model.evaluate_rows(tiny_sequences.rows(), 3)),
    "pretrainer": (tiny.pretrainer, lambda model: model.evaluate_examples(examples, 3)),
    "masked words alone": (
        lambda: tiny.pretrainer(next_sentence=False), lambda model: model.evaluate_examples(examples, 3)
    ),
}
strategy = make_strategy("mirrored")
found = {}
for name, (make, score) in TASKS.items():
    alone = score(make())
    with strategy.scope():
        model = make()
    assert model.distribute_strategy.num_replicas_in_sync == 2
    found[name] = [alone, score(model)]
print(json.dumps(found))
"""


@pytest.mark.slow
def test_two_replicas_score_as_one():
    for task, (alone, together) in json.loads(run_python(SCRIPT)).items():
        assert len(alone) > 1
        assert together == pytest.approx(alone, abs=1e-6, rel=1e-6), task
