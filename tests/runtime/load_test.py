"""`keras_bert.runtime` gives what the tasks in Python give, from LiteRT, on awkward texts and in any batch."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from keras_bert.errors import InputError
from keras_bert.runtime import load
from keras_bert.tasks import BertMultipleChoice, BertTask
from keras_bert.tasks.pooled.head import MULTI_LABEL
from keras_bert.text.markers import MARKERS
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.runtime.awkward import AWKWARD, LONG, check_same
from tests.tasks import tiny, tiny_questions, tiny_tags

TEXTS: list[Any] = [*tiny.TEXTS, *AWKWARD]
PAIRS = list(zip(TEXTS, TEXTS[::-1], strict=True))
CONTEXTS = [*[text for _, text, _ in tiny_questions.QUESTIONS], *AWKWARD]


def marked() -> BertTask:
    entries = [*tiny.VOCABULARY, *MARKERS]
    preprocessor = BertPreprocessor(BertTokenizer(entries), max_length=24, markers=MARKERS)
    config = tiny.config(vocab_size=len(entries))
    return tiny.classifier(pooling="markers", preprocessor=preprocessor, config=config)


def one_layer(**changes: Any) -> dict[str, Any]:
    return {"config": tiny.config(num_hidden_layers=1, **changes)}


# How a task is made, what it is asked, and options of `answer`.
CASES: dict[str, tuple[Any, list[Any], dict[str, Any]]] = {
    "classes": (lambda: tiny.classifier(**one_layer()), TEXTS, {"scores": True}),
    "several classes of pairs": (
        lambda: tiny.classifier(problem_type=MULTI_LABEL, text_pair=True, threshold=0.4, **one_layer()),
        PAIRS,
        {},
    ),
    "marked": (marked, [*TEXTS, "<e1>good</e1> film <e2>bad</e2>", "<e\x1f1>good</e1>film<e2>"], {}),
    "score": (lambda: tiny.regressor(activation="sigmoid", pooling="mean", **one_layer()), TEXTS, {}),
    "choice": (
        lambda: tiny.make(BertMultipleChoice, question=True, **one_layer()),
        [(text, "what", [other, "film", ""][: 1 + index % 3]) for index, (text, other) in enumerate(PAIRS)],
        {},
    ),
    "vector": (
        lambda: tiny.embedder(
            pooling=["weightedmean", "max"],
            prompts={"q": "the "},
            default_prompt="q",
            include_prompt=False,
            **one_layer(),
        ),
        TEXTS,
        {},
    ),
    "entities": (
        lambda: tiny_tags.tagger(**one_layer()),
        [*TEXTS, ["good", "film", "x\u200b", "中文"], {"words": ["\u200b", "bad", "foo food"]}, {"text": "good film"}],
        {},
    ),
    "labels of words": (
        lambda: tiny_tags.tagger(constrained=False, stride=5, max_length=16, **one_layer()),
        TEXTS[::3],
        {},
    ),
    "answers": (tiny_questions.answerer, [("who lived in graz", text) for text in CONTEXTS], {"n_best": 4}),
    "no answers": (
        lambda: tiny_questions.answerer(no_answer_threshold=0.5, max_question_length=4),
        [{"question": text, "context": "anna lived in graz. bela lived in linz."} for text in AWKWARD[::3]],
        {},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_answers_are_those_of_python_on_awkward_texts_alone_and_in_batches(name: str, tmp_path: Path):
    make, texts, options = CASES[name]
    task = make()
    task.export(tmp_path / "out", format="litert")
    model = load(tmp_path / "out")
    expected = task.answer(texts, **options)
    check_same(model.answer(texts, **options), expected)
    check_same(model.answer(texts, batch_size=8, **options), expected)
    assert model.answer([]) == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "classifier"
    tiny.classifier(**one_layer()).export(folder, format="litert", dtype="int8")
    return folder


def test_a_megabyte_is_cut_where_the_model_ends(folder: Path):
    short, long = load(folder).answer([LONG[:2000], LONG])
    assert short == long


def test_threads_share_the_model_and_answer_alike(folder: Path):
    one, several = load(folder), load(folder, threads=3)
    expected = one.answer(tiny.TEXTS)
    assert several.answer(tiny.TEXTS) == expected
    found: dict[int, Any] = {}

    def ask(number: int) -> None:
        found[number] = [several.answer([text])[0] for text in tiny.TEXTS * 5]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(6)] == [expected * 5] * 6


def test_neither_tensorflow_nor_keras_is_imported(folder: Path):
    program = f"""
