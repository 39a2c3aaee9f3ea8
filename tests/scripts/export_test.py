"""`keras-bert export`: a SavedModel that answers the strings as the model does."""

from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_text  # noqa: F401 -- its operations are in the SavedModel

from keras_bert.tasks import open_task
from tests.scripts.programs import run_program


def test_the_saved_model_answers_as_the_model_does(pair_classifier: Path, tmp_path: Path):
    done = run_program("export", f"--model={pair_classifier}", f"--output={tmp_path}/pairs/1")
    assert done.status == 0, done.stderr
    assert done.stdout == (
        f"{tmp_path}/pairs/1: serving_default takes text: string [batch], text_pair: string [batch]\n"
    )
    texts, others = ["film", "good food"], ["a book", "the room was cold"]
    answers = tf.saved_model.load(str(tmp_path / "pairs" / "1")).signatures["serving_default"](
        text=tf.constant(texts), text_pair=tf.constant(others)
    )
    expected = open_task(pair_classifier).answer(list(zip(texts, others, strict=True)))
    assert [label.decode() for label in answers["label"].numpy()] == [answer["label"] for answer in expected]
    assert answers["score"].numpy() == pytest.approx([answer["score"] for answer in expected], abs=1e-5)

    again = run_program("export", f"--model={pair_classifier}", f"--output={tmp_path}/pairs/1")
    assert again.error.startswith(f"{tmp_path}/pairs/1: already holds ")
    assert "--overwrite" in again.error


def test_bfloat16_and_frozen(classifier: Path, tmp_path: Path):
    """The same answers, within bfloat16's two to three digits, from a graph that has only its word table outside."""
    done = run_program("export", f"--model={classifier}", f"--output={tmp_path}/1", "--dtype=bfloat16", "--freeze")
    assert done.status == 0, done.stderr
    loaded = tf.saved_model.load(str(tmp_path / "1"))
    function = loaded.signatures["serving_default"]
    assert len(function.variables) == 1
    assert set(loaded.signatures) == {"serving_default", "labels"}
    texts = ["film", "good food", "", "the room was cold"]
    expected = [answer["score"] for answer in open_task(classifier).answer(texts)]
    assert function(text=tf.constant(texts))["score"].numpy() == pytest.approx(expected, abs=2e-2)


def test_the_card_goes_with_the_model(classifier: Path, tmp_path: Path):
    """What the model was trained on and how well it does, as the folder of the run says it."""
    card = {"preset": "tiny", "data": {"train": "rows.tsv, 128 rows"}, "metrics": {"test accuracy": 0.975}}
    open_task(classifier).save_preset(tmp_path / "model", card=card)
    assert run_program("export", f"--model={tmp_path}/model", f"--output={tmp_path}/1").status == 0
    text = (tmp_path / "1" / "README.md").read_text(encoding="utf-8")
    assert text == (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "| test accuracy | 0.975 |" in text


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--output=out[1]"], "TensorFlow takes [ in a path for a pattern"),
        (["--warmup=none.tsv"], "none.tsv"),
        (["--model=runs/none"], "runs/none: no such folder or preset"),
        (["--output=FILE"], "is a file; expected the name of a folder to write"),
    ],
)
def test_bad_input(classifier: Path, tmp_path: Path, flags: list[str], words: str):
    (tmp_path / "file").write_text("a file")
    flags = [flag.replace("FILE", str(tmp_path / "file")) for flag in flags]
    error = run_program("export", f"--model={classifier}", f"--output={tmp_path}/out", *flags).error
    assert words in error
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_encoder_has_nothing_to_export(encoder: Path, tmp_path: Path):
    error = run_program("export", f"--model={encoder}", f"--output={tmp_path}/out").error
    assert error.startswith(f"{encoder}: no trained head there")
    assert list(tmp_path.iterdir()) == []


def test_flags_of_saved_models_do_not_go_with_another_format(tmp_path: Path):
    flags = [f"--model={tmp_path}", f"--output={tmp_path}/out", "--format=litert"]
    done = run_program("export", *flags, "--freeze")
    assert done.status == 2
    assert done.stderr == "keras-bert export: error: --freeze is of SavedModels; --format=litert has none\n"
    done = run_program("export", *flags, "--dtype=bfloat16")
    assert done.stderr == ("keras-bert export: error: format='litert' has no dtype='bfloat16'; it has: float32, int8\n")
