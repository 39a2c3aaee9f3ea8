"""`--task=embed`: pairs, with scores or third texts as the objective has it, and what does not go together."""

import json
import re
from pathlib import Path

import pytest

from keras_bert.errors import InputError
from keras_bert.tasks import open_task
from tests.scripts.programs import imported, rows, run_program, save_encoder, write_table

PAIRS = [(text, text.replace("the", "a"), str(index % 6)) for index, (text, _) in enumerate(rows(24))]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    header = ("first", "second", "score")
    return write_table(tmp_path_factory.mktemp("pairs") / "pairs.tsv", header, PAIRS)


def finetune(encoder: Path, table: Path, output: Path, *flags: str):
    return run_program(
        "finetune",
        "--task=embed",
        f"--preset={encoder}",
        f"--train={table}",
        f"--dev={table}",
        "--text=first",
        "--text_pair=second",
        f"--output={output}",
        "--noplots",
        "--max_length=16",
        *flags,
    )


def test_pairs_with_scores_from_rows_to_answers(encoder: Path, table: Path, tmp_path: Path):
    flags = ("--objective=cosine", "--score_range=0,5", "--label=score", "--epochs=1", "--nonormalize")
    flags += ('--prompts={"query": "the film "}', "--prompt=query", "--prompt_pair=")
    done = finetune(encoder, table, tmp_path / "run", *flags)
    (metrics,) = done.json_lines
    assert {"spearman", "pearson", "mse", "loss"} <= set(metrics["dev"])
    model = tmp_path / "run" / "model"
    columns = (f"--rows={table}", "--text=first", "--text_pair=second")
    scored = run_program("evaluate", f"--model={model}", *columns, "--label=score")
    assert scored.json_lines[0]["spearman"] == pytest.approx(metrics["dev"]["spearman"], abs=1e-4)
    saved = json.loads((model / "keras_bert.json").read_text(encoding="utf-8"))["sentence_embedding"]
    assert (saved["objective"], saved["score_range"], saved["normalize"]) == ("cosine", [0.0, 5.0], False)
    assert '--prompts={"query": "the film "}' in (tmp_path / "run" / "flags.txt").read_text(encoding="utf-8")
    (answer,) = run_program("predict", f"--model={model}", stdin="the film good\n").json_lines
    assert (answer["text"], len(answer["embedding"])) == ("the film good", 32)
    (prompted,) = run_program("predict", f"--model={model}", "--prompt=query", stdin="good\n").json_lines
    assert prompted["embedding"] == pytest.approx(answer["embedding"], abs=1e-5)
    assert "the model has: query" in run_program("predict", f"--model={model}", "--prompt=q", stdin="good\n").error


def test_a_layer_below_and_joined_poolings_are_kept_with_the_model(table: Path, tmp_path: Path):
    preset = save_encoder(tmp_path / "preset")
    flags = ("--layer=-2", "--pooling=weightedmean,lasttoken", "--epochs=1")
    done = finetune(preset, table, tmp_path / "run", *flags)
    assert done.status == 0, done.stderr
    assert "--pooling=weightedmean,lasttoken\n" in (tmp_path / "run/flags.txt").read_text()
    task = open_task(tmp_path / "run" / "model")
    assert (task.pooling, task.encoder.config.num_hidden_layers) == (("weightedmean", "lasttoken"), 1)
    (answer,) = run_program("predict", f"--model={tmp_path}/run/model", stdin="good\n").json_lines
    assert len(answer["embedding"]) == 64


def test_pairs_that_belong_together_train_without_labels(encoder: Path, table: Path, tmp_path: Path):
    done = finetune(encoder, table, tmp_path / "run", "--dry_run", "--negative=second")
    assert (done.status, "dry run: all is well" in done.stdout) == (0, True), done.stderr


def test_a_third_text_is_a_negative(table: Path):
    with imported("task_kinds.embed") as module:
        flags = ("--text=first", "--text_pair=second", "--negative=first")
        module.FLAGS(["finetune", *flags])
        row = next(iter(module.Embed().read(str(table)).as_numpy_iterator()))
    assert {name: value.decode() for name, value in row.items()} == {
        "text": PAIRS[0][0],
        "text_pair": PAIRS[0][1],
        "negative": PAIRS[0][0],
    }


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--text_pair=",), "name the column of the second, --text_pair=COLUMN"),
        (("--pooling=pooler",), "--pooling=pooler: expected one of cls, max, mean, mean_sqrt_len_tokens"),
        (("--pooling=mean,mean",), "each pooling must be another"),
        (("--layer=3",), "there is no layer 3; it has the layers 1 to 1"),
        (("--new_pooler",), "--new_pooler does not go with --task=embed"),
        (("--objective=cosine", "--negative=second"), "--negative is for --objective=ranking"),
        (("--objective=cosine", "--label=score", "--score_range=0"), "--score_range: expected two numbers"),
        (("--objective=cosine", "--label=score"), r"pairs.tsv, row 3: the score 2 is outside 0 to 1; say the lowest"),
        (("--multi_label",), "--multi_label is for --task=classify"),
    ],
)
def test_what_does_not_go_together(flags: tuple, message: str, encoder: Path, table: Path, tmp_path: Path):
    assert re.search(message, finetune(encoder, table, tmp_path / "run", *flags).error)


def test_a_range_that_is_none(table: Path):
    with imported("task_kinds.embed") as module:
        module.FLAGS(["finetune", "--score_range=0,five"])
        with pytest.raises(InputError, match="expected two numbers, such as 0,5"):
            module.score_range()
