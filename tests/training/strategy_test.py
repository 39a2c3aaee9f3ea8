"""Each name gives its kind of strategy; what cannot be had is one clear line. Two devices: adamw_test.py."""

import json
import os

import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.training import STRATEGIES, is_chief, is_chief_of, make_strategy, name_workers
from keras_bert.training.strategy import check_even_shares


def test_none_is_the_default_strategy():
    assert make_strategy() is tf.distribute.get_strategy()
    assert make_strategy("none").num_replicas_in_sync == 1


def test_mirrored_takes_every_device():
    strategy = make_strategy("mirrored")
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    assert isinstance(strategy, tf.distribute.MirroredStrategy)
    assert strategy.num_replicas_in_sync == len(devices)


@pytest.mark.parametrize("tpu", ["", "no-such-tpu.invalid"])
def test_a_tpu_that_is_not_there_is_an_error_in_words(tpu: str):
    with pytest.raises(InputError, match="no TPU to be had here") as error:
        make_strategy("tpu", tpu)
    assert "\n" not in str(error.value)


def test_an_unknown_name_is_an_error_that_names_the_known_ones():
    with pytest.raises(InputError, match="none, mirrored, multi_worker, tpu, received: 'horovod'"):
        make_strategy("horovod")
    assert set(STRATEGIES) == {"none", "mirrored", "multi_worker", "tpu"}


def test_workers_by_name_are_those_of_tf_config(monkeypatch: pytest.MonkeyPatch):
    """Truth: TensorFlow's own reader of `TF_CONFIG`."""
    monkeypatch.setenv("TF_CONFIG", "")
    monkeypatch.delenv("TF_CONFIG")
    addresses = ["a.example:2222", "[::1]:2223"]
    name_workers(addresses, 1)
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    assert resolver.cluster_spec().as_dict() == {"worker": addresses}
    assert (resolver.task_type, resolver.task_id) == ("worker", 1)
    assert not is_chief()
    name_workers(addresses, 1)
    with pytest.raises(InputError, match="TF_CONFIG names a cluster already"):
        name_workers(addresses, 0)


@pytest.mark.parametrize(
    ("workers", "worker", "words"),
    [
        (["a:1", "b"], 0, "'b' is no address; expected HOST:PORT"),
        (["a:1", ":2"], 0, "':2' is no address"),
        (["a:1", "b:x"], 0, "'b:x' is no address"),
        (["a:1", "a:1"], 0, "'a:1' is there more than once"),
        (["a:1", "b:1"], 2, "worker 2: there are 2, which are numbered from 0"),
        (["a:1", "b:1"], -1, "worker -1: there are 2"),
    ],
)
def test_workers_that_cannot_be(workers: list[str], worker: int, words: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(InputError, match=words):
        name_workers(workers, worker)
    assert "TF_CONFIG" not in os.environ


def test_workers_without_a_name_are_refused(monkeypatch: pytest.MonkeyPatch):
    """Each would train alone, and write to the folder of the others."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(InputError, match="which workers"):
        make_strategy("multi_worker")


@pytest.mark.parametrize(
    ("config", "chief"),
    [
        (None, True),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}, True),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}, False),
        ({"cluster": {"chief": ["c:1"], "worker": ["a:1"]}, "task": {"type": "chief", "index": 0}}, True),
        ({"cluster": {"chief": ["c:1"], "worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}, False),
        ({"cluster": {}}, True),
    ],
)
def test_one_process_writes(config, chief, monkeypatch: pytest.MonkeyPatch):
    """The rule of tf.distribute: the chief, or worker 0 of a cluster without one."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert is_chief() is chief


def test_a_master_is_the_chief_of_tf_distribute(monkeypatch: pytest.MonkeyPatch):
    """Truth: TensorFlow's own reader; `tf.distribute` knows no master."""
    config = {"cluster": {"master": ["m:1"], "worker": ["a:1"]}, "task": {"type": "master", "index": 0}, "more": 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", lambda: "made")
    assert make_strategy("multi_worker") == "made"
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    assert resolver.cluster_spec().as_dict() == {"chief": ["m:1"], "worker": ["a:1"]}
    assert (resolver.task_type, resolver.task_id) == ("chief", 0)
    assert json.loads(os.environ["TF_CONFIG"])["more"] == 1
    assert is_chief()


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ({"type": "ps", "index": 0}, "a task of type 'ps' does not train"),
        ({"type": "evaluator", "index": 0}, "a task of type 'evaluator' does not train"),
        ({}, "expected a JSON object with cluster and task"),
        ({"type": "worker", "index": 2}, "no worker number 2"),
        ({"type": "chief", "index": 0}, "no chief number 0"),
    ],
)
def test_tasks_that_do_not_train(task: dict, words: str, monkeypatch: pytest.MonkeyPatch):
    config = {"cluster": {"worker": ["a:1", "b:1"], "ps": ["c:1"]}, "task": task}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    with pytest.raises(InputError, match=words):
        make_strategy("multi_worker")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"task": {"index": "two"}}',
        '{"task": {"index": 1e999}}',
        "[" * 10**5,
        '{"cluster": [[1]], "task": {}}',
    ],
)
def test_a_broken_cluster_is_one_line(text, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match="TF_CONFIG: expected a JSON object"):
        is_chief()
    with pytest.raises(InputError, match="TF_CONFIG: expected a JSON object"):
        make_strategy("multi_worker")


@pytest.mark.parametrize(
    ("cluster", "task", "expected"),
    [
        ({"master": ["a:1"], "worker": ["b:1"]}, ("master", 0), True),  # Kubeflow's name
        ({"master": ["a:1"], "worker": ["b:1"]}, ("worker", 0), False),
        ({"chief": ["a:1"], "worker": ["b:1"]}, ("worker", 0), False),
        ({"worker": ["a:1", "b:1"]}, ("worker", 1), False),
    ],
)
def test_the_chief_by_any_name(cluster, task, expected, monkeypatch: pytest.MonkeyPatch):
    config = {"cluster": cluster, "task": {"type": task[0], "index": task[1]}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert is_chief() == expected
    assert is_chief_of(tf.distribute.get_strategy())  # one worker, whatever a scheduler puts into the environment


def test_batches_that_a_tpu_cannot_share_evenly_are_refused(monkeypatch: pytest.MonkeyPatch):
    class Strategy:
        num_replicas_in_sync = 8

    rows = tf.data.Dataset.range(100)
    check_even_shares(Strategy(), rows.batch(30))
    monkeypatch.setattr(tf.distribute, "TPUStrategy", Strategy)
    check_even_shares(Strategy(), rows.batch(16, drop_remainder=True))
    with pytest.raises(InputError, match="8 cores cannot share batches of 30 rows evenly; take a --batch_size that is"):
        check_even_shares(Strategy(), rows.batch(30, drop_remainder=True))
    with pytest.raises(InputError, match="batches of several numbers of rows"):
        check_even_shares(Strategy(), rows.batch(16))
