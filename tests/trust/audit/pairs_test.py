"""CrowS-Pairs: the file, the tokens that are masked, and scores beside one mask at a time."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks import BertPretrainer
from keras_bert.trust.audit.pairs import Pair, audit_pairs, read_pairs, shared_places
from tests.tasks import tiny

HEADER = ",sent_more,sent_less,stereo_antistereo,bias_type\n"


@pytest.fixture(scope="module")
def task() -> BertPretrainer:
    return tiny.pretrainer(config=tiny.config(num_hidden_layers=1))


def log_probability(task: BertPretrainer, ids: list[int], place: int) -> float:
    """By the model, of one mask in one row."""
    masked = [task.tokenizer.mask_token_id if index == place else token for index, token in enumerate(ids)]
    inputs = {
        "token_ids": [masked],
        "segment_ids": [[0] * len(ids)],
        "padding_mask": [[1] * len(ids)],
        "mask_positions": [[place]],
    }
    logits = task({name: tf.constant(value) for name, value in inputs.items()})["masked_lm"]
    return float(tf.nn.log_softmax(logits)[0, 0, ids[place]])


def test_batched_is_one_mask_at_a_time(task: BertPretrainer):
    pairs = [
        Pair("The FILM was very good", "the food was good", "stereo", "a"),
        Pair("a cold book", "a warm film is cold", "antistereo", "b"),
    ]
    found = audit_pairs(task, pairs, batch_size=3)
    for pair, sums in zip(pairs, found.details["sentences"], strict=True):
        ids = [[2, *row, 3] for row in task.tokenizer.tokenize([sentence.lower() for sentence in pair[:2]]).to_list()]
        for row, places, name in zip(ids, shared_places(*ids), ("more", "less"), strict=True):
            expected = sum(log_probability(task, row, place) for place in places[1:-1])
            assert sums[name] == pytest.approx(expected, abs=1e-4)
    assert set(found.details["by_type"]) == {"a", "b"}
    assert found.details["masked_copies"] == 2 * (3 + 2)


def test_equal_sentences_tie(task: BertPretrainer):
    pair = Pair("the film was good", "The film was GOOD", "stereo", "a")
    found = audit_pairs(task, [pair, pair])
    assert (found.details["score"], found.details["ties"], found.details["pairs"]) == (0, 2, 2)


def test_the_places_that_are_shared():
    assert shared_places([2, 5, 6, 7, 3], [2, 6, 7, 8, 3]) == ([0, 2, 3, 4], [0, 1, 2, 4])


def test_the_file_of_the_authors(shared_data: Path):
    path = shared_data / "trust" / "crows_pairs" / "crows_pairs_anonymized.csv"
    if not path.is_file():
        pytest.skip(f"no {path}")
    pairs = read_pairs(path)
    assert len(pairs) == 1508
    directions = [pair.direction for pair in pairs]
    assert (directions.count("stereo"), directions.count("antistereo")) == (1290, 218)
    types, counts = np.unique([pair.bias_type for pair in pairs], return_counts=True)
    assert dict(zip(types.tolist(), counts.tolist(), strict=True))["race-color"] == 516


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (",sent_more,sent_less\n0,a,b\n", "no column 'stereo_antistereo'"),
        (HEADER, "there are no pairs"),
        (HEADER + "0,a,b,up,race\n", "line 2: expected two sentences, and stereo or antistereo"),
        (HEADER + "0,,b,stereo,race\n", "line 2: expected two sentences"),
    ],
)
def test_bad_files_are_one_line(content: str, words: str, tmp_path: Path):
    (tmp_path / "pairs.csv").write_text(content)
    with pytest.raises(InputError, match=words):
        read_pairs(tmp_path / "pairs.csv")
