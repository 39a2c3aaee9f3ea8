"""Every task that can be distilled: a copy of the teacher is at no distance, and what a cache keeps changes nothing."""

import pytest

from keras_bert.compression import Distiller, make_student
from keras_bert.compression.distillation.outputs import output_distance
from keras_bert.compression.distillation.terms import divergence
from tests.tasks import tiny, tiny_questions, tiny_tags

SEVERAL = [["positive", "neutral"], [], ["positive"], ["neutral"], ["negative"], ["neutral"], ["negative"], ["neutral"]]
TASKS = {
    "several classes": (
        lambda: tiny.classifier(problem_type="multi_label_classification"),
        lambda: tiny.dataset(SEVERAL),
    ),
    "pairs and a number": (
        lambda: tiny.regressor(text_pair=True),
        lambda: tiny.dataset([float(index) for index in range(8)], tiny.PAIRS),
    ),
    "tags": (tiny_tags.tagger, tiny_tags.rows),
    "answers": (tiny_questions.answerer, tiny_questions.rows),
    "pairs of vectors": (tiny.embedder, lambda: tiny.dataset(pairs=tiny.PAIRS)),
    "vectors": (tiny.embedder, tiny.dataset),
}


@pytest.mark.parametrize("case", TASKS)
def test_every_task(case: str, tmp_path):
    teacher, rows = (part() for part in TASKS[case])
    layers = teacher.encoder.config.num_hidden_layers
    has_labels = case != "vectors"

    def loss(distiller: Distiller) -> float:
        inputs, targets, *weights = next(iter(distiller.batches(rows, 8)))
        outputs = distiller(inputs, training=False)
        return float(distiller.compute_loss(inputs, targets, outputs, *weights, training=False))

    assert loss(Distiller(make_student(teacher, layers=layers), teacher, label_share=0.0)) == pytest.approx(
        0.0, abs=1e-6
    )
    student = make_student(teacher, layers=1, hidden_size=16)
    kept = Distiller(student, teacher, label_share=0.3 * has_labels)
    fresh = loss(kept)
    assert fresh > 1e-3
    kept.keep_teacher(tmp_path / "cache", rows, "rows", batch_size=3)
    assert loss(kept) == pytest.approx(fresh, rel=1e-4)


def test_places_of_answers_are_compared_for_the_first_and_the_last_token():
    task = tiny_questions.answerer()
    batch = next(iter(task.batches(tiny_questions.rows(), 4)))
    ours, theirs = task(batch[0]), tiny_questions.answerer(seed=1)(batch[0])
    first, last = (divergence(ours[:, place], theirs[:, place], 2.0) for place in (0, 1))
    found = output_distance(task, ours, theirs, 2.0)
    assert found.numpy() == pytest.approx(((first + last) / 2).numpy(), rel=1e-4)
