"""Students: the truth is the teacher's own weights."""

import numpy as np
import pytest

from keras_bert.compression import make_student
from keras_bert.compression.distillation.student import even_layers
from keras_bert.errors import InputError
from tests.scripts.programs import save_encoder
from tests.tasks import tiny

TEACHER_LAYERS = 5


@pytest.fixture(scope="module")
def teacher():
    return tiny.classifier(config=tiny.config(num_hidden_layers=TEACHER_LAYERS), threshold=0.25, text_pair=True)


def weights_of(task) -> dict[str, np.ndarray]:
    return {weight.name: weight.read() for weight in task.weights_by_name()}


@pytest.mark.parametrize("layers", [(0, 2, 4), (3, 1)], ids=str)
def test_chosen_layers_have_the_teachers_weights(teacher, layers: tuple[int, ...]):
    student = make_student(teacher, teacher_layers=layers)
    ours, theirs = weights_of(student), weights_of(teacher)
    for name, value in ours.items():
        for index, layer in enumerate(layers):
            if name.startswith(f"bert.encoder.layer.{index}."):
                name = name.replace(f"layer.{index}.", f"layer.{layer}.", 1)
                break
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)
    assert student.encoder.config.num_hidden_layers == len(layers)
    assert (student.labels, student.threshold, student.text_pair) == (teacher.labels, 0.25, True)


def test_layers_are_spread_evenly(teacher):
    assert even_layers(12, 4) == (0, 3, 6, 9)
    assert even_layers(5, 5) == (0, 1, 2, 3, 4)
    ours = weights_of(make_student(teacher, layers=2))
    np.testing.assert_array_equal(
        ours["bert.encoder.layer.1.output.dense.weight"],
        weights_of(teacher)["bert.encoder.layer.2.output.dense.weight"],
    )


def test_from_nothing_and_from_a_checkpoint(teacher, tmp_path):
    narrow = make_student(teacher, layers=1, hidden_size=16)
    config = narrow.encoder.config
    assert (config.hidden_size, config.num_attention_heads, config.intermediate_size) == (16, 4, 64)
    narrow.save_preset(tmp_path / "narrow")
    again = make_student(teacher, preset=tmp_path / "narrow")
    for name, value in weights_of(narrow).items():
        np.testing.assert_array_equal(value, weights_of(again)[name], err_msg=name)
    assert again.load_report.new == ()
    tiny.classifier(("no", "yes")).save_preset(tmp_path / "other")
    other = make_student(teacher, preset=tmp_path / "other")
    assert other.labels == teacher.labels
    assert other.load_report.new == ("classifier.weight", "classifier.bias")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "say how large the student is"),
        ({"layers": 6}, "layers=6: the teacher has 5 to copy"),
        ({"teacher_layers": (0, 7)}, "the teacher's layers 0 to 4, each once, received: 0, 7"),
        ({"teacher_layers": (1, 1)}, "each once, received: 1, 1"),
        ({"teacher_layers": ()}, "received: none"),
        ({"teacher_layers": (1, 2), "layers": 3}, "layers=3, and teacher_layers names 2"),
        ({"teacher_layers": (1, 2), "hidden_size": 64}, "hidden_size=64, the teacher has 32"),
        ({"preset": "x", "layers": 3}, "leave out layers, teacher_layers and hidden_size"),
    ],
    ids=str,
)
def test_students_that_cannot_be(teacher, options: dict, message: str):
    with pytest.raises(InputError, match=message):
        make_student(teacher, **options)


def test_another_vocabulary_is_refused(teacher, tmp_path):
    with pytest.raises(InputError, match="cuts text with another vocabulary than the teacher"):
        make_student(teacher, preset=save_encoder(tmp_path / "other"))
