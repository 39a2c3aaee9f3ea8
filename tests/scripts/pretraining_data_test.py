"""`keras-bert pretraining-data`: flags in, records out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from keras_bert.data.pretraining import pretraining_records
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.scripts.programs import FILLERS, ROOT, SUBJECTS, VOCABULARY, run_program

pytest.importorskip("apache_beam")

HERE = ["--direct_running_mode=in_memory", "--direct_num_workers=1", "--held_out=0"]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    documents = [[f"the {subject} {word}." for word in FILLERS] for subject in SUBJECTS]
    (tmp_path / "text.txt").write_text("\n\n".join(map("\n".join, documents)))
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY))
    return [f"--input={tmp_path}/t*.txt", f"--vocabulary={tmp_path}/vocab.txt", f"--output={tmp_path}/out", *HERE]


def test_records_of_a_file(files: list[str], tmp_path: Path):
    done = run_program("pretraining_data", *files, "--max_length=32", "--seed=3")
    assert done.status == 0, done.stderr
    records = pretraining_records(tmp_path / "out", BertTokenizer(VOCABULARY))
    count = int(records.cardinality())
    assert count == len(list(records)) > 16
    assert f"{tmp_path}/out: {count} examples in 1 shards" in done.stdout
    assert f"  8 documents, {8 * len(FILLERS)} sentences" in done.stdout
    assert "of the next sentences are random" in done.stdout
    assert "found 8 documents" in done.stderr


def test_the_folder_of_a_checkpoint_brings_its_tokenizer(encoder: Path, files: list[str], tmp_path: Path):
    done = run_program("pretraining_data", files[0], f"--vocabulary={encoder}", *files[2:], "--objective=mlm")
    assert done.status == 0, done.stderr
    assert "random" not in done.stdout
    assert int(pretraining_records(tmp_path / "out", BertTokenizer(VOCABULARY)).cardinality()) > 0


def test_static_masking(files: list[str], tmp_path: Path):
    (tmp_path / "phrases").write_text("the film\nthe book\n")
    flags = ["--masking=static", "--masking_unit=word", f"--phrases={tmp_path}/phrases", "--max_predictions=3"]
    assert run_program("pretraining_data", *files, *flags).status == 0
    for row in pretraining_records(tmp_path / "out", BertTokenizer(VOCABULARY)).as_numpy_iterator():
        assert len(row["mask_positions"]) == len(row["mask_labels"]) <= 3


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--input=none*.txt"], "none*.txt: no such file"),
        (["--vocabulary=none.txt"], "none.txt: cannot read the vocabulary"),
        (["--outputs=out"], "unknown flag --outputs: neither of this program nor of Apache Beam"),
        (["--direct_running_mode=fast"], "Apache Beam: argument --direct_running_mode: invalid choice: 'fast'"),
        (["--objective=nsp"], "flag --objective=nsp: value should be one of <mlm_nsp|mlm|unilm>"),
        (["--held_out=0.02"], "held_out=0.02 leaves 0 of 8 documents held out; choose another share, or 0"),
        (["--max_length=2"], "max_length is 2; objective mlm_nsp takes 5 tokens or more"),
        (["--masking_rate=0.2"], "--masking_rate is for --masking=static"),
        (["extra"], "unexpected argument 'extra'"),
    ],
)
def test_bad_input(files: list[str], flags: list[str], words: str):
    assert words in run_program("pretraining_data", *files, *flags).error


def test_help_is_there_before_anything_heavy():
    command = [sys.executable, "-X", "importtime", "-m", "keras_bert.scripts.main", "pretraining-data", "--help"]
    before = os.times().children_user  # of the process alone: others may keep the machine busy
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert os.times().children_user - before < 5
    assert done.returncode == 0
    assert "--short_seq_probability" in done.stdout
    assert "tensorflow" not in done.stderr
    assert "apache_beam" not in done.stderr
