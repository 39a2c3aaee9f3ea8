"""What a model says of its rows is how the programs read them; a flag that says otherwise gets a line."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_bert.tasks import open_task
from tests.scripts.programs import CONFIG, VOCABULARY, run_program, write_table
from tests.tasks import tiny, tiny_tags

ROWS = [("good film", "dull food", "yes"), ("cold room", "bad song", "no")]


def write_foreign(folder: Path, source: Path, **fields: object) -> Path:
    """A folder as transformers would have written it: what keras_bert keeps beside is gone."""
    folder.mkdir()
    for name in ("model.safetensors", "vocab.txt", "tokenizer_config.json"):
        (folder / name).write_bytes((source / name).read_bytes())
    config = json.loads((source / "config.json").read_text())
    for name in ("id2label", "label2id", "problem_type"):
        config.pop(name, None)
    (folder / "config.json").write_text(json.dumps({**config, **fields}))
    return folder


def test_pairs_are_what_the_flag_says_where_a_folder_does_not(regressor: Path, tmp_path: Path):
    folder = write_foreign(tmp_path / "foreign", regressor, id2label={"0": "LABEL_0"})
    pair = "good film\tdull food"
    (answer,) = run_program("predict", f"--model={folder}", "--text_pair=text_pair", stdin=pair).json_lines
    (expected,) = open_task(regressor).answer([("good film", "dull food")])
    assert answer["score"] == pytest.approx(expected["score"], abs=1e-5)
    done = run_program("predict", f"--model={folder}", stdin=f"film\n{pair}\n{pair}")
    assert done.status == 0
    assert done.stderr.count("has a tab") == 1
    assert "standard input, line 2: has a tab, and the model takes one text" in done.stderr
    rows = write_table(tmp_path / "rows.tsv", ("a", "b", "y"), [(*row[:2], str(i)) for i, row in enumerate(ROWS)])
    flags = (f"--rows={rows}", "--text=a", "--text_pair=b", "--label=y")
    scores = [run_program("evaluate", f"--model={model}", *flags).json_lines for model in (folder, regressor)]
    assert scores[0] == [pytest.approx(scores[1][0], abs=1e-5)]
    done = run_program("export", f"--model={folder}", f"--output={tmp_path}/served/1", "--text_pair=text_pair")
    assert "takes text: string [batch], text_pair: string [batch]" in done.stdout


def test_a_model_that_says_it_takes_one_text_refuses_pairs(classifier: Path, tmp_path: Path):
    for name in ("predict", "export"):
        done = run_program(
            name, f"--model={classifier}", "--text_pair=b", *([f"--output={tmp_path}/1"] * (name == "export"))
        )
        assert done.error == f"{classifier}: the model takes one text, not pairs; leave out --text_pair"


def test_classes_that_are_only_numbered_get_names(classifier: Path, tmp_path: Path):
    task = open_task(classifier)
    folder = write_foreign(tmp_path / "foreign", classifier)
    names = [f"class {letter}" for letter in "abc"][: len(task.labels)]
    (found,) = run_program("predict", f"--model={folder}", "--scores", stdin="good film").json_lines
    assert list(found["scores"]) == [f"LABEL_{index}" for index in range(len(names))]
    flag = f"--labels={','.join(names)}"
    (named,) = run_program("predict", f"--model={folder}", "--scores", flag, stdin="good film").json_lines
    assert list(named["scores"]) == names
    assert list(named["scores"].values()) == pytest.approx(list(found["scores"].values()))
    done = run_program("predict", f"--model={classifier}", "--labels=x,y,z,v", stdin="film")
    assert done.error == f"--labels: {classifier} has a trained head for other classes: {', '.join(task.labels)}"


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagger of words without anything between them, whose rows had other names of fields."""
    task = tiny_tags.tagger(word_separator="")
    task.row_settings = {"words": "tokens", "label": "tags", "word_separator": ""}
    folder = tmp_path_factory.mktemp("tagger") / "model"
    task.save_preset(folder)
    return folder