import sys
import keras_bert.runtime
model = keras_bert.runtime.load({str(folder)!r})
answer = model.answer(["good film"])
assert not {{"tensorflow", "keras", "tensorflow_text", "onnxruntime"}} & set(sys.modules), sorted(sys.modules)
print(answer[0]["label"])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == load(folder).answer(["good film"])[0]["label"]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("good film", "answer takes a list of texts; for one text write answer([text])"),
        ({"text": "good"}, "answer takes a list of texts; for one text write answer([text])"),
        (3, "answer takes a list of texts; for one text write answer([text])"),
        (["good", 3], "text 1: expected a string, received: 3"),
        ([{"texts": "good"}], "text 0: the task takes text, text is not there"),
    ],
)
def test_what_is_no_text_is_said(folder: Path, texts: Any, message: str):
    with pytest.raises(InputError) as caught:
        load(folder).answer(texts)
    assert str(caught.value) == message


def test_a_batch_of_none_is_refused(folder: Path):
    with pytest.raises(InputError, match="batch_size is 0; it must be 1 or more"):
        load(folder).answer(["good"], batch_size=0)
    with pytest.raises(InputError, match="threads is 0; it must be 1 or more"):
        load(folder, threads=0)


def damaged(folder: Path, target: Path, name: str, content: str | bytes | None) -> Path:
    """Copies an export with another file in it, or without one."""
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    if content is None:
        (target / name).unlink()
    else:
        (target / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return target


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("answering.json", None, "no answering.json; keras_bert.runtime opens what format='litert' or 'onnx' wrote"),
        ("answering.json", "[]", "answering.json: expected a JSON object, found list"),
        ("answering.json", '{"version": 2}', "version 2, this keras_bert reads 1: export again, or upgrade"),
        ("answering.json", '{"version": 1, "kind": "write"}', "kind is 'write', expected one of classify, regress"),
        ("model.tflite", None, "model.tflite: no such file; the export is not whole"),
        ("model.tflite", b"TFL3 nonsense", "model.tflite: LiteRT cannot open it: "),
        ("tokenizer.json", "{}", "tokenizer.json: no tokenizer of an export: KeyError: 'model'"),
        ("tokenizer.json", "no JSON", "tokenizer.json: no tokenizer of an export: JSONDecodeError"),
    ],
)
def test_a_damaged_folder_is_one_line(folder: Path, tmp_path: Path, name: str, content: Any, message: str):
    with pytest.raises(InputError) as caught:
        load(damaged(folder, tmp_path / "copy", name, content))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_field_of_another_type_and_a_file_outside_are_refused(folder: Path, tmp_path: Path):
    fields = json.loads((folder / "answering.json").read_text())
    wrong = json.dumps({**fields, "max_length": "24"})
    with pytest.raises(InputError, match=r"max_length is '24', expected int"):
        load(damaged(folder, tmp_path / "type", "answering.json", wrong))
    outside = json.dumps({**fields, "file": "../model.tflite"})
    with pytest.raises(InputError, match=r"names '\.\./model\.tflite', which leads out of its folder"):
        load(damaged(folder, tmp_path / "path", "answering.json", outside))


def test_other_folders_are_told_apart(tmp_path: Path):
    with pytest.raises(InputError, match=r"no such folder; model\.export"):
        load(tmp_path / "none")
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(InputError, match=r"a SavedModel, which needs TensorFlow; keras_bert\.runtime opens what"):
        load(tmp_path)


@pytest.mark.parametrize("module", ["ai_edge_litert.interpreter", "tokenizers"])
def test_a_missing_package_names_the_extra(folder: Path, module: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r"pip install 'bert-for-keras\[litert\]'"):
        load(folder)
