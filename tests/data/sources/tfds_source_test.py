"""Truth: a tiny TFDS data set written into a temporary folder by TFDS itself, read back with sockets forbidden."""

import socket
import ssl
import time
import urllib.error
import urllib.request

import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
import urllib3

from keras_bert.data import label_names, read
from keras_bert.errors import InputError

TEXTS = ["a fine film", "dull", 'so "so"', "Größe 字"]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    rows = {
        "sentence": TEXTS,
        "other": ["w", "x", "y", "z"],
        "label": [1, 0, -1, 1],
        "score": [0.5, 1.0, 2.5, -1.0],
        "topics": tf.ragged.constant([[0], [], [1, 0], [1]], dtype=tf.int64),
        "image": tf.zeros((4, 1, 1), tf.int64),
    }
    features = {
        "sentence": tfds.features.Text(),
        "other": tfds.features.Text(),
        "label": tfds.features.ClassLabel(names=["negative", "positive"]),
        "score": tfds.features.Scalar(tf.float32),
        "topics": tfds.features.Sequence(tfds.features.ClassLabel(names=["sport", "news"])),
        "image": tfds.features.Tensor(shape=(1, 1), dtype=tf.int64),
    }
    train = tf.data.Dataset.from_tensor_slices(rows).filter(lambda row: True)
    validation = train.filter(lambda row: row["label"] >= 0)
    tfds.dataset_builders.store_as_tfds_dataset(
        name="tiny_reviews",
        version="1.2.0",
        config="short",
        features=tfds.features.FeaturesDict(features),
        split_datasets={"train": train, "validation": validation},
        data_dir=folder,
        disable_shuffling=True,
    )
    return folder


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*arguments, **named):
        raise OSError("the network is off in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def values(rows, key):
    return [row[key].decode() if isinstance(row[key], bytes) else row[key] for row in rows.as_numpy_iterator()]


def test_prepared_folder(data_dir):
    rows = read("tfds:tiny_reviews/short", text="sentence", text_pair="other", data_dir=data_dir)
    assert rows.cardinality() == 4
    assert values(rows, "text") == TEXTS
    assert values(rows, "text_pair") == ["w", "x", "y", "z"]


@pytest.mark.parametrize("name", ["tiny_reviews/short", "tiny_reviews/short:1.2.0", "tiny_reviews"])
@pytest.mark.parametrize("named", [True, False])
def test_split_and_class_names(data_dir, name, named):
    source, split = (f"tfds:{name}:validation", None) if named else (f"tfds:{name}", "validation")
    rows = read(source, text="sentence", label="label", split=split, data_dir=data_dir)
    assert values(rows, "label") == ["positive", "negative", "positive"]
    assert label_names(rows) == ["negative", "positive"]


def test_part_of_a_split(data_dir):
    assert values(read("tfds:tiny_reviews:train[1:3]", text="sentence", data_dir=data_dir), "text") == TEXTS[1:3]


def test_numbers_and_several_classes(data_dir):
    rows = read("tfds:tiny_reviews", text="sentence", label="score", label_type="number", data_dir=data_dir)
    assert values(rows, "label") == [0.5, 1.0, 2.5, -1.0]
    rows = read("tfds:tiny_reviews", text="sentence", label="topics", label_type="classes", data_dir=data_dir)
    found = [row["label"].tolist() for row in rows.as_numpy_iterator()]
    assert found == [[b"sport"], [], [b"news", b"sport"], [b"news"]]


@pytest.mark.parametrize(
    ("source", "arguments", "message"),
    [
        ("tfds:tiny_reviews", {"label": "label"}, r"tfds:tiny_reviews:train, row 3: feature 'label': class -1 is none"),
        ("tfds:tiny_reviews:test", {}, r"tfds:tiny_reviews: no split 'test'; the splits are: train, validation"),
        ("tfds:tiny_reviews:train", {"split": "validation"}, r"names the split 'train', but split='validation'"),
        ("tfds:tiny_reviews", {"label": "stars"}, r"tfds:tiny_reviews: no column 'stars'; .*'sentence'"),
        ("tfds:tiny_reviews", {"label": "image"}, r"feature 'image' is .*; expected text, a label or a number"),
        ("tfds:tiny_reviews", {"columns": ["sentence"]}, r"columns are for files"),
        ("tfds:no_such_set", {}, r"tfds:no_such_set: neither known to TFDS nor prepared in"),
        ("tfds:Not a name!", {}, r"tfds:Not a name!: "),
        ("tfds:", {}, r"tfds:: "),
        ("tfds:tiny_reviews/long", {}, r"tfds:tiny_reviews/long: neither known"),
        ("tfds:tiny_reviews:9.0.0", {}, r"tfds:tiny_reviews:9.0.0: neither known"),
    ],
)
def test_errors(data_dir, source, arguments, message):
    with pytest.raises(InputError, match=message) as caught:
        read(source, text="sentence", data_dir=data_dir, **arguments)
    assert "\n" not in str(caught.value)


def test_data_dir_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="nowhere: no such folder"):
        read("tfds:glue/sst2", text="sentence", data_dir=tmp_path / "nowhere")


def test_a_network_that_is_off_is_said_at_once(tmp_path):
    """TFDS itself tries ten times, with pauses of three minutes in all."""
    began = time.monotonic()
    with pytest.raises(
        InputError, match=r"tfds:glue/sst2: not prepared in .*, and none of its hosts can be reached"
    ) as caught:
        read("tfds:glue/sst2", text="sentence", data_dir=tmp_path)
    assert time.monotonic() - began < 10
    assert "dl.fbaipublicfiles.com" in str(caught.value)
    assert "the network is off in this test" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_what_was_fetched_before_may_do_without_a_network(tmp_path, monkeypatch):
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "SST-2.zip").touch()
    # TFDS tries ten times, with pauses of three minutes in all.
    monkeypatch.setattr(urllib3.util.retry.Retry, "sleep", lambda *arguments, **named: None)
    with pytest.raises(InputError, match=r"tfds:glue/sst2: not prepared in .*, and fetching it failed: ") as caught:
        read("tfds:glue/sst2", text="sentence", data_dir=tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "goes_on"),
    [
        (urllib.error.HTTPError("http://a", 405, "Method Not Allowed", {}, None), True),
        (urllib.error.URLError(ssl.SSLCertVerificationError("no issuer")), True),
        (urllib.error.URLError(socket.gaierror("unknown name")), False),
        (TimeoutError("timed out"), False),
    ],
    ids=["an answer", "certificates", "no such name", "silence"],
)
def test_what_counts_as_out_of_reach(tmp_path, monkeypatch, answer, goes_on):
    def urlopen(*arguments, **named):
        raise answer

    def download(*arguments, **named):
        raise RuntimeError("TFDS was asked")

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", download)
    with pytest.raises(InputError, match="TFDS was asked" if goes_on else "none of its hosts can be reached"):
        read("tfds:glue/sst2", text="sentence", data_dir=tmp_path)


def test_a_package_that_preparing_needs(tmp_path, monkeypatch):
    def missing(*arguments, **named):
        raise ModuleNotFoundError("No module named 'some_package'", name="some_package")

    monkeypatch.setattr(tfds, "builder", missing)
    with pytest.raises(InputError, match=r"tfds:glue/sst2: preparing it needs a package: pip install some_package$"):
        read("tfds:glue/sst2", text="sentence", data_dir=tmp_path)
