"""Folders as transformers writes them: the trained head is found, whatever their config.json leaves out.

transformers runs in a process of its own, of the Python that TORCH_PYTHON names, so that torch may be installed in
another environment than TensorFlow.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_bert.tasks import BertClassifier, BertMultipleChoice, BertTokenClassifier, open_task
from tests.scripts.programs import run_program
from tests.tasks import tiny

PEER = os.environ.get("TORCH_PYTHON", sys.executable)
TAGS = ["O", "B-PER", "I-PER"]
CHOICES = [["good food", "a bad film"], ["not so bad", "cold"]]

WRITE = """
import json, sys
import torch, transformers
folder, vocabulary, texts, pairs, choices, tags = json.loads(sys.argv[1])
sizes = dict(vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=4)
sizes |= dict(intermediate_size=64, max_position_embeddings=32, initializer_range=0.4)

def write(name, cls, inputs, **config):
    torch.manual_seed(len(name))
    model = getattr(transformers, cls)(transformers.BertConfig(**sizes, **config)).eval()
    model.save_pretrained(f"{folder}/{name}")
    with open(f"{folder}/{name}/vocab.txt", "w") as file:
        file.write("".join(f"{token}\\n" for token in vocabulary))
    tokenizer = transformers.BertTokenizer(f"{folder}/{name}/vocab.txt", do_lower_case=True)
    tokenizer.save_pretrained(f"{folder}/{name}")
    with torch.no_grad():
        return [model(**made).logits[0].tolist() for made in (inputs(tokenizer, text) for text in texts)]

def single(tokenizer, text):
    return tokenizer(text, return_tensors="pt")

def pair(tokenizer, text):
    return tokenizer(text, pairs[texts.index(text)], return_tensors="pt")

def choice(tokenizer, text):
    offered = choices[texts.index(text) % 2]
    made = tokenizer([text] * len(offered), offered, padding=True, return_tensors="pt")
    return {name: tensor[None] for name, tensor in made.items()}

