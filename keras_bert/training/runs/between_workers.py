"""What the workers of a run tell each other, beside gradients."""

import contextlib
import dataclasses
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.graph import graph_function
from keras_bert.training.strategy import is_chief, part_of_workers


@dataclasses.dataclass(frozen=True)
class BetweenWorkers:
    """Sums over the workers of a strategy; every worker must call as often as the others.

    Args:
        strategy: With several workers; see `of`.

    Example:
        >>> BetweenWorkers.of(tf.distribute.get_strategy()) is None  # there is one worker
        True
    """

    strategy: tf.distribute.Strategy
    _sum: Callable[[Any], Any] = dataclasses.field(repr=False)

    @classmethod
    def of(cls, strategy: tf.distribute.Strategy) -> "BetweenWorkers | None":
        """Returns what the workers of a strategy have in common, None where there is only one."""
        if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return None

        def add(number: Any) -> Any:
            # A copy on the replica's own device: the sum goes where the number is.
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(number))

        run = graph_function(lambda number: strategy.run(add, args=(number,)), reduce_retracing=True)
        return cls(strategy, lambda number: strategy.experimental_local_results(run(number))[0])

    def sum(self, number: int) -> int:
        """Returns the sum of the workers' numbers; a worker with several devices counts each of them."""
        return int(self._sum(tf.constant(number)))

    def gather(self, data: bytes) -> list[bytes]:
        """Returns what each worker gives, in the order of the workers; all of it goes over the net once."""
        devices = len(self.strategy.extended.worker_devices)
        own, count = part_of_workers(self.strategy)
        lengths = self._sum(tf.one_hot(own, count, len(data), 0, dtype=tf.int32)).numpy() // devices
        ends = lengths.cumsum()
        placed = np.zeros(int(ends[-1]), np.int32)
        placed[ends[own] - lengths[own] : ends[own]] = np.frombuffer(data, np.uint8)
        whole = (self._sum(tf.constant(placed)).numpy() // devices).astype(np.uint8)
        return [whole[end - length : end].tobytes() for end, length in zip(ends, lengths, strict=True)]

    def of_chief(self, number: float) -> float:
        """Returns the chief's number."""
        devices = len(self.strategy.extended.worker_devices)
        return float(self._sum(tf.constant(number / devices if is_chief() else 0.0, tf.float32)))

    def differing(self, digests: Mapping[str, int]) -> list[str]:
        """Returns the names under which a worker has another number than the chief.

        Args:
            digests: Name → whole number under 2²²; the same names, in the same order, on all workers.
        """
        devices = len(self.strategy.extended.worker_devices)
        mine = tf.constant(list(digests.values()), tf.float32)
        chiefs = tf.round(self._sum(mine / devices if is_chief() else tf.zeros_like(mine)))
        others = self._sum(tf.cast(mine != chiefs, tf.float32))
        return [name for name, count in zip(digests, others.numpy(), strict=True) if count]


def refuse_unequal_workers(strategy: tf.distribute.Strategy, facts: Mapping[str, Any]) -> None:
    """Refuses workers that would not do the same, before they wait for each other; nothing to do for a single one.

    Args:
        strategy: That they train under.
        facts: What has to be the same on all workers, by names that a reader knows; as many on each of them.

    Raises:
        InputError: Names the facts in which a worker differs from the chief, on all workers alike.
    """
    workers = BetweenWorkers.of(strategy)
    if workers is None:
        return
    # Whole numbers that float32 holds, also when they are shared out among devices.
    digests = {name: zlib.crc32(repr(value).encode()) & 0x3FFFFF for name, value in facts.items()}
    if differing := workers.differing(digests):
        raise InputError(
            f"the workers differ in {', '.join(differing)}; start all of them with the same flags and the same data"
        )


def digest_of(variables: Iterable[Any]) -> int:
    """Returns a number that tells the values of Keras variables from others.

    Example:
        >>> digest_of([])
        0
    """
    digest = 0
    for variable in variables:
        digest = zlib.crc32(variable.numpy().tobytes(), digest)
    return digest


@contextlib.contextmanager
def lost_workers_named(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Says in one line what a failed operation between workers means.

    Raises:
        InputError: Another worker has gone.
    """
    lost = (
        tf.errors.UnavailableError,
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
    )
    try:
        yield
    except lost as error:
        if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            raise
        raise InputError(
            f"another worker has gone ({' '.join(str(error).split())[:160]}); start all workers again with the same "
            "flags: the run goes on from its last checkpoint"
        ) from error
