"""`keras-bert vocabulary`: the files, the figures, the same twice, bad input in one line."""

import json
from pathlib import Path

import pytest

from keras_bert.checkpoints import open_tokenizer
from tests.scripts.programs import run_process, run_program

pytest.importorskip("tokenizers", reason="the trainer")
LINES = ["The cat sat on the mat.", "A cat and a dog, and the Élan of cats!", "dogs sat on mats; the cats did not"]


@pytest.fixture
def corpus(tmp_path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(LINES * 20) + "\nzebra Ω quiz\n", encoding="utf-8")
    return path


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (["--size=60"], {"vocab.txt"}),
        pytest.param(
            ["--algorithm=bpe", "--size=280"],
            {"vocab.json", "merges.txt", "tokenizer.json"},
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ["--algorithm=bpe", "--size=280", "--lowercase"],
            {"vocab.json", "merges.txt", "tokenizer.json"},
            marks=pytest.mark.slow,
        ),
        (["--size=60", "--nolowercase"], {"vocab.txt"}),
    ],
)
def test_a_folder(corpus, tmp_path, flags, names):
    for output in ("a", "b"):
        done = run_program("vocabulary", f"--input={corpus}", f"--output={tmp_path}/{output}", "--held_out=10", *flags)
        assert done.status == 0, done.stderr
    made = files(tmp_path / "a")
    assert made == files(tmp_path / "b")
    assert made.keys() == names | {"tokenizer_config.json", "coverage.json"}
    report = json.loads(made["coverage.json"])
    tokenizer = open_tokenizer(tmp_path / "a")
    assert report["size"] == report["size_asked"] == tokenizer.vocabulary_size
    assert tokenizer.get_vocabulary()[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert tokenizer.lowercase == report["lowercase"]
    held_out = [line.strip() for line in corpus.read_text(encoding="utf-8").splitlines()][9::10]
    assert report["held_out"]["lines"] == len(held_out) == 6
    assert report["held_out"]["pieces"] == sum(map(len, tokenizer(held_out).to_list()))
    assert f"{report['held_out']['pieces_per_word']:.3f} pieces per word" in done.stdout


def test_a_file_and_its_figures(corpus, tmp_path):
    arguments = (f"--input={corpus}", f"--output={tmp_path}/vocab.txt", "--size=60", f"--held_out={corpus}")
    done = run_program("vocabulary", *arguments)
    assert done.status == 0, done.stderr
    assert len((tmp_path / "vocab.txt").read_text(encoding="utf-8").split("\n")) == 61
    report = json.loads((tmp_path / "vocab.coverage.json").read_text(encoding="utf-8"))
    assert (report["corpus"]["lines"], report["held_out"]["lines"]) == (61, 61)
    assert "already there; choose another name or pass --overwrite" in run_program("vocabulary", *arguments).error
    assert run_program("vocabulary", *arguments, "--overwrite").status == 0


def test_every_nth_line_is_not_learned_from(tmp_path):
    (tmp_path / "a.txt").write_text("\n".join(["seen seen", "hidden hidden"] * 10))
    arguments = (f"--input={tmp_path}/a.txt", f"--output={tmp_path}/out", "--size=100", "--overwrite")
    run_program("vocabulary", *arguments, "--held_out=2")
    assert not any("hid" in token for token in open_tokenizer(tmp_path / "out").get_vocabulary())
    report = json.loads((tmp_path / "out" / "coverage.json").read_text())
    assert report["held_out"]["unknown_rate"] == 1
    assert report["held_out"]["most_frequent_unknown"] == {"hidden": 20}
    run_program("vocabulary", *arguments, "--held_out=0")
    assert "hidden" in open_tokenizer(tmp_path / "out").get_vocabulary()
    assert json.loads((tmp_path / "out" / "coverage.json").read_text())["held_out"] is None


def test_what_the_user_should_know_is_said(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"ab ab ab\nab \xff\nab\n")
    done = run_program("vocabulary", f"--input={tmp_path}/a.txt", f"--output={tmp_path}/out")
    assert "9 entries and not 8000" in done.stdout
    assert "1 lines were not UTF-8" in done.stdout
    assert "less than 100 lines, so none is held out" in done.stdout


@pytest.mark.parametrize(
    ("content", "flags", "words"),
    [
        (b"", [], "there is no text"),
        (b"a\0b", [], "holds NUL bytes: a binary file, or UTF-16"),
        (b"ab ab\nx\xff y\nab\n", ["--strict"], "the line at byte 6 is not UTF-8"),
        (b"ab ab\n", ["--size=7"], "size 7 is smaller than the alphabet"),
        (b"ab ab\n", ["--size=100", "--algorithm=bpe"], "256 bytes need 261"),
        (b"a b\n", [], "too little text"),
        (b"ab ab\n", ["--algorithm=bpe", "--output=x.txt"], "name a folder, --output=FOLDER"),
        (b"ab ab\n", ["--held_out=1"], "holds every line out"),
        (b"ab ab\n", ["--held_out=none.txt"], "none.txt: no such file"),
        (b"ab ab\n", ["--input=none.txt"], "none.txt: no such file"),
        (b"ab ab\n", ["--algorithm=unigram"], "unigram"),
        (b"ab ab\n", ["--min_frequency=0"], "min_frequency is 0"),
    ],
)
def test_bad_input(tmp_path, content, flags, words):
    (tmp_path / "a.txt").write_bytes(content)
    done = run_program("vocabulary", f"--input={tmp_path}/a.txt", f"--output={tmp_path}/out", *flags)
    assert words in done.error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt"]


def test_a_folder_in_use_is_kept(corpus, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("1")
    arguments = (f"--input={corpus}", f"--output={tmp_path}/out", "--size=60")
    assert "already holds mine" in run_program("vocabulary", *arguments).error
    # An error after the check leaves it too.
    assert "smaller than the alphabet" in run_program("vocabulary", *arguments, "--size=6", "--overwrite").error
    assert files(tmp_path / "out") == {"mine": b"1"}


def test_without_flags():
    assert "name the text, --input=FILE" in run_program("vocabulary").error


def test_help_imports_nothing_heavy():
    code = """if True:
        import sys
        sys.argv = ["x", "--help"]
        from keras_bert.scripts import vocabulary
        try:
            vocabulary.run()
        finally:
            assert not {"tensorflow", "tokenizers", "numpy"} & set(sys.modules)
    """
    done = run_process("-c", code)
    assert done.returncode == 0, done.stderr
    assert "--[no]lowercase" in done.stdout


@pytest.mark.parametrize(
    ("name", "flags", "unknown", "pieces"),
    [
        ("state_union/state_union.txt", ["--size=8000"], 0.002, 1.3),
        ("clue_small_zh/clue_small_zh.txt", ["--size=5500"], 0.01, 1.1),
        pytest.param("state_union/state_union.txt", ["--size=8000", "--algorithm=bpe"], 0, 1.3, marks=pytest.mark.slow),
    ],
)
def test_real_text(shared_data, tmp_path, name, flags, unknown, pieces):
    source = shared_data / "pretraining" / name
    done = run_program("vocabulary", f"--input={source}", f"--output={tmp_path}/out", "--held_out=50", *flags)
    assert done.status == 0, done.stderr
    report = json.loads((tmp_path / "out" / "coverage.json").read_text(encoding="utf-8"))
    assert report["size"] == report["size_asked"]
    assert report["held_out"]["unknown_rate"] <= unknown
    assert 1 <= report["held_out"]["pieces_per_word"] < pieces