print(json.dumps({
    "two": write("two", "BertForSequenceClassification", single),
    "three": write("three", "BertForSequenceClassification", single, num_labels=3),
    "named": write("named", "BertForSequenceClassification", single, id2label={0: "no", 1: "so", 2: "yes"}),
    "pairs": write("pairs", "BertForSequenceClassification", pair),
    "tags": write("tags", "BertForTokenClassification", single, num_labels=3),
    "named_tags": write("named_tags", "BertForTokenClassification", single, id2label=dict(enumerate(tags))),
    "choices": write("choices", "BertForMultipleChoice", choice),
}))
"""

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folders, and transformers' logits for `tiny.TEXTS` by the name of the folder."""
    folder = tmp_path_factory.mktemp("transformers")
    given = json.dumps([str(folder), tiny.VOCABULARY, tiny.TEXTS, tiny.PAIRS, CHOICES, TAGS])
    if subprocess.run([PEER, "-c", "import torch, transformers"], capture_output=True, check=False).returncode:
        pytest.skip(f"{PEER} has no torch and transformers; TORCH_PYTHON names a Python that has")
    done = subprocess.run([PEER, "-c", WRITE, given], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, json.loads(done.stdout.splitlines()[-1])


def changed(folder: Path, tmp_path: Path, **fields: Any) -> Path:
    """A copy of a folder with other fields in its config.json; None takes one away."""
    copy = tmp_path / folder.name
    copy.mkdir(parents=True)
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    config = {**json.loads((copy / "config.json").read_text()), **fields}
    kept = {name: value for name, value in config.items() if value is not None}
    (copy / "config.json").write_text(json.dumps(kept))
    return copy


def softmax(logits: Any) -> np.ndarray:
    powers = np.exp(np.asarray(logits) - np.max(logits, -1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def assert_scores(answers: list[dict[str, Any]], names: list[str], expected: np.ndarray) -> None:
    assert [list(answer["scores"]) for answer in answers] == [names] * len(answers)
    np.testing.assert_allclose([list(answer["scores"].values()) for answer in answers], expected, atol=1e-5)


LESS: dict[str, dict[str, Any]] = {
    "as written": {},
    "no architectures": {"architectures": None},
    "no architectures and no names": {"architectures": None, "id2label": None, "label2id": None},
    "names of another number": {"id2label": {"0": "a", "1": "b", "2": "c", "3": "d"}},
    "an encoder's class": {"architectures": ["BertModel"]},
}


@pytest.mark.parametrize("name", ["two", "three"])
@pytest.mark.parametrize("less", LESS)
def test_classes_without_names(written, name: str, less: str, tmp_path: Path):
    folder, logits = written
    expected, copy = softmax(logits[name]), changed(folder / name, tmp_path, **LESS[less])
    numbered = [f"LABEL_{index}" for index in range(expected.shape[1])]
    assert_scores(open_task(copy).answer(tiny.TEXTS, scores=True), numbered, expected)
    given = ["neg", "pos", "none"][: len(numbered)]
    for labels in (given, numbered):
        task = BertClassifier.from_preset(copy, labels=labels)
        assert not task.load_report.new
        assert_scores(task.answer(tiny.TEXTS, scores=True), labels, expected)
    if less == "as written":
        done = run_program("predict", f"--model={copy}", "--scores", stdin="\n".join(tiny.TEXTS))
        assert_scores(done.json_lines, numbered, expected)
        flag = f"--labels={','.join(given)}"
        done = run_program("predict", f"--model={copy}", "--scores", flag, stdin="\n".join(tiny.TEXTS))
        assert_scores(done.json_lines, given, expected)


def test_named_classes_in_another_order(written, tmp_path: Path):
    folder, logits = written
    for fields in ({}, {"architectures": None}, {"id2label": ["no", "so", "yes"]}):
        copy = changed(folder / "named", tmp_path / str(len(str(fields))), **fields) if fields else folder / "named"
        task = BertClassifier.from_preset(copy, labels=["yes", "no", "so"])
        expected = softmax(logits["named"])[:, [2, 0, 1]]
        assert_scores(task.answer(tiny.TEXTS, scores=True), ["yes", "no", "so"], expected)


def test_pairs_are_asked_for(written):
    folder, logits = written
    lines = "\n".join(map("\t".join, zip(tiny.TEXTS, tiny.PAIRS, strict=True)))
    done = run_program("predict", f"--model={folder}/pairs", "--scores", "--text_pair=text_pair", stdin=lines)
    assert_scores(done.json_lines, ["LABEL_0", "LABEL_1"], softmax(logits["pairs"]))


@pytest.mark.parametrize("name", ["tags", "named_tags"])
@pytest.mark.parametrize("less", ["as written", "no architectures", "an encoder's class"])
def test_labels_of_words(written, name: str, less: str, tmp_path: Path):
    folder, logits = written
    copy = changed(folder / name, tmp_path, **LESS[less])
    tasks = [BertTokenClassifier.from_preset(copy, labels=TAGS), open_task(copy)]
    for task in tasks:
        assert (type(task), task.load_report.new) == (BertTokenClassifier, ())
        for text, expected in zip(tiny.TEXTS, logits[name], strict=True):
            inputs = task.preprocessor([text])
            found = task(inputs, training=False).numpy()[0, : len(expected)]
            np.testing.assert_allclose(found, expected, atol=1e-4)
    done = run_program("predict", f"--model={copy}", f"--labels={','.join(TAGS)}", stdin="\n".join(tiny.TEXTS))
    answers = tasks[0].answer(tiny.TEXTS)
    assert [row["entities"] for row in done.json_lines] == [
        [pytest.approx(entity, abs=1e-5) for entity in entities] for entities in answers
    ]
    assert any(answers)


@pytest.mark.parametrize("less", ["as written", "no architectures", "an encoder's class"])
def test_choices(written, less: str, tmp_path: Path):
    folder, logits = written
    copy = changed(folder / "choices", tmp_path, **LESS[less])
    rows = [(text, CHOICES[index % 2]) for index, text in enumerate(tiny.TEXTS)]
    for task in (BertMultipleChoice.from_preset(copy), open_task(copy)):
        assert (type(task), task.load_report.new) == (BertMultipleChoice, ())
        np.testing.assert_allclose([row["scores"] for row in task.answer(rows)], softmax(logits["choices"]), atol=1e-5)
    lines = "\n".join("\t".join([text, *choices]) for text, choices in rows)
    done = run_program("predict", f"--model={copy}", stdin=lines)
    np.testing.assert_allclose([row["scores"] for row in done.json_lines], softmax(logits["choices"]), atol=1e-5)
