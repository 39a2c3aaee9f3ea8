"""A trained head is found by its tensor, whatever the config says or leaves out, and taken unless it is another one.

The folders are written by hand, as transformers, Google and others leave them; the logits are worked out beside.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_bert.checkpoints import open_checkpoint
from keras_bert.errors import InputError
from keras_bert.tasks import (
    BertClassifier,
    BertMultipleChoice,
    BertQuestionAnswerer,
    BertRegressor,
    BertTokenClassifier,
    open_task,
)
from keras_bert.tasks.base.labels import label_list
from tests.checkpoints import small
from tests.checkpoints.small import CONFIG

NEW = ("classifier.weight", "classifier.bias")
TEXTS = ["a b c", "d e", "f"]


def head(rows: int, name: str = "classifier", seed: int = 1) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {
        f"{name}.weight": generator.normal(size=(rows, CONFIG.hidden_size)).astype("float32"),
        f"{name}.bias": generator.normal(size=rows).astype("float32"),
    }


def folder(path: Path, rows: int = 2, name: str = "classifier", pooler: bool = True, **fields: Any) -> Path:
    """A folder of transformers with a head; `fields` are those of its config.json beside the architecture's."""
    tensors = small.tensors() | head(rows, name)
    if not pooler:
        tensors = {name: value for name, value in tensors.items() if "pooler" not in name}
    return small.write_hugging_face(path / "model", tensors, **fields)


def logits_of(model: Any) -> np.ndarray:
    return model(model.preprocessor(TEXTS)).numpy()


def expected_logits(model: Any, rows: int) -> np.ndarray:
    """By the formula: pooled output times the head's rows as they stand in the file."""
    pooled = model.encoder(model.preprocessor(TEXTS))["pooled_output"].numpy()
    return pooled @ head(rows)["classifier.weight"].T + head(rows)["classifier.bias"]


# -- heads that are there ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "fields"),
    [
        (2, {"architectures": ["BertForSequenceClassification"]}),  # transformers writes no id2label for two classes
        (2, {}),
        (2, {"architectures": None}),
        (2, {"architectures": ["BertModel"]}),
        (2, {"architectures": ["BertForSentiment"]}),
        (3, {"id2label": {"0": "neg", "1": "pos"}, "architectures": ["BertForSequenceClassification"]}),
        (3, {"id2label": {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}}),
    ],
)
@pytest.mark.parametrize("prefix", ["", "LABEL_"])
def test_a_head_without_names_is_taken_for_labels_as_many(rows: int, fields: dict, prefix: str, tmp_path: Path):
    path = folder(tmp_path, rows, **fields)
    model = open_task(path)
    assert type(model) is BertClassifier
    assert model.labels == tuple(f"LABEL_{index}" for index in range(rows))
    assert model.load_report.new == ()
    np.testing.assert_allclose(logits_of(model), expected_logits(model, rows), atol=1e-5)
    labels = [f"{prefix}{index}" for index in range(rows)] if prefix else ["neg", "pos", "other"][:rows]
    named = BertClassifier.from_preset(path, labels=labels)
    assert (named.labels, named.load_report.new) == (tuple(labels), ())
    np.testing.assert_array_equal(logits_of(named), logits_of(model))


def test_a_config_whose_names_are_too_few_is_named(tmp_path: Path):
    model = open_task(folder(tmp_path, 3, id2label={"0": "neg", "1": "pos"}))
    (note,) = [note for note in model.load_report.notes if "id2label" in note]
    assert note == "id2label in config.json names 2 labels, the head has 3 outputs: they are called LABEL_0 to LABEL_2"


@pytest.mark.parametrize("id2label", [["neg", "pos"], {"1": "pos", "0": "neg"}])
def test_names_of_other_layouts_are_understood(id2label: Any, tmp_path: Path):
    assert open_task(folder(tmp_path, id2label=id2label)).labels == ("neg", "pos")


def test_names_that_cannot_be_understood_are_refused(tmp_path: Path):
    path = folder(tmp_path, id2label={"first": "neg", "second": "pos"})
    with pytest.raises(InputError, match=r"model: id2label in config.json must number the labels from 0"):
        open_task(path)
    assert open_checkpoint(path).config == CONFIG  # for its encoder it opens


def test_the_same_labels_in_another_order_permute_the_rows(tmp_path: Path):
    path = folder(tmp_path, 3, id2label={"0": "neg", "1": "so", "2": "pos"})
    model, again = open_task(path), BertClassifier.from_preset(path, labels=["pos", "neg", "so"])
    assert (again.labels, again.load_report.new) == (("pos", "neg", "so"), ())
    np.testing.assert_allclose(logits_of(again), logits_of(model)[:, [2, 0, 1]], atol=1e-6)
    assert [answer["label"] for answer in again.answer(TEXTS)] == [answer["label"] for answer in model.answer(TEXTS)]


