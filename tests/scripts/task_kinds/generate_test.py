"""`--task=generate`: from rows to a model that is scored, writes and is served, by the programs."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_bert.tasks import BertSeq2Seq
from tests.scripts.programs import BAD, GOOD, SUBJECTS, VOCABULARY, Result, run_program
from tests.tasks import tiny_sequences

pytest.importorskip("sacrebleu", reason="needs the generate extra")

SCORES = {"loss", "perplexity", "token_accuracy", "bleu", "chrf", "rouge_1", "rouge_2", "rouge_l", "exact_match"}


def pairs(count: int, seed: int) -> list[tuple[str, str]]:
    chooser = np.random.default_rng(seed)
    found = [(chooser.choice(SUBJECTS), chooser.choice([*GOOD, *BAD])) for _ in range(count)]
    return [(f"the {subject} was {word} .", f"a {word} {subject}") for subject, word in found]


def write_lines(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parallel files `train`, `dev`, and a table `dev.tsv` of the same rows."""
    folder = tmp_path_factory.mktemp("parallel")
    for seed, (name, count) in enumerate({"train": 96, "dev": 16}.items()):
        rows = pairs(count, seed)
        write_lines(folder / f"{name}.source", [text for text, _ in rows])
        write_lines(folder / f"{name}.target", [target for _, target in rows])
        write_lines(folder / f"{name}.tsv", ["long\tshort", *map("\t".join, rows)])
    return folder


def finetune(files: Path, output: Path, *flags: str, dev_target: str | Path | None = None) -> Result:
    return run_program(
        "finetune",
        "--task=generate",
        f"--train={files}/train.source",
        f"--train_target={files}/train.target",
        f"--dev={files}/dev.source",
        f"--dev_target={dev_target or files / 'dev.target'}",
        f"--output={output}",
        "--max_length=16",
        "--max_target_length=8",
        *flags,
    )


