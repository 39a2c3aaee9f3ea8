"""The confusion matrix counted by hand; in the picture the numbers stand where they belong."""

import matplotlib.figure
import matplotlib.image
import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation import confusion_matrix, plot_confusion

# Class 0 is right once and taken for 1 twice; class 1 is right once and taken for 2 once; class 2 never occurs.
TARGETS, PREDICTIONS = np.array([0, 1, 0, 0, 1]), np.array([0, 1, 1, 1, 2])


def test_rows_are_true_classes():
    assert confusion_matrix(TARGETS, PREDICTIONS, 3).tolist() == [[1, 2, 0], [0, 1, 1], [0, 0, 0]]


def test_the_same_as_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(0)
    targets, predictions = generator.integers(0, 9, (2, 500))
    np.testing.assert_array_equal(
        confusion_matrix(targets, predictions, 9), metrics.confusion_matrix(targets, predictions, labels=range(9))
    )


@pytest.fixture
def figures(monkeypatch):
    """The figures that were saved."""
    saved = []
    save = matplotlib.figure.Figure.savefig
    monkeypatch.setattr(
        matplotlib.figure.Figure,
        "savefig",
        lambda figure, *arguments, **named: (saved.append(figure), save(figure, *arguments, **named)),
    )
    return saved


def test_numbers_stand_at_true_and_answered_class(tmp_path, figures):
    plot_confusion(TARGETS, PREDICTIONS, ["a", "b", "never"], tmp_path / "confusion.png")
    axes = figures[0].axes[0]
    # A text stands at (x, y): the column is the answer, the row the true class.
    found = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts}
    assert found == {(0, 0): "1", (0, 1): "2", (1, 1): "1", (1, 2): "1"}
    np.testing.assert_allclose(axes.images[0].get_array(), [[1 / 3, 2 / 3, 0], [0, 0.5, 0.5], [0, 0, 0]])
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("true class", "answer")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "never"]
    assert "5 rows, accuracy 0.400" in axes.get_title()


@pytest.mark.parametrize("classes", [2, 7, 150])
def test_picture(tmp_path, figures, classes):
    generator = np.random.default_rng(0)
    targets = generator.integers(0, classes, 300)
    predictions = np.where(generator.random(300) < 0.8, targets, generator.integers(0, classes, 300))
    plot_confusion(targets, predictions, [f"class {index}" for index in range(classes)], tmp_path / "confusion.png")
    picture = matplotlib.image.imread(tmp_path / "confusion.png")
    assert min(picture.shape[:2]) >= 400
    assert np.ptp(picture[..., :3]) > 0.5, "not blank"
    assert bool(figures[0].axes[0].texts) == (classes <= 20)


def test_labels_of_any_kind(tmp_path, figures):
    labels = ["a very long label of many words, as they come", "$x", "字", "a_b^c"]
    plot_confusion(np.arange(4), np.arange(4), labels, tmp_path / "confusion.png")
    names = [label.get_text() for label in figures[0].axes[0].get_xticklabels()]
    assert names == ["a very long label of many wor…", r"\$x", "字", "a_b^c"]


def test_bad_input(tmp_path):
    for targets, predictions, message in (
        ([0, 1], [0], "targets have shape"),
        ([0, 2], [0, 1], "targets go from 0 to 2; expected 0 to 1"),
        ([0, 1], [0, -1], "predictions go from -1 to 0"),
        ([], [], "no rows"),
    ):
        with pytest.raises(InputError, match=message):
            plot_confusion(np.array(targets, int), np.array(predictions, int), ["a", "b"], tmp_path / "c.png")
    assert not list(tmp_path.iterdir())