@pytest.mark.parametrize(("rows", "labels"), [(2, ["bad", "good"]), (2, ["a", "b", "c"]), (3, ["neg", "pos"])])
def test_other_classes_start_a_new_head_with_a_warning_that_says_both(
    rows: int, labels: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    names = ["neg", "pos", "so"][:rows]
    path = folder(tmp_path, rows, id2label={str(index): name for index, name in enumerate(names)})
    model = BertClassifier.from_preset(path, labels=labels)
    assert model.load_report.new == NEW
    (warning,) = [record for record in caplog.records if "a new one starts" in record.message]
    assert warning.levelname == "WARNING"
    for said in (f"{rows} outputs: {', '.join(names)}", f"{len(labels)} labels: {', '.join(labels)}"):
        assert said in warning.message


def test_an_encoder_alone_starts_a_head_without_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = small.write_hugging_face(tmp_path / "model", small.tensors())
    assert BertClassifier.from_preset(path, labels=["a", "b"]).load_report.new == NEW
    assert not [record for record in caplog.records if "a new one starts" in record.message]
    with pytest.raises(InputError, match="model: no trained head there, only an encoder"):
        open_task(path)


def test_labels_that_are_no_list_are_refused(tmp_path: Path):
    path = folder(tmp_path)
    for labels, message in (
        ({"neg", "pos"}, "labels is a set, which has no order"),
        (frozenset({"neg", "pos"}), "labels is a set, which has no order"),
        ("neg", r"labels is one string, 'neg'; pass a list, labels=\['neg', ...\]"),
        ({"neg": 0, "pos": 1}, "labels is dict; pass a list"),
        (2, "labels is int; pass a list"),
    ):
        for cls in (BertClassifier, BertTokenClassifier):
            with pytest.raises(InputError, match=message):
                cls.from_preset(path, labels=labels)
    assert label_list(np.array([0, 1])) == ["0", "1"]
    assert label_list((b"\xc3\xbc", "b")) == ["ü", "b"]


# -- the other tasks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "cls"),
    [
        ({"rows": 5, "pooler": False}, BertTokenClassifier),  # transformers' class for tokens has no pooler
        ({"rows": 3, "id2label": {"0": "O", "1": "B-PER", "2": "I-PER"}}, BertTokenClassifier),
        ({"rows": 3, "architectures": ["BertForTokenClassification"]}, BertTokenClassifier),
        ({"rows": 1}, BertMultipleChoice),  # it keeps the default of two labels, which is not written
        ({"rows": 1, "architectures": ["BertForMultipleChoice"]}, BertMultipleChoice),
        ({"rows": 1, "id2label": {"0": "LABEL_0"}}, BertRegressor),
        ({"rows": 1, "problem_type": "single_label_classification"}, BertRegressor),
        ({"rows": 2, "problem_type": "something"}, BertClassifier),
        ({"rows": 2, "name": "qa_outputs", "pooler": False}, BertQuestionAnswerer),
        ({"rows": 2, "name": "qa_outputs", "architectures": ["BertForTokenClassification"]}, BertQuestionAnswerer),
    ],
)
def test_the_tensors_tell_the_task_where_the_config_does_not(options: dict[str, Any], cls: type, tmp_path: Path):
    path = folder(tmp_path, **options)
    model = open_task(path)
    assert type(model) is cls
    assert model.load_report.new == ()
    model = cls.from_preset(path)
    assert model.load_report.new == ()


@pytest.mark.parametrize("cls", [BertTokenClassifier, BertMultipleChoice, BertRegressor])
def test_the_caller_says_which_task_a_head_is_of_where_nothing_does(cls: type, tmp_path: Path):
    path = folder(tmp_path, 3 if cls is BertTokenClassifier else 1)
    options = {"labels": ["O", "B-PER", "I-PER"]} if cls is BertTokenClassifier else {}
    model = cls.from_preset(path, **options)
    assert model.load_report.new == ()
    rows = head(model.classifier.bias.shape[0])["classifier.weight"]
    np.testing.assert_array_equal(model.classifier.kernel.numpy(), rows.T)


def test_tags_in_another_order_permute_the_rows(tmp_path: Path):
    names = ["O", "B-PER", "I-PER"]
    path = folder(tmp_path, 3, pooler=False, id2label=dict(enumerate(names)))
    model, again = (BertTokenClassifier.from_preset(path, labels=labels) for labels in (None, names[::-1]))
    np.testing.assert_array_equal(again.classifier.kernel.numpy(), model.classifier.kernel.numpy()[:, ::-1])
    found = [[(entity["text"], entity["label"]) for entity in text] for text in again.answer(TEXTS)]
    assert found == [[(entity["text"], entity["label"]) for entity in text] for text in model.answer(TEXTS)]


