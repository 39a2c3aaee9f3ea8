"""What `keras-bert export --measure` prints: each task scored by its answers, beside float32."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.scripts.measured_export import measure
from keras_bert.tasks import BertMultipleChoice
from keras_bert.tasks.pooled.head import MULTI_LABEL
from tests.scripts.programs import run_program
from tests.tasks import tiny, tiny_questions, tiny_tags

CHOICES = [{"text": b"good film", "choices": np.array([b"bad", b"book", b""]), "label": 1}] * 3


def texts_with(labels: Any, pairs: bool = False) -> list[dict[str, Any]]:
    rows = [{"text": text.encode(), "label": label} for text, label in zip(tiny.TEXTS, labels, strict=True)]
    return [{**row, "text_pair": pair.encode()} for row, pair in zip(rows, tiny.PAIRS, strict=True)] if pairs else rows


# How a task is made, its rows, the name of its score, and how it is compared with float32.
CASES: dict[str, tuple[Any, Any, str, str]] = {
    "regressor": (tiny.regressor, lambda: texts_with(np.arange(8.0)), "spearman", "difference from float32"),
    "several labels": (
        lambda: tiny.classifier(problem_type=MULTI_LABEL, text_pair=True),
        lambda: texts_with([np.array([label.encode()]) for label in tiny.LABELS], pairs=True),
        "accuracy",
        "agreement with float32",
    ),
    "choices": (lambda: tiny.make(BertMultipleChoice), lambda: CHOICES, "accuracy", "agreement with float32"),
    "embedder": (tiny.embedder, lambda: texts_with(np.arange(8.0), True), "spearman", "cosine with float32"),
    "tagger": (
        tiny_tags.tagger,
        lambda: list(tiny_tags.rows().as_numpy_iterator()),
        "f1",
        "agreement with float32",
    ),
    "answerer": (
        tiny_questions.answerer,
        lambda: list(tiny_questions.rows().as_numpy_iterator()),
        "f1",
        "agreement with float32",
    ),
}


def untimed(*_: Any) -> dict[str, str]:
    return {"a text, one thread": "1.00 ms"}


@pytest.mark.parametrize("name", CASES)
def test_every_task_is_scored_by_its_answers(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make, rows, score, compared = CASES[name]
    task, rows = make(), rows()
    task.export(tmp_path / "out", format="litert")
    monkeypatch.setattr("keras_bert.scripts.measured_export._timed", untimed)
    facts = measure(task, tmp_path / "out", rows, "float32")
    assert facts["rows"] == str(len(rows))
    found, expected = facts[score].split(", float32 ")
    assert found == expected
    if name in ("tagger", "answerer", "embedder"):
        assert float(found) == pytest.approx(task.evaluate_rows(_dataset(name))[score], abs=1e-3)
    assert (
        facts[compared]
        == {
            "cosine with float32": "mean 1.0000, least 1.0000",
            "difference from float32": "mean 0.0000, most 0.0000",
            "agreement with float32": "100.00 %",
        }[compared]
    )


def _dataset(name: str) -> Any:
    if name == "embedder":
        return tiny.dataset(np.arange(8.0, dtype="float32"), tiny.PAIRS)
    return tiny_tags.rows() if name == "tagger" else tiny_questions.rows()


def test_size_time_and_memory_are_those_of_a_process_of_its_own(tmp_path: Path):
    task = tiny.classifier()
    task.export(tmp_path / "out", format="litert", dtype="int8")
    facts = measure(task, tmp_path / "out", texts_with([label.encode() for label in tiny.LABELS]), "int8")
    assert list(facts) == [
        *("format", "file", "numbers", "size", "import of packages", "load and first answer", "resident memory"),
        *("a text, one thread", "texts a second, one thread", "rows", "accuracy", "agreement with float32"),
    ]
    assert (facts["format"], facts["file"], facts["numbers"]) == ("litert", "model.tflite", "int8")
    assert 10 < float(facts["resident memory"].removesuffix(" MiB")) < 200


@pytest.mark.slow
@pytest.mark.parametrize("name", ["regressor", "embedder", "tagger", "answerer"])
def test_a_saved_model_is_asked_itself(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make, rows, score, compared = CASES[name]
    task, other = make(), make()
    other.set_weights([weight * 0.5 for weight in other.get_weights()])
    other.export(tmp_path / "out")
    monkeypatch.setattr("keras_bert.scripts.measured_export._timed", untimed)
    facts = measure(task, tmp_path / "out", rows(), "float32")
    found, expected = facts[score].split(", float32 ")
    assert (found, facts[compared]) != (expected, "100.00 %")


def test_no_rows_are_one_line(tmp_path: Path):
    with pytest.raises(InputError, match="--measure: there are no rows"):
        measure(tiny.classifier(), tmp_path, [], "float32")


@pytest.mark.slow
@pytest.mark.parametrize("format", ["litert", "saved_model"])
def test_the_program_prints_and_the_card_keeps_what_is_measured(format: str, pair_classifier: Path, tmp_path: Path):
    rows = tmp_path / "rows.tsv"
    labels = ["no", "yes"] * 4
    lines = [f"{text}\t{pair}\t{label}" for text, pair, label in zip(tiny.TEXTS, tiny.PAIRS, labels, strict=True)]
    rows.write_text("\n".join(["text\ttext_pair\tlabel", *lines]) + "\n")
    flags = [f"--model={pair_classifier}", f"--output={tmp_path}/out", f"--format={format}", f"--measure={rows}"]
    done = run_program("export", *flags, "--text_pair=text_pair")
    assert done.status == 0, done.stderr
    card = (tmp_path / "out" / "README.md").read_text()
    printed = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    for name in ("size", "load and first answer", "resident memory", "accuracy", "agreement with float32"):
        assert f"| {name} | {printed[name]} |" in card
