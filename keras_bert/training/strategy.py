"""Where a model trains: one device, all devices of a machine, many machines, a TPU."""

import json
import os
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.foreign_files import loads_json
from keras_bert.graph import as_written

STRATEGIES = ("none", "mirrored", "multi_worker", "tpu")

# What is raised while values of other kinds than those of a cluster are taken apart; an index may be infinite.
_NO_CLUSTER = (ValueError, AttributeError, KeyError, TypeError, OverflowError, RecursionError)


def make_strategy(name: str = "none", tpu: str = "") -> tf.distribute.Strategy:
    """Makes a `tf.distribute` strategy; model and optimizer are then made inside its `scope()`.

    Args:
        name: `"none"` (the default strategy: one device), `"mirrored"` (all GPUs of the machine, or all
            logical CPU devices where there is no GPU), `"multi_worker"` (the machines of `TF_CONFIG`, which counts
            here alone, or of `name_workers`) or `"tpu"`.
        tpu: Name or address of the TPU; empty for a TPU VM's own.

    Raises:
        InputError: No such strategy, or its devices are not there.

    Example:
        >>> with make_strategy("none").scope():
        ...     pass
    """
    if name not in STRATEGIES:
        raise InputError(f"strategy must be one of {', '.join(STRATEGIES)}, received: {name!r}")
    if name == "mirrored":
        gpus = tf.config.list_logical_devices("GPU")
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    if name == "multi_worker":
        if not os.environ.get("TF_CONFIG"):  # without it each worker would train alone, and take itself for the chief
            raise InputError(
                "strategy 'multi_worker': which workers? --workers=HOST:PORT,HOST:PORT --worker=NUMBER, or TF_CONFIG"
            )
        _join_cluster()
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "tpu":
        try:
            resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=tpu or "local")
            tf.config.experimental_connect_to_cluster(resolver)
            tf.tpu.experimental.initialize_tpu_system(resolver)
        except (ValueError, OSError, tf.errors.OpError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"strategy 'tpu': no TPU to be had here ({reason})") from error
        return tf.distribute.TPUStrategy(resolver)
    return tf.distribute.get_strategy()


def name_workers(workers: Sequence[str], worker: int) -> None:
    """Writes down who the workers are, in `TF_CONFIG`, where TensorFlow looks for them.

    To be called before the first tensor is made: a cluster cannot be joined later.

    Args:
        workers: Their addresses, `host:port`, the same on each of them; the first is the chief.
        worker: Which of them this process is, from 0.

    Raises:
        InputError: An address without a port or there twice, no such worker, or another `TF_CONFIG` is there already.

    Example:
        >>> name_workers(["10.0.0.1:2222", "10.0.0.2:2222"], 0)
    """
    for address in workers:
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise InputError(f"workers: {address!r} is no address; expected HOST:PORT")
        if workers.count(address) > 1:
            raise InputError(f"workers: {address!r} is there more than once")
    if not 0 <= worker < len(workers):
        raise InputError(f"worker {worker}: there are {len(workers)}, which are numbered from 0")
    config = {"cluster": {"worker": list(workers)}, "task": {"type": "worker", "index": worker}}
    text = json.dumps(config)
    if os.environ.get("TF_CONFIG", text) != text:
        raise InputError("workers: TF_CONFIG names a cluster already; leave out one of the two")
    os.environ["TF_CONFIG"] = text


