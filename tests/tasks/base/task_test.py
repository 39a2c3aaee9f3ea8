"""`.keras` files of tasks."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier, BertTask
from keras_bert.tasks.pooled.head import MULTI_LABEL
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from keras_bert.training import AdamW, adamw
from tests.forked_process import run_python
from tests.tasks import tiny

# -- .keras files --------------------------------------------------------------------------------------------


def unusual_preprocessor() -> BertPreprocessor:
    tokenizer = BertTokenizer(
        [*tiny.VOCABULARY[:-1], "Good"], lowercase=False, strip_accents=True, special_tokens_in_text=True
    )
    return BertPreprocessor(
        tokenizer, max_length=20, truncation="only_first", pad_to_multiple_of=4, padding="max_length"
    )


def unusual(name: str) -> BertTask:
    """Makes a task with every argument non-default."""
    options: dict[str, Any] = {"preprocessor": unusual_preprocessor(), "text_pair": True, "name": "unusual"}
    options["config"] = tiny.config(
        norm_first=True, position_embedding_type="sinusoidal", hidden_act="gelu_new", classifier_dropout=0.3
    )
    if name == "regressor":
        return tiny.regressor(pooling="mean", activation="sigmoid", **options)
    if name == "classifier":
        options |= {"class_weights": {"a": 3.0}, "abstain_below": 0.6}
        return tiny.classifier(
            ["b", "a"], pooling="max", label_smoothing=0.1, threshold=0.3, temperature=1.5, **options
        )
    options |= {"problem_type": MULTI_LABEL, "temperature": 0.7}
    return tiny.classifier(["b", "a"], pooling="cls", label_smoothing=0.1, threshold=0.3, **options)


QUESTIONS = [("Good film [MASK]", "bäd"), ("the food was cold and dull " * 5, "fine film"), ("", "")]

LOAD = """
import json, sys
import keras, keras_bert.tasks
results = []
for path in sys.argv[1:]:
    model = keras.saving.load_model(path)
    questions = [("Good film [MASK]", "b\\u00e4d"), ("the food was cold and dull " * 5, "fine film"), ("", "")]
    results.append([model.answer(questions), model.get_config()])
print(json.dumps(results, sort_keys=True))
"""


@pytest.mark.slow
def test_keras_files_load_in_a_process_that_imports_the_tasks_only(tmp_path: Path):
    models = [unusual(name) for name in ("classifier", "tagger", "regressor")]
    paths = [tmp_path / f"{index}.keras" for index in range(len(models))]
    for model, path in zip(models, paths, strict=True):
        model.save(path)
    loaded = json.loads(run_python(LOAD, *paths))
    for model, (answers, config) in zip(models, loaded, strict=True):
        assert config == json.loads(json.dumps(model.get_config(), sort_keys=True))
        for answer, expected in zip(answers, model.answer(QUESTIONS), strict=True):
            assert answer.keys() == expected.keys()
            assert answer.get("label") == expected.get("label")
            assert answer.get("labels") == expected.get("labels")
            assert answer.get("score") == pytest.approx(expected.get("score"), abs=1e-6)
            assert answer.get("scores") == pytest.approx(expected.get("scores"), abs=1e-6)


@pytest.mark.parametrize("name", ["classifier", "tagger", "regressor"])
def test_the_config_holds_every_argument(name: str):
    """The defaults of the constructor play no part in what comes back."""
    import inspect

    model = unusual(name)
    config = model.get_config()
    arguments = [name for name in inspect.signature(type(model).__init__).parameters if name not in ("self", "kwargs")]
    assert set(config) == {*arguments, "frozen", "name", "trainable"}
    again = type(model).from_config(json.loads(json.dumps(config)))
    assert json.loads(json.dumps(again.get_config())) == json.loads(json.dumps(config))
    defaults = inspect.signature(type(model).__init__).parameters
    for argument in arguments[2:]:
        one_of_them = {("classifier", "problem_type"), ("tagger", "class_weights"), ("tagger", "abstain_below")}
        # Windows are read by a preprocessor of their own, see long_texts_test.py.
        if (name, argument) not in one_of_them and argument != "window_pooling":
            assert getattr(again, argument) != defaults[argument].default, argument
            assert getattr(again, argument) == getattr(model, argument)


def test_a_compiled_model_comes_back_compiled_with_its_optimizer(tmp_path: Path):
    model = tiny.classifier(config=tiny.without_dropout(), class_weights={"neutral": 2.0}, label_smoothing=0.1)
    model.compile(adamw(1e-2, steps=8, layer_decay=0.9, num_hidden_layers=1))
    batches = model.batches(tiny.dataset(tiny.LABELS), batch_size=4)
    model.fit(batches, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(again.optimizer, AdamW)
    assert int(again.optimizer.iterations) == 4
    expected = model.fit(batches, epochs=2, verbose=0).history["loss"]
    actual = again.fit(again.batches(tiny.dataset(tiny.LABELS), batch_size=4), epochs=2, verbose=0).history["loss"]
    np.testing.assert_allclose(actual, expected, rtol=1e-5)


def test_the_parts_of_keras_files_are_checked_when_they_load(tmp_path: Path):
    model = tiny.classifier()
    config = model.get_config()
    config["labels"] = ["one"]
    with pytest.raises(InputError, match="at least 2"):
        BertClassifier.from_config(config)
