"""`keras-bert predict`: from standard input and from files, in order, as JSON lines."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keras_bert.tasks import BertTask, open_task
from tests.scripts.programs import ROOT, rows, run_program, write_table
from tests.tasks import tiny

TEXTS = [text for text, _ in rows(40, seed=7)]


@pytest.fixture(scope="module")
def answers(classifier: Path) -> list[dict]:
    """What the library itself answers."""
    return [{"text": text, **answer} for text, answer in zip(TEXTS, open_task(classifier).answer(TEXTS), strict=True)]


def assert_same(found: list[dict], expected: list[dict]) -> None:
    assert [row["text"] for row in found] == [row["text"] for row in expected]
    assert [row["label"] for row in found] == [row["label"] for row in expected]
    assert [row["score"] for row in found] == pytest.approx([row["score"] for row in expected], abs=1e-5)


def test_standard_input_is_answered_line_by_line_in_order(classifier: Path, answers: list[dict]):
    assert len({answer["score"] for answer in answers}) > 10  # else order would not show
    done = run_program("predict", f"--model={classifier}", "--batch_size=4", stdin="\n".join(TEXTS))
    assert_same(done.json_lines, answers)


@pytest.mark.parametrize("suffix", [".txt.gz", ".csv", ".jsonl"])
def test_files_give_the_same_answers(classifier: Path, answers: list[dict], tmp_path: Path, suffix: str):
    path = tmp_path / f"texts{suffix}"
    if "txt" in suffix:
        write_table(path, None, [(text,) for text in TEXTS])
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps({"review": text, "id": 1}) + "\n" for text in TEXTS), encoding="utf-8")
    else:
        write_table(path, ("id", "review"), [(str(index), text) for index, text in enumerate(TEXTS)])
    # A window of 16 batches of 2: the 40 texts come in two.
    done = run_program("predict", f"--model={classifier}", f"--input={path}", "--text=review", "--batch_size=2")
    assert_same(done.json_lines, answers)


def test_the_output_file_appears_whole(classifier: Path, answers: list[dict], tmp_path: Path):
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    (tmp_path / "answers.jsonl").write_text("earlier")
    done = run_program(
        "predict", f"--model={classifier}", f"--input={tmp_path}/texts.txt", f"--output={tmp_path}/answers.jsonl"
    )
    assert (done.status, done.stdout) == (0, "")
    lines = (tmp_path / "answers.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")
    assert_same([json.loads(line) for line in lines], answers)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.jsonl", "texts.txt"]


def test_odd_texts_are_answered(classifier: Path):
    texts = ["", "é 中 \u2028 \x00", "[SEP] [MASK]", "😀" * 3000, "film " * 5000]
    done = run_program("predict", f"--model={classifier}", stdin="\n".join(texts) + "\n")
    assert [row["text"] for row in done.json_lines] == texts


def test_no_text_is_no_answer(classifier: Path):
    assert run_program("predict", f"--model={classifier}").json_lines == []


def test_pairs(pair_classifier: Path, tmp_path: Path):
    pairs = [("film", "good"), ("good food", "a bad book")]
    expected = [row["score"] for row in open_task(pair_classifier).answer(pairs)]
    piped = run_program("predict", f"--model={pair_classifier}", stdin="film\tgood\ngood food\ta bad book\n")
    path = write_table(tmp_path / "pairs.csv", ("a", "b"), pairs)
    read = run_program("predict", f"--model={pair_classifier}", f"--input={path}", "--text=a", "--text_pair=b")
    for done in (piped, read):
        assert [(row["text"], row["text_pair"]) for row in done.json_lines] == pairs
        assert [row["score"] for row in done.json_lines] == pytest.approx(expected, abs=1e-5)


def test_numbers_and_several_labels(regressor: Path, several_classifier: Path):
    (number,) = run_program("predict", f"--model={regressor}", stdin="a film\ta book\n").json_lines
    assert set(number) == {"text", "text_pair", "score"}
    (several,) = run_program("predict", f"--model={several_classifier}", stdin="a film\n").json_lines
    assert set(several["scores"]) == {"cheap", "fast", "loud"}
    assert set(several["labels"]) == {name for name, score in several["scores"].items() if score >= 0.5}


# -- bad input ---------------------------------------------------------------------------------------------


def test_masks_are_filled(tmp_path: Path):
    model = tiny.pretrainer()
    model.save_preset(tmp_path / "model")
    done = run_program("predict", f"--model={tmp_path}/model", stdin="good [MASK] and [MASK]")
    [line] = done.json_lines
    assert line["text"] == "good [MASK] and [MASK]"
    [expected] = model.answer([line["text"]])
    assert [[word["token"] for word in mask] for mask in line["masks"]] == [
        [word["token"] for word in mask] for mask in expected
    ]
    done = run_program("predict", f"--model={tmp_path}/model", stdin="good film")
    assert done.status == 2
    assert "text 0: has no [MASK]" in done.stderr


def test_standard_input_that_is_no_utf8(classifier: Path):
    done = run_program("predict", f"--model={classifier}", stdin=b"film\ncaf\xe9\n")
    assert done.error == "standard input, line 2: not UTF-8 (byte 4 of the line)"
    assert json.loads(done.stdout)["text"] == "film"


def test_a_line_without_the_second_text(pair_classifier: Path, tmp_path: Path):
    (tmp_path / "pairs.txt").write_text("a\tb\nalone\n")
    done = run_program(
        "predict", f"--model={pair_classifier}", f"--input={tmp_path}/pairs.txt", f"--output={tmp_path}/answers.jsonl"
    )
    assert done.error == f"{tmp_path}/pairs.txt, line 2: expected two texts with a tab between, found 0 tabs"
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.txt"]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("none.txt", None, "none.txt: no such file"),
        ("none", None, "none: no such file"),
        ("texts.pdf", b"%PDF", "texts.pdf: unknown kind of file"),
        ("empty.csv", b"", "empty.csv: the file is empty"),
        ("header.csv", b"text\n", "header.csv: there are no rows"),
        ("wrong.csv", b"review\nfilm\n", "wrong.csv, line 1: no column 'text'; the columns are: 'review'"),
        ("latin.txt", b"film\ncaf\xe9\n", "latin.txt, line 2: not UTF-8"),
        ("latin.csv", b"text\ncaf\xe9\n", "latin.csv, line 2: not UTF-8"),
        ("null.jsonl", b'{"text": null}\n', "null.jsonl, line 1: field 'text': expected a string"),
        ("cut.txt.gz", b"\x1f\x8b\x08\x00", "cut.txt.gz: damaged or truncated gzip file"),
    ],
)
def test_bad_files(classifier: Path, tmp_path: Path, name: str, data: bytes | None, words: str):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    done = run_program(
        "predict", f"--model={classifier}", f"--input={tmp_path}/{name}", f"--output={tmp_path}/answers.jsonl"
    )
    assert done.error.startswith(f"{tmp_path}/{words}")
    assert not (tmp_path / "answers.jsonl").exists()
    assert len(list(tmp_path.iterdir())) == (data is not None)


def test_columns_that_do_not_fit_the_model(classifier: Path, pair_classifier: Path, tmp_path: Path):
    path = write_table(tmp_path / "pairs.csv", ("text", "b"), [("film", "good")])
    assert "--text_pair=COLUMN" in run_program("predict", f"--model={pair_classifier}", f"--input={path}").error
    done = run_program("predict", f"--model={classifier}", f"--input={path}", "--text_pair=b")
    assert "leave out --text_pair" in done.error


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--model=runs/none", "runs/none: no such folder or preset"),
        ("--output=none/answers.jsonl", "none/answers.jsonl: there is no folder none"),
        ("--output=.", ".: is a folder"),
        ("--batch_size=0", "flag --batch_size=0: 0 is not a positive integer"),
    ],
)
def test_bad_flags(classifier: Path, flag: str, words: str):
    assert run_program("predict", f"--model={classifier}", flag).error.startswith(words)


def test_a_model_without_a_head_cannot_answer(encoder: Path):
    assert run_program("predict", f"--model={encoder}").error.startswith(f"{encoder}: no trained head there")


@pytest.mark.slow
def test_a_pipe_gets_its_answers_at_once_and_may_close(classifier: Path):
    """As a process: one question, one answer; then Ctrl-C, no traceback."""
    with subprocess.Popen(
        [sys.executable, "-m", "keras_bert.scripts.predict", f"--model={classifier}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    ) as process:
        for text in ("good film", "bad book"):
            process.stdin.write(f"{text}\n".encode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["text"] == text
        process.send_signal(signal.SIGINT)
        assert b"keras-bert predict: interrupted\n" in (last := process.stderr.read())
        assert b"Traceback" not in last
    assert process.returncode == 130


@pytest.fixture(scope="module")
def many(classifier: Path, tmp_path_factory) -> tuple[list[str], bytes]:
    """What answers 300 rows in ten windows, and the answers of a run that was left alone."""
    folder = tmp_path_factory.mktemp("many")
    lines = [(str(index), text) for index, (text, _) in enumerate(rows(300, seed=9))]
    table = write_table(folder / "rows.csv", ("id", "text"), lines)
    command = [f"--model={classifier}", f"--input={table}", "--keep=id", "--batch_size=2"]
    done = run_program("predict", *command, f"--output={folder}/answers.jsonl")
    assert done.status == 0, done.stderr
    answers = (folder / "answers.jsonl").read_bytes()
    assert [json.loads(line)["id"] for line in answers.splitlines()] == [number for number, _ in lines]
    return command, answers


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, 3])
def test_several_processes_give_the_same_answers_in_order(many, processes: int, tmp_path: Path):
    """To float32's rounding: a process has fewer threads, which add up in another order."""
    command, answers = many
    program = [sys.executable, "-m", "keras_bert.scripts.predict", *command, f"--processes={processes}"]
    done = subprocess.run([*program, f"--output={tmp_path}/a.jsonl"], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    found, expected = (
        list(map(json.loads, data.splitlines())) for data in ((tmp_path / "a.jsonl").read_bytes(), answers)
    )
    assert [row["id"] for row in found] == [row["id"] for row in expected]
    assert_same(found, expected)
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


@pytest.mark.parametrize("groups", [1, 4, 9])
def test_a_run_that_was_killed_goes_on_behind_what_is_there(
    many, groups: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It ends with the bytes of a run that was left alone; a line that was half written is written anew."""
    command, answers = many
    asked = count_answers(monkeypatch, groups)
    with pytest.raises(PowerCutError):
        run_program("predict", *command, f"--output={tmp_path}/a.jsonl")
    assert not (tmp_path / "a.jsonl").exists()
    with (tmp_path / "a.jsonl.part").open("ab") as file:
        file.write(b'{"text": "half a')
    asked[:] = [10**9]
    done = run_program("predict", *command, f"--output={tmp_path}/a.jsonl")
    assert done.status == 0, done.stderr
    assert "going on behind what is there" in done.stderr
    assert (tmp_path / "a.jsonl").read_bytes() == answers
    assert asked == [10**9 - (10 - groups)]
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_what_another_command_left_is_not_taken_for_its_own(many, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    command, _ = many
    count_answers(monkeypatch, 2)
    with pytest.raises(PowerCutError):
        run_program("predict", *command, f"--output={tmp_path}/a.jsonl")
    before = (tmp_path / "a.jsonl.part").read_bytes()
    done = run_program("predict", *command, f"--output={tmp_path}/a.jsonl", "--scores")
    assert "a.jsonl.part: holds lines of another command, with another scores; delete it to start anew" in done.error
    assert (tmp_path / "a.jsonl.part").read_bytes() == before


@pytest.mark.parametrize("blanks", [0, 60_000])
def test_a_bad_row_in_the_middle_is_named_and_leaves_nothing(classifier: Path, tmp_path: Path, blanks: int):
    """Also in a file that is too large to be looked through first."""
    row = f"1\ta film{' ' * blanks}\n"
    (tmp_path / "rows.tsv").write_text("id\ttext\n" + row * 600 + "2\n")
    command = [f"--model={classifier}", f"--input={tmp_path}/rows.tsv", "--batch_size=1"]
    done = run_program("predict", *command, f"--output={tmp_path}/a.jsonl")
    assert "rows.tsv, line 602: 1 field, expected 2" in done.error
    assert [path.name for path in tmp_path.iterdir()] == ["rows.tsv"]


@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_program_with_a_line(classifier: Path, tmp_path: Path):
    path = write_table(tmp_path / "rows.csv", ("id", "text"), [("1", "a film " * 40)] * 40_000)
    command = [sys.executable, "-m", "keras_bert.scripts.predict", f"--model={classifier}", f"--input={path}"]
    command += [f"--output={tmp_path}/a.jsonl", "--processes=2"]
    program = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "a.jsonl.part").is_file() or not (tmp_path / "a.jsonl.part").stat().st_size:
        assert program.poll() is None, program.stderr.read()
        time.sleep(0.05)
    children = subprocess.run(["pgrep", "-P", str(program.pid)], capture_output=True, text=True, check=True)
    os.kill(max(map(int, children.stdout.split())), signal.SIGKILL)
    said = program.communicate(timeout=60)[1]
    assert program.returncode == 2
    assert "one of the processes has gone" in said.splitlines()[-1]
    assert (tmp_path / "a.jsonl.part").stat().st_size  # the input is as it should be: the same command goes on


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_no_process_outlives_the_program_and_the_answers_so_far_stay(
    classifier: Path, tmp_path: Path, number: int, status: int
):
    path = write_table(tmp_path / "rows.csv", ("id", "text"), [("1", "a film " * 40)] * 40_000)
    command = [sys.executable, "-m", "keras_bert.scripts.predict", f"--model={classifier}", f"--input={path}"]
    command += [f"--output={tmp_path}/a.jsonl", "--processes=2"]
    program = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not (tmp_path / "a.jsonl.part").is_file() or not (tmp_path / "a.jsonl.part").stat().st_size:
        assert program.poll() is None, program.stderr.read()
        time.sleep(0.05)
    if number == signal.SIGINT:
        os.killpg(program.pid, number)  # as a terminal does
    else:
        program.kill()
    assert program.wait(timeout=60) == status
    deadline = time.monotonic() + 30
    while subprocess.run(["pgrep", "-s", str(program.pid)], capture_output=True, check=False).stdout:
        assert time.monotonic() < deadline, "processes are left"
        time.sleep(0.1)
    assert "Traceback" not in program.stderr.read()
    assert (tmp_path / "a.jsonl.part").stat().st_size
    assert not (tmp_path / "a.jsonl").exists()


class PowerCutError(Exception):
    """Stands for a power cut: nothing of ours handles it."""


def count_answers(monkeypatch: pytest.MonkeyPatch, left: int) -> list[int]:
    """Lets so many windows be answered, and then cuts the power; the number that is left can be changed."""
    answer, counter = BertTask.answer, [left]

    def answered(self, *args, **options):
        if not counter[0]:
            raise PowerCutError
        counter[0] -= 1
        return answer(self, *args, **options)

    monkeypatch.setattr(BertTask, "answer", answered)
    return counter
