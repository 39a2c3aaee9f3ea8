"""`--task=answer`: from files of questions to a model that is scored and answers, by the programs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_bert.tasks import open_task
from tests.scripts.programs import BAD, GOOD, SUBJECTS, imported, run_program


def write_squad(path: Path, count: int, seed: int) -> Path:
    """Two subjects with a word each a text, and a question after one of them, or after one that is not there."""
    chooser = np.random.default_rng(seed)
    paragraphs = []
    for index in range(count):
        one, other, third = chooser.choice(SUBJECTS, 3, replace=False)
        words = chooser.choice([*GOOD, *BAD], 2, replace=False)
        context = f"the {one} was {words[0]} and the {other} was {words[1]}."
        answer = {"text": words[0], "answer_start": context.index(words[0])}
        asked, answers = (third, []) if index % 4 == 0 else (one, [answer])
        qas = [{"id": f"q{index}", "question": f"the {asked}", "answers": answers, "is_impossible": not answers}]
        paragraphs.append({"context": context, "qas": qas})
    path.write_text(json.dumps({"version": "v2.0", "data": [{"title": "t", "paragraphs": paragraphs}]}))
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("squad")
    for seed, (name, count) in enumerate({"train": 64, "dev": 16}.items()):
        write_squad(folder / f"{name}.json", count, seed)
    return folder


def finetune(encoder: Path, files: Path, folder: Path, *flags: str) -> Any:
    return run_program(
        "finetune",
        "--task=answer",
        f"--preset={encoder}",
        f"--train={files}/train.json",
        f"--dev={files}/dev.json",
        f"--output={folder}",
        *("--batch_size=16", "--learning_rate=1e-2", "--epochs=3", "--doc_stride=6", "--max_answer_length=4"),
        *flags,
    )


@pytest.fixture(scope="module")
def run(encoder: Path, files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "answer"
    done = finetune(encoder, files, folder, "--max_length=24")
    assert done.status == 0, done.stderr
    return folder


def test_it_learns_and_what_it_leaves_is_scored_alike(run: Path, files: Path):
    metrics = json.loads((run / "metrics.json").read_text())
    losses = np.genfromtxt(run / "log.csv", delimiter=",", names=True)["loss"]
    assert losses[-1] < losses[0]
    assert {"loss", "exact_match", "f1", "best_f1", "has_answer_f1", "no_answer_accuracy"} <= set(metrics["dev"])
    (scores,) = run_program("evaluate", f"--model={run}/model", f"--rows={files}/dev.json").json_lines
    assert scores == pytest.approx(metrics["dev"], abs=1e-5)


def test_the_threshold_is_tuned_on_the_held_out_questions_and_saved(run: Path):
    metrics = json.loads((run / "metrics.json").read_text())
    task = open_task(run / "model")
    assert task.no_answer_log_odds == pytest.approx(metrics["dev"]["best_f1_threshold"])
    assert metrics["dev"]["f1"] == pytest.approx(metrics["dev"]["best_f1"])
    assert (task.doc_stride, task.max_answer_length, task.preprocessor.max_length) == (6, 4, 24)


def test_the_model_answers_files_and_lines(run: Path, files: Path, tmp_path: Path):
    answers = run_program("predict", f"--model={run}/model", f"--input={files}/dev.json").json_lines
    assert [answer["id"] for answer in answers] == [f"q{index}" for index in range(16)]
    for answer in answers:
        assert answer["context"][answer["start"] : answer["end"]] == answer["answer"]
    lines = [{"id": 7, "question": answer["question"], "context": answer["context"]} for answer in answers[:3]]
    (tmp_path / "ask.jsonl").write_text("\n".join(map(json.dumps, lines)))
    again = run_program("predict", f"--model={run}/model", f"--input={tmp_path}/ask.jsonl").json_lines
    assert [answer["answer"] for answer in again] == [answer["answer"] for answer in answers[:3]]
    typed = "".join(f"{line['question']}\t{line['context']}\n" for line in lines)
    typed_answers = run_program("predict", f"--model={run}/model", stdin=typed).json_lines
    assert [answer["answer"] for answer in typed_answers] == [answer["answer"] for answer in answers[:3]]


def test_what_does_not_go_with_questions_is_refused(encoder: Path, files: Path, tmp_path: Path):
    done = finetune(encoder, files, tmp_path / "run", "--pooling=mean")
    assert done.error == "--pooling does not go with --task=answer, which reads questions and texts in windows"
    done = finetune(encoder, files, tmp_path / "run")
    assert "max_length=384 is more than the encoder's position table has rows" in done.error
    astray = json.loads((files / "dev.json").read_text())
    astray["data"][0]["paragraphs"][1]["qas"][0]["answers"][0]["answer_start"] = 0
    (tmp_path / "astray.json").write_text(json.dumps(astray))
    done = finetune(encoder, files, tmp_path / "run", f"--train={tmp_path}/astray.json", "--strict_answers")
    assert "question 2: the answer" in done.error
    assert not (tmp_path / "run").exists()


def test_windows_are_of_384_tokens_unless_asked_for():
    with imported("finetune") as module, imported("task_kinds.answer") as kind:
        module.FLAGS(["finetune", "--task=answer"])
        kind.Answer().check_flags()
        assert module.FLAGS.max_length == 384
    with imported("finetune") as module, imported("task_kinds.answer") as kind:
        module.FLAGS(["finetune", "--task=answer", "--max_length=128"])
        kind.Answer().check_flags()
        assert module.FLAGS.max_length == 128
