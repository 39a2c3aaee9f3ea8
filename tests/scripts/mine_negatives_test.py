"""`keras-bert mine-negatives`: pairs in, rows for embedders and rerankers out, which `finetune` reads."""

import json
from pathlib import Path

import pytest

from keras_bert.data import read
from tests.scripts.programs import Result, run_program, write_table

pytest.importorskip("bm25s")

PAIRS = [
    ("the film was good", "a good film . a warm song"),
    ("the book was bad", "a bad book and a cold room"),
    ("the film was bad", "a bad film . a grey city"),
    ("the song was warm", "the song was warm and bright"),
]


def mine(rows: Path, encoder: Path, *flags: str) -> Result:
    return run_program("mine_negatives", f"--rows={rows}", f"--vocabulary={encoder}", *flags)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write_table(tmp_path / "pairs.tsv", ("q", "p", "a"), [(*pair, "good film") for pair in PAIRS])


NAMES = ["--text=q", "--text_pair=p"]


def test_triples_hold_a_negative_that_shares_words(pairs: Path, encoder: Path, tmp_path: Path):
    done = mine(pairs, encoder, *NAMES, f"--output={tmp_path}/mined.jsonl")
    assert done.status == 0, done.stderr
    assert "4 rows of 4 pairs" in done.stderr
    rows = [json.loads(line) for line in (tmp_path / "mined.jsonl").read_text().splitlines()]
    assert [(row["q"], row["p"]) for row in rows] == PAIRS
    assert all(row["negative"] in dict(map(reversed, PAIRS)) and row["negative"] != row["p"] for row in rows)
    assert all(set(row["q"].split()) & set(row["negative"].split()) for row in rows)


def test_pairs_are_labelled(pairs: Path, encoder: Path, tmp_path: Path):
    done = mine(pairs, encoder, *NAMES, "--layout=pairs", "--negatives=2", f"--output={tmp_path}/pairs.jsonl")
    assert done.status == 0, done.stderr
    rows = list(read(tmp_path / "pairs.jsonl", "q", "p", "label").as_numpy_iterator())
    assert [row["label"] for row in rows] == [b"1", b"0", b"0"] * 4
    assert [row["text_pair"].decode() for row in rows[::3]] == [passage for _, passage in PAIRS]


def test_nothing_holds_the_answer(pairs: Path, encoder: Path):
    done = mine(pairs, encoder, *NAMES, "--answer=a", "--negatives=3")
    negatives = [row["negative"] for row in done.json_lines]
    assert len(negatives) == 3 + 3 * 2  # the passage with the answer is a negative of none
    assert not any("good film" in negative for negative in negatives)


def test_questions_in_squads_layout_know_their_answers(encoder: Path, tmp_path: Path):
    paragraphs = [
        {
            "context": passage,
            "qas": [
                {
                    "id": str(number),
                    "question": question,
                    "answers": [{"text": passage.split()[1], "answer_start": passage.index(passage.split()[1])}],
                }
            ],
        }
        for number, (question, passage) in enumerate(PAIRS)
    ]
    (tmp_path / "squad.json").write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))
    rows = mine(tmp_path / "squad.json", encoder).json_lines
    assert [(row["question"], row["passage"]) for row in rows] == PAIRS
    assert all(row["passage"].split()[1] not in row["negative"] for row in rows)


def test_an_embedder_and_a_reranker_learn_from_them(pairs: Path, encoder: Path, tmp_path: Path):
    train = ["--batch_size=4", "--epochs=1", "--max_length=16", "--noplots", f"--preset={encoder}", *NAMES]
    assert mine(pairs, encoder, *NAMES, f"--output={tmp_path}/mined.jsonl").status == 0
    flags = ["--task=embed", f"--train={tmp_path}/mined.jsonl", "--negative=negative", f"--output={tmp_path}/e"]
    done = run_program("finetune", *flags, *train)
    assert done.status == 0, done.stderr
    assert mine(pairs, encoder, *NAMES, "--layout=pairs", f"--output={tmp_path}/pairs.jsonl").status == 0
    done = run_program("finetune", f"--train={tmp_path}/pairs.jsonl", *train, f"--output={tmp_path}/r")
    assert done.status == 0, done.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--text=q"], "name the column of the passages, --text_pair=COLUMN"),
        (["--text=x", "--text_pair=p"], "no column 'x'"),
        ([*NAMES, "--skip=50"], "expected count 1 or more, and depth over skip"),
        ([*NAMES, "--index=none/index"], "none/index"),
    ],
)
def test_bad_input_is_one_line(flags: list[str], words: str, pairs: Path, encoder: Path):
    assert words in mine(pairs, encoder, *flags).error
