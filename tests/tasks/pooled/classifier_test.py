"""Classification: rows, head, loss, scores and answers, each against numbers worked out beside it."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier
from keras_bert.tasks.pooled.head import MULTI_LABEL
from keras_bert.training import adamw
from tests.tasks import tiny

TAGS = [["good"], [], ["bad", "food"], ["food"], ["bad"], [], ["good", "bad", "food"], ["food", "good"]]
MULTI_HOT = np.array([[tag in tags for tag in ("bad", "food", "good")] for tags in TAGS], "float32")
CLASSES = np.array([sorted(set(tiny.LABELS)).index(label) for label in tiny.LABELS])


def tagger(**options: Any) -> BertClassifier:
    return tiny.classifier(("bad", "food", "good"), problem_type=MULTI_LABEL, **options)


@pytest.fixture(scope="module")
def single() -> BertClassifier:
    """For tests that only ask it."""
    return tiny.classifier()


@pytest.fixture(scope="module")
def several() -> BertClassifier:
    """For tests that only ask it."""
    return tagger(threshold=0.45)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits.astype("float64")
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


def logits_of(model: BertClassifier, texts: list[str] = tiny.TEXTS) -> np.ndarray:
    return model(model.preprocessor(texts)).numpy()


def compiled_loss(model: BertClassifier, rows: tf.data.Dataset) -> float:
    """The loss as `fit` takes it, of all rows in one batch."""
    model.compile()
    inputs, targets, *weights = next(iter(model.batches(rows, batch_size=8)))
    return float(model.compute_loss(inputs, targets, model(inputs), *weights))


# -- rows ----------------------------------------------------------------------------------------------------


def test_features_are_packed_texts_and_class_numbers(single: BertClassifier):
    inputs, targets = single.features({"text": tf.constant(tiny.TEXTS), "label": tf.constant(tiny.LABELS)})
    expected = single.preprocessor.pack(tiny.TEXTS)
    assert {name: rows.to_list() for name, rows in inputs.items()} == {
        name: rows.to_list() for name, rows in expected.items()
    }
    assert (targets.dtype, targets.numpy().tolist()) == (tf.int32, CLASSES.tolist())


def test_features_of_rows_without_label_are_inputs_only(single: BertClassifier):
    assert len(single.features({"text": tf.constant(["good"])})) == 1


def test_the_second_text_is_segment_one():
    model = tiny.classifier(text_pair=True)
    (inputs,) = model.features({"text": tf.constant(["good film"]), "text_pair": tf.constant(["bad"])})
    words = [tiny.VOCABULARY[index] for index in inputs["token_ids"][0].numpy()]
    assert words == ["[CLS]", "good", "film", "[SEP]", "bad", "[SEP]"]
    assert inputs["segment_ids"][0].numpy().tolist() == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("text_pair", "names", "message"),
    [
        (True, ["text"], r"takes text and text_pair \(text_pair=True\), the rows have text$"),
        (False, ["text", "text_pair"], r"takes text \(text_pair=False\), the rows have text and text_pair$"),
        (False, ["sentence"], "the rows have neither text nor text_pair"),
    ],
)
def test_rows_with_other_fields_are_refused(text_pair: bool, names: list[str], message: str):
    with pytest.raises(InputError, match=message):
        tiny.classifier(text_pair=text_pair).features({name: tf.constant(["good"]) for name in names})


@pytest.mark.parametrize("make", [tiny.classifier, tagger])
def test_an_unknown_label_stops_the_rows_and_is_named(make: Any):
    model = make()
    known = model.labels[0]
    labels = [[known], ["strange"]] if model.problem_type == MULTI_LABEL else [known, "strange"]
    rows = tiny.dataset(labels, texts=["good", "bad"])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"unknown label:.*strange.*the labels are: " + known):
        list(model.batches(rows))


def test_targets_of_several_labels_are_zeros_and_ones(several: BertClassifier):
    """A row may have no label, also the last one."""
    (targets,) = several.targets(tf.ragged.constant([*TAGS, []]))
    assert targets.dtype == tf.float32
    np.testing.assert_array_equal(targets, [*MULTI_HOT.tolist(), [0, 0, 0]])


def test_a_batch_without_any_label_has_zeros_for_targets(several: BertClassifier):
    (targets,) = several.targets(tf.RaggedTensor.from_row_splits(tf.constant([], tf.string), [0, 0, 0]))
    np.testing.assert_array_equal(targets, np.zeros((2, 3)))


def test_a_label_given_twice_counts_once_and_rows_of_one_length_need_not_be_ragged(several: BertClassifier):
    (targets,) = several.targets(tf.constant([["bad", "bad"], ["good", "food"]]))
    np.testing.assert_array_equal(targets, [[1, 0, 0], [0, 1, 1]])


@pytest.mark.parametrize("shuffle", [False, True])
def test_targets_stay_with_their_texts_through_the_batches(several: BertClassifier, shuffle: bool):
    words = {bytes(text, "utf-8"): row for text, row in zip(tiny.TEXTS, MULTI_HOT.tolist(), strict=True)}
    seen = 0
    for inputs, targets in several.batches(tiny.dataset(TAGS), batch_size=3, shuffle=shuffle):
        for ids, target in zip(inputs["token_ids"], targets.numpy().tolist(), strict=True):
            expected = next(
                row
                for text, row in words.items()
                if several.preprocessor.pack([text])["token_ids"][0].numpy().tolist() == ids[ids > 0].numpy().tolist()
            )
            assert target == expected
            seen += 1
    assert seen == len(tiny.TEXTS)


# -- loss ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_is_the_weighted_mean_cross_entropy(smoothing: float):
    weights = {"negative": 3.0, "positive": 0.5}
    model = tiny.classifier(class_weights=weights, label_smoothing=smoothing)
    loss = compiled_loss(model, tiny.dataset(tiny.LABELS))
    row_weights = np.array([weights.get(label, 1.0) for label in tiny.LABELS])
    targets = (1 - smoothing) * np.eye(3)[CLASSES] + smoothing / 3
    row_losses = -(targets * log_softmax(logits_of(model))).sum(1)
    assert loss == pytest.approx((row_weights * row_losses).sum() / row_weights.sum(), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_of_several_labels_is_the_mean_binary_cross_entropy(smoothing: float):
    model = tagger(label_smoothing=smoothing)
    loss = compiled_loss(model, tiny.dataset(TAGS))
    p = 1 / (1 + np.exp(-logits_of(model).astype("float64")))
    targets = (1 - smoothing) * MULTI_HOT + smoothing / 2
    assert loss == pytest.approx(-(targets * np.log(p) + (1 - targets) * np.log(1 - p)).mean(), rel=1e-5)


def test_sixteen_rows_are_learned_by_heart():
    model = tiny.classifier(config=tiny.without_dropout())
    rows = tiny.dataset(tiny.LABELS * 2, texts=[*tiny.TEXTS, *(f"{text} book" for text in tiny.TEXTS)])
    model.compile(adamw(1e-2, steps=40))
    model.fit(model.batches(rows, batch_size=8).cache().repeat(20), verbose=0)
    assert model.evaluate_rows(rows)["accuracy"] == 1.0
    assert [answer["label"] for answer in model.answer(tiny.TEXTS)] == tiny.LABELS


def test_several_labels_are_learned_by_heart():
    model = tagger(config=tiny.without_dropout())
    model.compile(adamw(1e-2, steps=60))
    rows = tiny.dataset(TAGS)
    model.fit(model.batches(rows, batch_size=4).cache().repeat(30), verbose=0)
    assert model.evaluate_rows(rows)["accuracy"] == 1.0
    assert model.evaluate(model.batches(rows), return_dict=True, verbose=0)["accuracy"] == 1.0
    assert [sorted(answer["labels"]) for answer in model.answer(tiny.TEXTS)] == [sorted(tags) for tags in TAGS]


# -- answers -------------------------------------------------------------------------------------------------


def test_an_answer_is_the_likeliest_class_and_its_probability(single: BertClassifier):
    probabilities = np.exp(log_softmax(logits_of(single)))
    for answer, row in zip(single.answer(tiny.TEXTS), probabilities, strict=True):
        assert answer["label"] == single.labels[row.argmax()]
        assert answer["score"] == pytest.approx(row.max(), abs=1e-6)
        assert set(answer) == {"label", "score"}


def test_with_several_labels_an_answer_has_those_over_the_threshold_the_likeliest_first(several: BertClassifier):
    sigmoids = 1 / (1 + np.exp(-logits_of(several)))
    counts = set()
    for answer, row in zip(several.answer(tiny.TEXTS), sigmoids, strict=True):
        assert answer["labels"] == [several.labels[index] for index in np.argsort(-row) if row[index] >= 0.45]
        assert list(answer["scores"]) == list(several.labels)
        np.testing.assert_allclose(list(answer["scores"].values()), row, atol=1e-6)
        counts.add(len(answer["labels"]))
    assert len(counts) > 1, "the test needs rows with more and with fewer labels"


def test_a_text_may_have_no_label_at_all():
    model = tagger(threshold=0.999)
    assert [answer["labels"] for answer in model.answer(["good", "bad"])] == [[], []]
    graph = model.answers(tf.constant([[-9.0, -8.0, -9.0], [9.0, -9.0, 8.0]]))
    assert graph["label"].numpy().tolist() == [b"food", b"bad"]
    assert graph["labels_padded"].numpy().tolist() == [[b"", b"", b""], [b"bad", b"good", b""]]
    assert (graph["count"].dtype, graph["count"].numpy().tolist()) == (tf.int32, [0, 2])


def test_labels_are_unicode_strings():
    model = tiny.classifier(("schlecht", "völlig gut 😀"))
    assert {answer["label"] for answer in model.answer(tiny.TEXTS)} <= set(model.labels)
    (targets,) = model.targets(tf.constant(["völlig gut 😀"]))
    assert targets.numpy().tolist() == [1]


# -- scores --------------------------------------------------------------------------------------------------


def test_scores_are_those_of_the_answers():
    model = tiny.classifier(("negative", "positive"), seed=5)
    truth = ["negative" if label == "neutral" else label for label in tiny.LABELS]
    scores = model.evaluate_rows(tiny.dataset(truth), batch_size=3)
    told = [answer["label"] for answer in model.answer(tiny.TEXTS)]
    hits = {(a, b): sum(pair == (a, b) for pair in zip(truth, told, strict=True)) for a in truth for b in truth}
    tp, tn = hits["positive", "positive"], hits["negative", "negative"]
    fn, fp = hits["positive", "negative"], hits["negative", "positive"]
    assert min(tp, tn, fn + fp) > 0, "the test needs hits and misses of both classes"
    assert scores["accuracy"] == pytest.approx((tp + tn) / 8)
    assert scores["f1"] == pytest.approx(2 * tp / (2 * tp + fp + fn))
    root = np.sqrt(float((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))
    assert scores["matthews"] == pytest.approx((tp * tn - fp * fn) / root)
    losses = -log_softmax(logits_of(model))[np.arange(8), [model.labels.index(label) for label in truth]]
    assert scores["loss"] == pytest.approx(losses.mean(), rel=1e-5)


def test_scores_of_several_labels_are_those_of_the_answers(several: BertClassifier):
    scores = several.evaluate_rows(tiny.dataset(TAGS), batch_size=3)
    told = [set(answer["labels"]) for answer in several.answer(tiny.TEXTS)]
    right = sum(a == set(b) for a, b in zip(told, TAGS, strict=True))
    tp = sum(len(a & set(b)) for a, b in zip(told, TAGS, strict=True))
    wrong = sum(len(a ^ set(b)) for a, b in zip(told, TAGS, strict=True))
    assert tp > 0
    assert scores["accuracy"] == pytest.approx(right / 8)
    assert scores["micro_f1"] == pytest.approx(2 * tp / (2 * tp + wrong))


def test_predicted_is_what_answers_say(single: BertClassifier, several: BertClassifier):
    labels = [single.labels[index] for index in single.predicted(logits_of(single))]
    assert labels == [answer["label"] for answer in single.answer(tiny.TEXTS)]
    counts = several.predicted(logits_of(several)).sum(1).tolist()
    assert counts == [len(answer["labels"]) for answer in several.answer(tiny.TEXTS)]


# -- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (["one"], {}, "at least 2, received: .'one'."),
        ([], {"problem_type": MULTI_LABEL}, "at least 1"),
        (["a", "b", "a"], {}, "'a' is there more than once"),
        (["a", "b"], {"problem_type": "regression"}, "problem_type must be .* received: 'regression'"),
        (["a", "b"], {"class_weights": {"c": 2.0}}, "class_weights: 'c' is none of the labels"),
        (["a", "b"], {"class_weights": {"a": 2.0}, "problem_type": MULTI_LABEL}, "class_weights weigh rows"),
        (["a", "b"], {"label_smoothing": 1.0}, "label_smoothing must be in"),
        (["a", "b"], {"threshold": 0.0}, "threshold is a probability"),
        (["a", "b"], {"threshold": 1.0}, "threshold is a probability"),
    ],
)
def test_impossible_arguments_are_refused(labels: list[str], options: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        tiny.classifier(labels, **options)


def test_all_scores_are_answered_on_request(single: BertClassifier):
    plain, scored = single.answer(tiny.TEXTS), single.answer(tiny.TEXTS, scores=True)
    probabilities = np.exp(log_softmax(logits_of(single)))
    for first, second, row in zip(plain, scored, probabilities, strict=True):
        assert first.keys() == {"label", "score"}
        assert list(second["scores"]) == list(single.labels)
        assert list(second["scores"].values()) == pytest.approx(row.tolist(), abs=1e-5)
        assert second["score"] == max(second["scores"].values())
        assert {name: second[name] for name in first} == pytest.approx(first, abs=1e-6)


def test_accuracy_of_several_labels_means_the_same_in_training_and_in_evaluation(several: BertClassifier):
    rows = tiny.dataset(TAGS)
    several.compile()
    shown = several.evaluate(several.batches(rows, batch_size=3), return_dict=True, verbose=0)
    assert shown["accuracy"] == pytest.approx(several.evaluate_rows(rows)["accuracy"])


def test_f1_of_two_classes_says_whose_it_is():
    model = tiny.classifier(("neg", "pos"))
    scores = model.scores(np.array([0, 0, 0, 1]), np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]))
    assert scores["f1_neg"] == pytest.approx(0.8)
    assert scores["f1"] == scores["f1_pos"] == pytest.approx(2 / 3)