@pytest.fixture(scope="module")
def run(encoder: Path, files: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("runs") / "generate"
    settings = ("--num_beams=2", "--min_new_tokens=1", "--no_repeat_ngram=2", "--monitor=chrf")
    training = ("--epochs=2", "--batch_size=16", "--learning_rate=1e-3", "--noplots")
    done = finetune(files, folder, f"--preset={encoder}", *settings, *training)
    assert done.status == 0, done.stderr
    return folder, done


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a model that writes, as a run leaves it."""
    folder = tmp_path_factory.mktemp("written") / "model"
    settings = {"num_beams": 2, "min_new_tokens": 1, "max_new_tokens": 6}
    tiny_sequences.writer(generation=settings).save_preset(folder)
    return folder


@pytest.mark.slow
def test_a_run_says_what_it_reads_and_leaves_scores_beside_those_of_no_model(run):
    folder, done = run
    assert "train:  96 rows of" in done.stdout
    assert "dev, without a model: copy: bleu" in done.stdout
    assert "dev, without a model: first_words (3 words): bleu" in done.stdout
    metrics = json.loads((folder / "metrics.json").read_text())
    assert set(metrics["dev"]) == SCORES
    beside = metrics["beside"]["dev"]
    assert "tok:13a" in beside["signatures"]["bleu"]
    assert "case:lc" in beside["signatures"]["bleu"]  # the vocabulary is lower-cased
    assert set(beside["baselines"]["copy"]) | {"words"} == set(beside["baselines"]["first_words"])
    assert "val_chrf" in (folder / "log.csv").read_text().splitlines()[0]
    kept = json.loads((folder / "model/generation_config.json").read_text())
    assert (kept["num_beams"], kept["min_new_tokens"], kept["no_repeat_ngram_size"]) == (2, 1, 2)
    assert kept["max_new_tokens"] == 8


@pytest.mark.slow
def test_settings_of_the_search_are_those_of_the_folder_unless_flags_give_others(model: Path):
    texts = "the film was good .\nthe book was dull .\n"
    answers = run_program("predict", f"--model={model}", "--num_hypotheses=2", stdin=texts).json_lines
    assert [answer["source"] for answer in answers] == texts.splitlines()
    for answer in answers:
        assert set(answer) == {"source", "text", "score", "hypotheses"}
        assert len(answer["hypotheses"]) == 2
        assert answer["hypotheses"][0] == {"text": answer["text"], "score": answer["score"]}
    drawing = ("--do_sample", "--temperature=2", "--top_k=5")
    drawn = [run_program("predict", f"--model={model}", *drawing, f"--seed={seed}", stdin=texts) for seed in (1, 1, 2)]
    first, again, other = ([answer["text"] for answer in done.json_lines] for done in drawn)
    assert (first == again, first == other) == (True, False)
    alone = run_program("predict", f"--model={model}", "--temperature=2", stdin=texts)
    assert alone.error == "--temperature goes with --do_sample"
    prefix = run_program("predict", f"--model={model}", "--prefix=zebra", stdin=texts)
    assert prefix.error == "prefix: the model cannot write 'zebra', its vocabulary lacks the pieces"
    refused = run_program("predict", f"--model={model}", "--num_hypotheses=3", stdin=texts)
    assert "num_return_sequences=3 (--num_hypotheses) is more than num_beams=2" in refused.error


@pytest.mark.slow
def test_evaluate_scores_alike_from_columns(run, files: Path):
    folder, _ = run
    metrics = json.loads((folder / "metrics.json").read_text())
    columns = (f"--rows={files}/dev.tsv", "--text=long", "--target=short")
    (scores,) = run_program("evaluate", f"--model={folder}/model", *columns).json_lines
    assert {name: scores[name] for name in SCORES} == pytest.approx(metrics["dev"], abs=1e-4)
    assert scores["baselines"] == metrics["beside"]["dev"]["baselines"]
    parallel = (f"--rows={files}/dev.source", f"--rows_target={files}/dev.target", "--noscore_texts")
    (tokens,) = run_program("evaluate", f"--model={folder}/model", *parallel).json_lines
    assert tokens == pytest.approx({name: metrics["dev"][name] for name in ("loss", "perplexity", "token_accuracy")})


def test_a_start_from_nothing(files: Path, tmp_path: Path):
    vocabulary = write_lines(tmp_path / "vocab.txt", VOCABULARY)
    sizes = ("--hidden_size=32", "--num_hidden_layers=1", f"--vocabulary={vocabulary}", "--mask=causal")
    sizes = (*sizes, "--output_words=targets", "--target_dropout=0.1", "--packing")
    columns = ("--text=long", "--target=short", f"--train={files}/dev.tsv", "--batch_size=16")
    done = run_program("finetune", "--task=generate", *columns, f"--output={tmp_path}/run", *sizes, "--dry_run")
    assert (done.status, "dry run: all is well" in done.stdout) == (0, True), done.stderr
    assert "1 steps an epoch" in done.stdout
    preset = finetune(files, tmp_path / "run", *sizes, f"--preset={tmp_path}", "--dry_run")
    assert preset.error == "--preset and --hidden_size exclude each other: weights, or a start from nothing"


def test_what_is_cut_and_what_cannot_be_written_is_said(encoder: Path, tmp_path: Path, monkeypatch):
    rows = ["text\ttarget", "a film\tA Zebra", "a very very good book\tthe good Film was so very good", "it\tÉté"]
    table = write_lines(tmp_path / "rows.tsv", rows)
    monkeypatch.setattr(BertSeq2Seq, "fit", lambda *_, **__: None)  # takes seconds to trace
    flags = ("--task=generate", f"--preset={encoder}", "--max_length=6", "--max_target_length=4", "--dry_run")
    done = run_program("finetune", *flags, f"--train={table}", f"--dev={table}", f"--output={tmp_path}/run")
    assert "dev, without a model: copy: bleu" in done.stdout
    assert "dev, without a model: first_words (3 words): bleu" in done.stdout
    assert "train: 1 of 3 texts are longer than --max_length=6, and cut" in done.stdout
    assert "train: 1 of 3 targets are longer than --max_target_length=4; they are cut, and have no end" in done.stdout
    assert (
        "20.00 % of 10 words cannot be written by the vocabulary, 37 entries: Zebra, Été; take another" in done.stderr
    )
    assert "40.0 % of the words are not, such as A, Zebra, Film, Été" in done.stdout


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--target=goal"], "no column 'goal'; the columns are: 'long', 'short'"),
        (["--target=short", "--min_new_tokens=9"], "min_new_tokens=9 leaves no room for an end in max_new_tokens=8"),
        (["--target=short", "--num_beams=2", "--num_hypotheses=3"], "num_return_sequences=3 (--num_hypotheses)"),
        (["--target=short", "--num_beams=99"], "num_beams=99 is more than the vocabulary has entries"),
        (["--target=short", "--max_length=30"], "more than the position table has rows, 32"),
        (["--target=short", "--label_smoothing=1"], "--label_smoothing=1: expected a share, from 0 to below 1"),
        (["--target=short", "--target_dropout=1"], "target_dropout is 1.0; it must be from 0 to below 1"),
        (
            ["--target=short", "--prefix=zebra"],
            "prefix: the model cannot write 'zebra', its vocabulary lacks the pieces",
        ),
        (["--target=short", "--top_p=2"], "top_p is 2.0; it must be above 0 and at most 1"),
        (["--target=short", "--pooling=mean"], "--pooling does not go with --task=generate"),
        (["--target=short", "--label=short"], "--label does not go with --task=generate, whose rows have a target"),
        (["--target=short", "--dev_target=a"], "--dev_target goes with --dev, the texts"),
        (["--target=short", "--class_weights=balanced"], "--class_weights is for --task=classify"),
        (["--packing", "--static_shapes=on"], "--packing makes batches of several numbers of rows, --static_shapes"),
        (["--task=regress"], "--max_target_length is for --task=generate; --task=regress does not read it"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_flags(flags: list[str], message: str, encoder: Path, files: Path, tmp_path: Path):
    given = ("--task=generate", f"--preset={encoder}", f"--train={files}/train.tsv", "--text=long", "--max_length=16")
    done = run_program("finetune", *given, "--max_target_length=8", f"--output={tmp_path}/run", *flags)
    assert message in done.error
    assert not (tmp_path / "run").exists()


def test_bad_rows(encoder: Path, files: Path, tmp_path: Path):
    short = write_lines(tmp_path / "short.txt", ["a film"])
    error = finetune(files, tmp_path / "run", f"--preset={encoder}", f"--train_target={short}").error
    assert error.startswith(f"{short}: 1 lines for 96 of {files}/train.source")
    empty = write_lines(tmp_path / "empty.tsv", ["text\ttarget", "a\tb", "c\t"])
    done = run_program("finetune", "--task=generate", f"--preset={encoder}", f"--train={empty}", "--output=/x")
    assert done.error.startswith(f"{empty}, line 3: field 'target': an empty target")
    missing = finetune(files, tmp_path / "run", f"--preset={encoder}", dev_target="no/such.de").error
    assert missing == "no/such.de: no such file (--dev_target)"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"add_cross_attention": True}, "add_cross_attention is true; blocks that attend to an encoder of their own"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type must be one of"),
    ],
    ids=["cross-attention", "relative positions"],
)
def test_checkpoints_that_are_refused(fields: dict, message: str, encoder: Path, files: Path, tmp_path: Path):
    preset = shutil.copytree(encoder, tmp_path / "preset")
    config = json.loads((preset / "config.json").read_text())
    (preset / "config.json").write_text(json.dumps({**config, **fields}))
    assert message in finetune(files, tmp_path / "run", f"--preset={preset}").error


def test_flags_of_models_that_write_are_refused_for_others(classifier: Path, model: Path):
    assert "the model does not write; leave out --num_beams" in (
        run_program("predict", f"--model={classifier}", "--num_beams=2", stdin="a film\n").error
    )
    evaluate = ("evaluate", f"--model={classifier}", "--rows_target=README.md", "--rows=README.md")
    assert "--rows_target is for models that write" in run_program(*evaluate).error
    sampled = run_program("evaluate", f"--model={model}", "--temperature=2", "--rows=README.md")
    assert "--temperature goes with --do_sample" in sampled.error


def test_a_missing_extra_is_named_before_the_training(encoder: Path, files: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rouge_score", None)
    error = finetune(files, tmp_path / "run", f"--preset={encoder}").error
    assert error == "rouge_score is not installed; pip install 'bert-for-keras[generate]'"