def test_rows_are_read_as_in_training(tagger: Path, tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"tokens": ["good", "s", "food"], "tags": ["B-GOOD", "I-GOOD", "O"]}) + "\n")
    done = run_program("evaluate", f"--model={tagger}", f"--rows={path}")
    (scores,) = done.json_lines
    assert "trained" not in done.stderr
    other = run_program("evaluate", f"--model={tagger}", f"--rows={path}", "--word_separator= ", "--label=tags")
    assert "the model was trained with --word_separator=''; here it is ' '" in other.stderr
    assert other.json_lines[0]["loss"] != pytest.approx(scores["loss"], abs=1e-3)
    given = open_task(tagger).answer([["good", "s", "food"]])
    (answer,) = run_program("predict", f"--model={tagger}", f"--input={path}").json_lines
    assert answer["words"] == ["good", "s", "food"]
    assert [entity["start"] for entity in answer["entities"]] == [entity["start"] for entity in given[0]]


def test_settings_stay_with_a_model_that_is_saved_again(tagger: Path, tmp_path: Path):
    task = open_task(tagger)
    assert task.row_settings == {"words": "tokens", "label": "tags", "word_separator": ""}
    task.save_preset(tmp_path / "again")
    assert open_task(tmp_path / "again").row_settings == task.row_settings
    assert json.loads((tmp_path / "again" / "keras_bert.json").read_text())["rows"] == task.row_settings


def test_finetune_keeps_how_rows_are_read(encoder: Path, tmp_path: Path):
    rows = [("good film|warm room"[: 9 + index], "cheap;fast" if index % 2 else "fast") for index in range(8)]
    table = write_table(tmp_path / "train.tsv", ("review", "kinds"), rows)
    flags = (
        "--multi_label",
        "--label_separator=;",
        "--text=review",
        "--label=kinds",
        "--epochs=1",
        "--noplots",
        "--max_length=24",
    )
    done = run_program("finetune", f"--preset={encoder}", f"--train={table}", f"--output={tmp_path}/run", *flags)
    assert done.status == 0, done.stderr
    assert "labels: cheap, fast" in done.stdout
    done = run_program("evaluate", f"--model={tmp_path}/run/model", f"--rows={table}")
    assert np.isfinite(done.json_lines[0]["loss"])
    (tmp_path / "texts.tsv").write_text("id\ttext\n7\tgood film\n")
    texts = ("--text=text", "--keep=id")
    done = run_program("predict", f"--model={tmp_path}/run/model", f"--input={tmp_path}/texts.tsv", *texts)
    assert "the model was trained with --text='review'; here it is 'text'" in done.stderr
    assert done.json_lines[0]["id"] == "7"


def test_columns_are_kept_beside_the_answers(classifier: Path, tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    path.write_text(
        "".join(json.dumps({"text": text, "id": [index], "label": "x"}) + "\n" for index, text in enumerate("abc"))
    )
    done = run_program("predict", f"--model={classifier}", f"--input={path}", "--keep=id", "--batch_size=1")
    assert [(row["text"], row["id"]) for row in done.json_lines] == [("a", [0]), ("b", [1]), ("c", [2])]
    done = run_program("predict", f"--model={classifier}", f"--input={path}", "--keep=label")
    assert done.error == "--keep=label: the answers have a field of that name; rename the column"
    done = run_program("predict", f"--model={classifier}", "--keep=id", stdin="film")
    assert done.error == "--keep names columns of a .csv, .tsv or .jsonl file; lines of text have none"


def test_scores_are_for_models_with_classes(regressor: Path):
    done = run_program("predict", f"--model={regressor}", "--scores", stdin="a\tb")
    assert done.error == "--scores: a BertRegressor has no classes to score"


def test_the_tiny_models_have_the_words_of_their_rows():
    assert CONFIG.vocab_size == len(VOCABULARY)
    assert {"good", "food", "##s"} <= set(tiny.VOCABULARY)


@pytest.mark.parametrize(
    ("name", "value"), [("text", 5), ("columns", "abc"), ("columns", [1, 2]), ("word_column", "x"), ("text", ["a"])]
)
def test_settings_of_rows_that_are_no_flags_are_named(name: str, value: object, classifier: Path, tmp_path: Path):
    folder = tmp_path / "model"
    shutil.copytree(classifier, folder)
    kept = json.loads((folder / "keras_bert.json").read_text())
    (folder / "keras_bert.json").write_text(json.dumps({**kept, "rows": {name: value}}))
    error = run_program("predict", f"--model={folder}", stdin="good film").error
    assert error == (
        f"{folder}: keras_bert.json keeps {name}={value!r} of the training rows, no value of --{name}; delete it there"
    )
