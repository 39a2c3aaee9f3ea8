"""`--task=choose`: rows with choices, from training to answers."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.scripts.programs import rows, run_program, write_table

ROWS = [(text, *(("good", "bad") if label == "good" else ("bad", "good")), "0") for text, label in rows(24)]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(
        tmp_path_factory.mktemp("choices") / "rows.tsv", ("context", "ending0", "ending1", "right"), ROWS
    )


COLUMNS = ("--text=context", "--choices=ending0,ending1", "--label=right")


@pytest.mark.slow
def test_from_rows_to_answers(encoder: Path, table: Path, tmp_path: Path):
    done = run_program(
        "finetune",
        "--task=choose",
        f"--preset={encoder}",
        f"--train={table}",
        f"--dev={table}",
        *COLUMNS,
        "--epochs=1",
        "--noplots",
        "--max_length=24",
        f"--output={tmp_path}/run",
    )
    (metrics,) = done.json_lines
    model = tmp_path / "run" / "model"
    (scores,) = run_program("evaluate", f"--model={model}", f"--rows={table}", *COLUMNS).json_lines
    assert scores["accuracy"] == pytest.approx(metrics["dev"]["accuracy"])
    answers = run_program("predict", f"--model={model}", f"--input={table}", *COLUMNS).json_lines
    assert [answer["text"] for answer in answers] == [row[0] for row in ROWS]
    assert answers[0]["choices"] == list(ROWS[0][1:3])
    assert sum(answer["choice"] == 0 for answer in answers) / 24 == pytest.approx(scores["accuracy"])
    (line,) = run_program("predict", f"--model={model}", stdin="the film\tgood\tbad\tdull\n").json_lines
    assert (line["choices"], len(line["scores"])) == (["good", "bad", "dull"], 3)
    one = run_program("predict", f"--model={model}", stdin="the film\tgood\n").error
    assert one == "standard input, line 1: expected a text and two or more choices with tabs between, found 1 tabs"
    # The model knows how its rows are read.
    assert run_program("evaluate", f"--model={model}", f"--rows={table}").json_lines == [scores]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--text=context",), "--task=choose needs the columns of the choices"),
        ((*COLUMNS, "--text_pair=ending0"), "--text_pair does not go with --task=choose"),
        ((*COLUMNS[:2], "--label=context"), "expected the number of the right choice, 0 to 1"),
    ],
)
def test_what_does_not_go_together(flags: tuple, message: str, encoder: Path, table: Path, tmp_path: Path):
    done = run_program(
        "finetune", "--task=choose", f"--preset={encoder}", f"--train={table}", f"--output={tmp_path}/run", *flags
    )
    assert message in done.error


def test_questions_and_rows_of_different_numbers_of_choices(encoder: Path, tmp_path: Path):
    lines = [
        {"id": index, "text": "the film", "question": "was it", "choices": ["good", "bad", "dull"][: 2 + index % 2]}
        for index in range(12)
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({**line, "label": line["id"] % 2}) + "\n" for line in lines), encoding="utf-8")
    flags = ("--choices=choices", "--question=question", "--epochs=1", "--noplots", "--max_length=24")
    done = run_program(
        "finetune", "--task=choose", f"--preset={encoder}", f"--train={path}", f"--output={tmp_path}/run", *flags
    )
    assert done.status == 0, done.stderr
    model = f"--model={tmp_path}/run/model"
    (scores,) = run_program("evaluate", model, f"--rows={path}").json_lines
    answers = run_program("predict", model, f"--input={path}", "--keep=id").json_lines
    assert [(answer["id"], answer["choices"]) for answer in answers] == [
        (line["id"], line["choices"]) for line in lines
    ]
    assert np.mean([answer["choice"] == answer["id"] % 2 for answer in answers]) == pytest.approx(scores["accuracy"])
    (line,) = run_program("predict", model, stdin="the film\twas it\tgood\tbad\n").json_lines
    assert (line["question"], line["choices"]) == ("was it", ["good", "bad"])
