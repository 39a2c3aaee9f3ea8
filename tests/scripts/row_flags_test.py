"""The flags that name columns."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from absl.testing import flagsaver

from keras_bert.errors import InputError
from tests.scripts.programs import imported, write_table


@pytest.fixture
def row_flags() -> Iterator[object]:
    with imported("row_flags") as module:
        module.FLAGS.mark_as_parsed()
        yield module


def test_rows_are_read_as_the_flags_say(row_flags, tmp_path: Path):
    path = write_table(tmp_path / "rows.csv.gz", None, [("1", "one", "eins", "a+b"), ("2", "two", "zwei", "")])
    with flagsaver.flagsaver(
        text="en", text_pair="de", label="tags", label_separator="+", columns=["id", "en", "de", "tags"]
    ):
        rows = list(row_flags.read_rows(str(path), label_type="classes").as_numpy_iterator())
        assert [(row["text"], row["text_pair"], row["label"].tolist()) for row in rows] == [
            (b"one", b"eins", [b"a", b"b"]),
            (b"two", b"zwei", []),
        ]
        assert "label" not in row_flags.read_rows(str(path), label=False).element_spec


def test_the_columns_of_text_must_be_as_many_as_the_model_takes(row_flags):
    row_flags.check_texts("rows.tsv", ("text",))
    with pytest.raises(InputError, match=r"^rows\.tsv: the model takes pairs of texts; .*--text_pair=COLUMN$"):
        row_flags.check_texts("rows.tsv", ("text", "text_pair"))
    with flagsaver.flagsaver(text_pair="b"):
        row_flags.check_texts("rows.tsv", ("text", "text_pair"))
        with pytest.raises(InputError, match=r"^rows\.tsv: the model takes one text, .* leave out --text_pair$"):
            row_flags.check_texts("rows.tsv", ("text",))
