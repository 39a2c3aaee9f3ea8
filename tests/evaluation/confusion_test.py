"""The confusion matrix counted by hand; in the picture the numbers stand where they belong."""

import time

import matplotlib.figure
import matplotlib.image
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from keras_bert.errors import InputError
from keras_bert.evaluation import confusion_matrix, plot_confusion
from keras_bert.evaluation.confusion import MOST_CLASSES

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
    shares = axes.collections[0].get_array().reshape(3, 3)
    np.testing.assert_allclose(shares.filled(-1), [[1 / 3, 2 / 3, -1], [-1, 0.5, 0.5], [-1, -1, -1]])
    assert axes.yaxis_inverted(), "the first class is at the top"
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("true class", "answer")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "never"]
    assert "5 rows, accuracy 0.400" in figures[0].get_suptitle()


@pytest.mark.parametrize("classes", [2, 7, 150])
def test_picture(tmp_path, figures, classes):
    generator = np.random.default_rng(0)
    targets = generator.integers(0, classes, 300)
    predictions = np.where(generator.random(300) < 0.8, targets, generator.integers(0, classes, 300))
    plot_confusion(targets, predictions, [f"class {index}" for index in range(classes)], tmp_path / "confusion.png")
    picture = matplotlib.image.imread(tmp_path / "confusion.png")
    assert min(picture.shape[:2]) >= 400
    assert np.ptp(picture[..., :3]) > 0.5, "not blank"
    counts = confusion_matrix(targets, predictions, classes)
    assert len(figures[0].axes[0].texts) == np.count_nonzero(counts), "a number in every cell that is not empty"
    # Nothing stands outside of the picture, and no label on its neighbour.
    renderer = FigureCanvasAgg(figures[0]).get_renderer()
    for labels, side in ((figures[0].axes[0].get_yticklabels(), "y0"), (figures[0].axes[0].get_xticklabels(), "x0")):
        boxes = [label.get_window_extent(renderer) for label in labels]
        assert min(min(box.x0, box.y0) for box in boxes) >= 0
        if classes == 150:
            starts = sorted(getattr(box, side) for box in boxes)
            assert min(np.diff(starts)) >= min(getattr(box, "height" if side == "y0" else "width") for box in boxes)


def test_empty_cells_are_white_and_rare_ones_are_not(tmp_path, figures):
    targets = np.r_[np.zeros(1000, int), 1, 2]
    predictions = np.r_[np.zeros(999, int), 1, 1, 2]
    plot_confusion(targets, predictions, ["a", "b", "c"], tmp_path / "confusion.png")
    picture = matplotlib.image.imread(tmp_path / "confusion.png")
    axes = figures[0].axes[0]
    colours = {}
    for row in range(3):
        for column in range(3):
            # Beside the middle, where the number stands.
            x, y = axes.transData.transform((column + 0.4, row + 0.4)) * 120 / figures[0].dpi
            colours[row, column] = picture[int(picture.shape[0] - y), int(x), :3]
    counts = confusion_matrix(targets, predictions, 3)
    assert {place for place, colour in colours.items() if colour.min() == 1} == set(
        zip(*np.nonzero(counts == 0), strict=True)
    )
    assert colours[0, 1].min() < 0.9, "one row of a thousand"


def test_of_many_classes_those_that_are_confused_are_drawn(tmp_path, figures):
    """Class 1,999 is confused with 3; the rest is right, but for what is beyond the picture."""
    targets = np.r_[np.arange(2000), np.full(5, 1999), np.arange(300, 500)]
    predictions = np.r_[np.arange(2000), np.full(5, 3), np.arange(301, 501)]
    began = time.process_time()
    plot_confusion(targets, predictions, [f"label {number}" for number in range(2000)], tmp_path / "confusion.png")
    assert time.process_time() - began < 8
    axes = figures[0].axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert len(names) == MOST_CLASSES
    assert [names[0], *names[-2:]] == ["label 3", "label 1999", "all other 1,851"]
    found = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts}
    assert found[names.index("label 1999"), 0] == "5"
    assert sum(map(int, found.values())) == len(targets)
    assert "the 149 of 2,000 classes with the most errors" in figures[0].get_suptitle()


def test_labels_of_any_kind(tmp_path, figures):
    labels = ["a very long label of many words, as they come", "$x", "two\nlines \x1b[1m", "a_b^c", "$\\alpha$"]
    plot_confusion(np.arange(5), np.arange(5), labels, tmp_path / "confusion.png")
    names = [label.get_text() for label in figures[0].axes[0].get_xticklabels()]
    assert names == ["a very long label of many wor…", "$x", r"two\nlines \x1b[1m", "a_b^c", "$\\alpha$"]
    assert not any(label.get_parse_math() for label in figures[0].axes[0].get_xticklabels()), "no formulas"


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
