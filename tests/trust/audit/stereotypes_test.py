"""StereoSet: the file, the masked copies, and candidates' scores beside the model asked piece by piece."""

import json
from pathlib import Path

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.tasks import BertPretrainer
from keras_bert.trust.audit.stereotypes import Cluster, audit_stereotypes, read_stereoset
from tests.tasks import tiny
from tests.trust.audit.pairs_test import log_probability

ROW = {
    "target": "film",
    "bias_type": "art",
    "context": "the BLANK film, so BLANK!",
    "stereotype": "the good film, so good!",
    "anti_stereotype": "the bad film, so dull.",
    "unrelated": "the food film, so warm",
}


@pytest.fixture(scope="module")
def task() -> BertPretrainer:
    return tiny.pretrainer(config=tiny.config(num_hidden_layers=1))


def write(path: Path, *rows: dict) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_word_in_the_last_gap_without_punctuation(tmp_path: Path):
    (cluster,) = read_stereoset(write(tmp_path / "rows.jsonl", ROW))
    assert cluster == Cluster("film", "art", ROW["context"], ("good", "dull", "warm"))


def test_scores_are_means_of_probabilities_of_pieces_in_turn(task: BertPretrainer):
    """`books` is `book ##s`: first both are one mask, then `book` stands before the mask."""
    clusters = [Cluster("a", "x", "the BLANK was good", ("books", "film", "food"))]
    found = audit_stereotypes(task, clusters, batch_size=2)
    vocabulary = tiny.VOCABULARY.index
    the, was, good, book, plural = map(vocabulary, ("the", "was", "good", "book", "##s"))
    first = log_probability(task, [2, the, book, was, good, 3], 2)
    second = log_probability(task, [2, the, book, plural, was, good, 3], 3)
    (candidates,) = found.details["candidates"]
    assert candidates["stereotype"] == pytest.approx((np.exp(first) + np.exp(second)) / 2, rel=1e-3)
    film = log_probability(task, [2, the, vocabulary("film"), was, good, 3], 2)
    assert candidates["anti_stereotype"] == pytest.approx(np.exp(film), rel=1e-3)
    assert found.details["masked_copies"] == 4


def test_terms_and_types(task: BertPretrainer):
    clusters = [
        Cluster(target, kind, "the BLANK was good", ("book", "film", "food")) for target, kind in ("ax", "bx", "cy")
    ]
    found = audit_stereotypes(task, clusters)
    assert (found.details["rows"], found.details["terms"]) == (3, 3)
    assert set(found.details["by_type"]) == {"x", "y"}
    assert "x: ICAT" in found.summary
    with pytest.raises(InputError, match="'stereotypes' asks a masked-word head, which a BertRegressor has not"):
        audit_stereotypes(tiny.regressor(config=tiny.config(num_hidden_layers=1)), clusters)
    with pytest.raises(InputError, match="row 0: stereotype: '' has no token"):
        audit_stereotypes(task, [Cluster("a", "x", "the BLANK", ("", "film", "food"))])


def test_the_rows_of_the_authors(shared_data: Path):
    path = shared_data / "trust" / "stereoset" / "dev_intrasentence.jsonl"
    if not path.is_file():
        pytest.skip(f"no {path}")
    clusters = read_stereoset(path)
    assert len(clusters) == 1294
    assert all(all(cluster.words) for cluster in clusters)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"context": "no gap"}, "line 1: field 'context': expected a sentence with BLANK"),
        ({"unrelated": "short"}, "line 1: field 'unrelated': has no word in the place of BLANK"),
        ({"target": 3}, "line 1: field 'target': expected a string"),
    ],
)
def test_bad_rows_are_one_line(change: dict, words: str, tmp_path: Path):
    with pytest.raises(InputError, match=words):
        read_stereoset(write(tmp_path / "rows.jsonl", {**ROW, **change}))
