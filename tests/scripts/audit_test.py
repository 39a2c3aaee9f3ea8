"""`keras-bert audit`: each probe from files to words, JSON and the model card; bad input as one line."""

import json
import shutil
from pathlib import Path

import keras
import pytest

from keras_bert.encoder import BertEncoder
from keras_bert.tasks import BertPretrainer, open_task
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.scripts.programs import BAD, CONFIG, GOOD, VOCABULARY, rows, run_program, write_table


@pytest.fixture
def model(classifier: Path, tmp_path: Path) -> Path:
    """A copy, since an audit writes into the card."""
    return Path(shutil.copytree(classifier, tmp_path / "model"))


@pytest.fixture(scope="module")
def table(classifier: Path, tmp_path_factory) -> Path:
    """Rows of two countries, four of five with the label that the model answers."""
    texts = [text for text, _ in rows(60)]
    answers = [answer["label"] for answer in open_task(classifier).answer(texts)]
    other = {"good": "bad", "bad": "good"}
    labels = [other[label] if index % 5 == 0 else label for index, label in enumerate(answers)]
    lines = [
        (text, label, ("AT", "BE")[index % 3 == 0])
        for index, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]
    return write_table(tmp_path_factory.mktemp("rows") / "rows.tsv", ("text", "label", "country"), lines)


@pytest.fixture(scope="module")
def pretrainer(tmp_path_factory) -> Path:
    keras.utils.set_random_seed(0)
    preprocessor = BertPreprocessor(BertTokenizer(VOCABULARY), 24)
    folder = tmp_path_factory.mktemp("pretrainer") / "model"
    BertPretrainer(BertEncoder(CONFIG, use_pooler=False), preprocessor, next_sentence=False).save_preset(folder)
    return folder


def test_calibration_is_applied_and_shown(model: Path, table: Path, tmp_path: Path):
    asked = (f"--model={model}", "--probe=calibration", f"--rows={table}", f"--output={tmp_path}/audit")
    done = run_program("audit", *asked, "--accuracy=0.5", "--apply")
    assert done.status == 0, done.stderr
    details = json.loads((tmp_path / "audit" / "calibration.json").read_text())["details"]
    assert (tmp_path / "audit" / "calibration.png").is_file()
    task = open_task(model)
    assert task.temperature == pytest.approx(details["temperature"])
    assert "sure" in task.answer(["film"])[0] or details["abstention"]["threshold"] == 0
    assert "expected calibration error" in (model / "README.md").read_text()
    assert "answers from now on with: temperature" in done.stdout


def test_groups(model: Path, table: Path):
    before = (model / "README.md").read_text()
    flags = (f"--model={model}", "--probe=groups", f"--rows={table}", "--group=country", "--least_rows=10")
    done = run_program("audit", *flags, "--draws=100", "--nocard")
    assert done.status == 0, done.stderr
    assert "accuracy of AT" in done.stdout
    assert "equalized odds difference of good" in done.stdout
    assert (model / "README.md").read_text() == before


def test_templates(model: Path, tmp_path: Path):
    templates = write_table(tmp_path / "templates.tsv", ("text",), [("the {what} was {how} .",), ("a {what}",)])
    fillers = tmp_path / "fillers.json"
    fillers.write_text(json.dumps({"what": {"art": ["film", "song"], "place": ["room"]}, "how": [*GOOD, *BAD]}))
    flags = (f"--model={model}", "--probe=templates", f"--rows={templates}", f"--fillers={fillers}")
    done = run_program("audit", *flags, "--draws=100", f"--output={tmp_path}/audit")
    assert done.status == 0, done.stderr
    assert "good: art less place" in done.stdout
    assert "art less place" in (model / "README.md").read_text()
    assert json.loads((tmp_path / "audit" / "templates.json").read_text())["details"]["contexts"] == 11


def test_pairs_stereotypes_and_association(pretrainer: Path, encoder: Path, tmp_path: Path):
    pairs = tmp_path / "pairs.csv"
    header = "sent_more,sent_less,stereo_antistereo,bias_type"
    pairs.write_text(f"{header}\nthe film was good,the book was good,stereo,art\n")
    done = run_program("audit", f"--model={pretrainer}", "--probe=pairs", f"--rows={pairs}", "--nocard")
    assert "of 1 pairs" in done.stdout, done.stderr
    sentences = {name: f"the {word} film" for name, word in zip(
        ("context", "stereotype", "anti_stereotype", "unrelated"), ("BLANK", "good", "bad", "song"), strict=True
    )}  # fmt: skip
    stereoset = tmp_path / "stereoset.jsonl"
    stereoset.write_text(json.dumps({"target": "film", "bias_type": "art", **sentences}) + "\n")
    done = run_program("audit", f"--model={pretrainer}", "--probe=stereotypes", f"--rows={stereoset}", "--nocard")
    assert "ICAT" in done.stdout, done.stderr
    sets = {"targ1": ["film", "song"], "targ2": ["room", "city"], "attr1": ["good"], "attr2": ["bad"]}
    test = tmp_path / "test.json"
    test.write_text(json.dumps({name: {"category": name, "examples": words} for name, words in sets.items()}))
    flags = (f"--model={pretrainer}", "--probe=association", f"--rows={test}", "--encodings=mean", "--nocard")
    assert "test (mean)  d = " in run_program("audit", *flags).stdout
    # An encoder without any head will do for this one, and for this one alone.
    assert "test (mean)  d = " in run_program("audit", f"--model={encoder}", *flags[1:]).stdout
    flags = (f"--model={encoder}", "--probe=pairs", f"--rows={pairs}")
    assert "no trained head there, only an encoder" in run_program("audit", *flags).error