@pytest.mark.parametrize(
    ("architecture", "cls", "options"),
    [
        ("BertForTokenClassification", BertClassifier, {"labels": ["a", "b"]}),
        ("BertForSequenceClassification", BertTokenClassifier, {"labels": ["a", "b"]}),
        ("BertForSequenceClassification", BertMultipleChoice, {}),
        ("BertForSequenceClassification", BertRegressor, {}),
    ],
)
def test_a_head_that_the_config_says_is_of_another_task_is_left_with_a_warning(
    architecture: str, cls: type, options: dict, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    model = cls.from_preset(folder(tmp_path, architectures=[architecture]), **options)
    assert model.load_report.new == NEW
    assert f"it is {architecture} with 2 outputs: LABEL_0, LABEL_1" in caplog.text


def test_a_head_of_google_is_taken_by_whatever_task_its_program_was(tmp_path: Path):
    values = head(2)
    small.write_google(tmp_path / "google", small.tensors())
    write_google_head(tmp_path / "google", values)
    model = open_task(tmp_path / "google")
    assert (type(model), model.labels) == (BertClassifier, ("LABEL_0", "LABEL_1"))
    for cls in (BertClassifier, BertTokenClassifier):
        model = cls.from_preset(tmp_path / "google", labels=["neg", "pos"])
        assert model.load_report.new == ()
        np.testing.assert_array_equal(model.classifier.kernel.numpy(), values["classifier.weight"].T)


def write_google_head(path: Path, values: dict[str, np.ndarray]) -> None:
    """Adds `output_weights` and `output_bias`, as run_classifier.py calls its head, to a checkpoint."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(path / "bert_model.ckpt"))
    stored = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    stored |= {"output_weights": values["classifier.weight"], "output_bias": values["classifier.bias"]}
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = {name: tf.compat.v1.Variable(value, name=name) for name, value in stored.items()}
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver(variables).save(session, str(path / "bert_model.ckpt"), write_meta_graph=False)


# -- cross-encoders ------------------------------------------------------------------------------------------

SIGMOID, IDENTITY = "torch.nn.modules.activation.Sigmoid", "torch.nn.modules.linear.Identity"


@pytest.mark.parametrize(
    ("fields", "activation"),
    [
        ({"sentence_transformers": {"activation_fn": SIGMOID}}, "sigmoid"),
        ({"sentence_transformers": {"activation_fn": IDENTITY}}, "linear"),
        ({"sentence_transformers": {"version": "5.0.0"}}, "sigmoid"),  # the library's default for one output
        ({"sbert_ce_default_activation_function": SIGMOID}, "sigmoid"),
        ({"sbert_ce_default_activation_function": IDENTITY}, "linear"),
    ],
)
def test_a_cross_encoder_takes_pairs_and_has_its_activation(fields: dict, activation: str, tmp_path: Path):
    path = folder(tmp_path, 1, id2label={"0": "LABEL_0"}, architectures=["BertForSequenceClassification"], **fields)
    model = open_task(path)
    assert (type(model), model.text_pair, model.activation) == (BertRegressor, True, activation)
    inputs = model.preprocessor(TEXTS, TEXTS[::-1])
    pooled = model.encoder(inputs)["pooled_output"].numpy()
    raw = (pooled @ head(1)["classifier.weight"].T + head(1)["classifier.bias"])[:, 0]
    expected = raw if activation == "linear" else 1 / (1 + np.exp(-raw))
    pairs = list(zip(TEXTS, TEXTS[::-1], strict=True))
    assert [answer["score"] for answer in model.answer(pairs)] == pytest.approx(expected.tolist(), abs=1e-5)
    model.save_preset(tmp_path / "again")
    again = open_task(tmp_path / "again")
    assert (again.text_pair, again.activation) == (True, activation)
    assert again.answer(pairs) == model.answer(pairs)


def test_an_activation_that_is_not_known_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    fields = {"sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Tanh"}}
    assert open_task(folder(tmp_path, 1, id2label={"0": "LABEL_0"}, **fields)).activation == "linear"
    assert "activation_fn of its config.json, Tanh, is not applied" in caplog.text


def test_a_cross_encoder_of_several_outputs_with_a_sigmoid_gives_each_its_own_probability(tmp_path: Path):
    fields = {"sentence_transformers": {"activation_fn": SIGMOID}}
    model = open_task(folder(tmp_path, 3, **fields))
    assert (model.problem_type, model.text_pair) == ("multi_label_classification", True)