def is_chief() -> bool:
    """Tells whether this process is the one that writes files: the chief, or the first worker where there is none.

    True for a process that is in no cluster (without `TF_CONFIG`). `master` is what chiefs were called once, and are by
    Kubeflow. For strategy `multi_worker`; other strategies do not look at `TF_CONFIG`, see `is_chief_of`.

    Raises:
        InputError: `TF_CONFIG` is no JSON object with `cluster` and `task`.

    Example:
        >>> is_chief()
        True
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        return True
    try:
        config = loads_json(text)
        cluster, task = config.get("cluster", {}), config.get("task", {})
        kind, index = task.get("type"), int(task.get("index", 0))
        has_chief = bool({"chief", "master"} & cluster.keys())
    except _NO_CLUSTER as error:
        raise InputError(f"TF_CONFIG: expected a JSON object with cluster and task ({error})") from None
    return kind in (None, "chief", "master") or (kind == "worker" and index == 0 and not has_chief)


def check_even_shares(strategy: tf.distribute.Strategy, batches: tf.data.Dataset) -> None:
    """Refuses batches that the cores of a TPU cannot share evenly, as its compiler wants them.

    Raises:
        InputError: The number of rows is not known before a batch is there, or the cores do not divide it.

    Example:
        >>> check_even_shares(tf.distribute.get_strategy(), tf.data.Dataset.range(5).batch(2))  # which is no TPU's
    """
    if not isinstance(strategy, tf.distribute.TPUStrategy):
        return
    cores = strategy.num_replicas_in_sync
    for spec in tf.nest.flatten(batches.element_spec):
        rows = spec.shape[0] if spec.shape.rank else None
        if rows is None or rows % cores:
            found = "batches of several numbers of rows" if rows is None else f"batches of {rows} rows"
            raise InputError(
                f"strategy 'tpu': {cores} cores cannot share {found} evenly; take a --batch_size that is a multiple of "
                f"{cores}, and leave --static_shapes on"
            )


def part_of_workers(strategy: tf.distribute.Strategy) -> tuple[int, int]:
    """Returns the number of this worker, from 0, and how many there are; of other strategies there is one.

    Example:
        >>> part_of_workers(tf.distribute.get_strategy())
        (0, 1)
    """
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return 0, 1
    resolver = strategy.cluster_resolver
    workers = resolver.cluster_spec().as_dict()
    before = {"chief": 0, "worker": len(workers.get("chief", ()))}
    return before[resolver.task_type] + resolver.task_id, sum(len(workers.get(kind, ())) for kind in before)


def own_batches(strategy: tf.distribute.Strategy, batches: Any) -> Any:
    """Makes batches that hold the rows of this worker alone ready for `fit`, which would divide them once more.

    Args:
        strategy: That of the model.
        batches: Those of `PreparedExamples` with several parts; whatever else `fit` takes comes back as it is.

    Example:
        >>> batches = tf.data.Dataset.range(4).batch(2)
        >>> own_batches(tf.distribute.get_strategy(), batches) is batches
        True
    """
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) or not isinstance(batches, tf.data.Dataset):
        return batches
    policy = batches.options().experimental_distribute.auto_shard_policy
    if policy != tf.data.experimental.AutoShardPolicy.OFF:
        return batches
    devices = len(strategy.extended.worker_devices)
    dealt = batches if devices == 1 else batches.flat_map(as_written(lambda *batch: _divided(batch, devices)))
    return strategy.distribute_datasets_from_function(lambda _: dealt)


def _divided(batch: Any, parts: int) -> tf.data.Dataset:
    """Divides a batch between the devices of this worker."""
    rows = tf.shape(tf.nest.flatten(batch)[0], tf.int64)[0]
    size = (rows + parts - 1) // parts

    def share(part: tf.Tensor) -> Any:
        return tf.nest.map_structure(lambda tensor: tensor[part * size : (part + 1) * size], batch)

    return tf.data.Dataset.range(parts).map(as_written(share))


def is_chief_of(strategy: tf.distribute.Strategy) -> bool:
    """Tells whether this process writes the files of a model of a strategy: all do but the workers behind the chief.

    Example:
        >>> is_chief_of(tf.distribute.get_strategy())
        True
    """
    return not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) or is_chief()


def _join_cluster() -> None:
    """Calls the master of `TF_CONFIG`, as Kubeflow has it, by the name that `tf.distribute` knows: chief.

    Raises:
        InputError: `TF_CONFIG` is no JSON object with `cluster` and `task`, or the task does not train.
    """
    try:
        config = loads_json(os.environ["TF_CONFIG"])
        cluster = {{"master": "chief"}.get(kind, kind): list(tasks) for kind, tasks in config["cluster"].items()}
        kind, index = config["task"]["type"], int(config["task"].get("index", 0))
    except _NO_CLUSTER as error:
        raise InputError(f"TF_CONFIG: expected a JSON object with cluster and task ({error})") from None
    kind = "chief" if kind == "master" else kind
    if kind not in ("chief", "worker"):
        raise InputError(f"TF_CONFIG: a task of type {kind!r} does not train; there are chief (or master) and worker")
    if not 0 <= index < len(cluster.get(kind, ())):
        raise InputError(f"TF_CONFIG: the cluster has no {kind} number {index}")
    os.environ["TF_CONFIG"] = json.dumps({**config, "cluster": cluster, "task": {"type": kind, "index": index}})