def test_labels_by_a_trained_model(model: Path, table: Path, tmp_path: Path):
    by_model = run_program("audit", f"--model={model}", "--probe=labels", f"--rows={table}", f"--output={tmp_path}/a")
    assert "rows worth a look" in by_model.stdout, by_model.stderr
    assert (tmp_path / "a" / "doubtful_labels.jsonl").is_file()


@pytest.mark.slow
def test_labels_fold_by_fold(encoder: Path, table: Path, tmp_path: Path):
    flags = ("--probe=labels", f"--rows={table}", "--folds=2", "--epochs=1", "--max_length=16")
    done = run_program("audit", f"--preset={encoder}", *flags, f"--output={tmp_path}/b")
    assert "by 2 models" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--probe=groups",), "--probe=groups compares the groups of a column; name it, --group=COLUMN"),
        (("--probe=groups", "--group=country", "--least_rows=55"), "column 'country': fewer than two groups have 55"),
        (("--probe=groups", "--group=town"), "no column 'town'; the columns are: 'text', 'label', 'country'"),
        (("--probe=groups", "--group=label", "--apply"), "--apply is for --probe=calibration"),
        (("--probe=calibration", "--accuracy=95"), "--accuracy=95: expected the share of right answers"),
        (("--probe=calibration", "--folds=3"), "--folds is for --probe=labels; --probe=calibration does not read it"),
        (("--probe=templates",), "--probe=templates needs what to put into the {placeholders}"),
        (("--probe=pairs",), "no column 'sent_more'"),
        (("--probe=labels",), "--probe=labels writes a file with the rows; name a folder for it"),
        (
            ("--probe=labels", "--preset=minilm"),
            "--probe=labels needs --preset, a checkpoint to train fold by fold; or",
        ),
    ],
)
def test_bad_input_is_one_line(flags: tuple[str, ...], words: str, model: Path, table: Path):
    done = run_program("audit", f"--model={model}", f"--rows={table}", *flags)
    assert words in done.error


def test_probes_on_models_without_the_head_they_need(model: Path, regressor: Path, table: Path, tmp_path: Path):
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("sent_more,sent_less,stereo_antistereo,bias_type\nfilm,book,stereo,art\n")
    done = run_program("audit", f"--model={model}", "--probe=pairs", f"--rows={pairs}")
    assert "'pairs' asks a masked-word head, which a BertClassifier has not" in done.error
    flags = ("--probe=calibration", "--text=text", "--text_pair=country", f"--rows={table}")
    done = run_program("audit", f"--model={regressor}", *flags)
    assert done.error == "the probe 'calibration' is for classifiers; this model is a BertRegressor"
    done = run_program("audit", "--probe=calibration", f"--rows={table}")
    assert done.error == "--probe=calibration asks a model; name it, --model=FOLDER"


def test_behaviour(model: Path, tmp_path: Path):
    names = "--label_names=negative:bad,positive:good"
    asked = (f"--model={model}", "--probe=behaviour", "--rows=sentiment_en", f"--output={tmp_path}/audit")
    done = run_program("audit", *asked, names, "--seed=1")
    assert done.status == 0, done.stderr
    assert "Negation: not good (MFT)" in done.stdout
    tests = json.loads((tmp_path / "audit" / "behaviour.json").read_text())["details"]["tests"]
    assert sum(f"{test['failures']} of {test['cases']} failed" in done.stdout for test in tests) == len(tests)
    assert "Negation" in (tmp_path / "audit" / "behaviour.txt").read_text()
    assert "Negation: not good" in (model / "README.md").read_text()
    for flags, message in (
        (["--rows=nothing", names], "nothing: no such file, and no suite of the package; these are: paraphrase_en"),
        (["--rows=sentiment_en"], "the suite's classes are positive, negative, the model's bad, good"),
        (["--rows=sentiment_en", "--label_names=positive"], "--label_names=positive: expected a class of the suite"),
        (["--rows=sentiment_en", "--draws=100"], "--draws is for --probe=groups and templates"),
        (["--rows=paraphrase_en", names], "line 2: the template makes pairs (template_pair), which the model does not"),
    ):
        assert message in run_program("audit", f"--model={model}", "--probe=behaviour", *flags).error
