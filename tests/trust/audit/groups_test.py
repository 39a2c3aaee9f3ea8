"""Groups of rows: the numbers are those of the answers, and a column with one value is one line."""

from pathlib import Path

import pytest

from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier
from keras_bert.trust.audit.groups import NO_GROUP, audit_groups
from tests.tasks import tiny

TEXTS, LABELS = tiny.TEXTS * 4, tiny.LABELS * 4


@pytest.fixture(scope="module")
def task() -> BertClassifier:
    return tiny.classifier(config=tiny.config(num_hidden_layers=1))


def test_accuracy_is_that_of_the_answers(task: BertClassifier, tmp_path: Path):
    groups = ["AT", "BE", None, "AT"] * 8
    found = audit_groups(task, tiny.dataset(LABELS, texts=TEXTS), groups, least_rows=8, draws=100, column="country")
    answers = [answer["label"] for answer in task.answer(TEXTS)]
    for name, group in (("AT", "AT"), ("BE", "BE"), (NO_GROUP, None)):
        right = [answers[index] == LABELS[index] for index in range(32) if groups[index] == group]
        assert found.details["groups"][name]["accuracy"]["value"] == pytest.approx(sum(right) / len(right))
        assert found.summary[f"accuracy of {name}"].endswith(f"{len(right)} rows")
    assert "by chance alone up to" in found.summary["equalized odds difference of positive"]
    assert found.rows.endswith("groups by 'country'")
    found.write(tmp_path)
    assert (tmp_path / "groups.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (["AT"] * 32, "column 'country': all rows are of one group, 'AT'"),
        (["AT", "BE"] * 16, "column 'country': fewer than two groups have 30 rows"),
        (["AT"] * 31, "31 groups for 32 rows"),
    ],
)
def test_bad_columns_are_one_line(groups: list, words: str, task: BertClassifier):
    with pytest.raises(InputError, match=words):
        audit_groups(task, tiny.dataset(LABELS, texts=TEXTS), groups, column="country")


def test_another_task(task: BertClassifier):
    with pytest.raises(InputError, match="this model is a BertEmbedder"):
        audit_groups(tiny.embedder(config=tiny.config(num_hidden_layers=1)), tiny.dataset(LABELS, texts=TEXTS), [])
