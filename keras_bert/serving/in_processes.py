"""One function over many items in several processes: the results in the order of the items, a few items ahead."""

import collections
import concurrent.futures
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from keras_bert.errors import LostProcessError

Item = TypeVar("Item")
Result = TypeVar("Result")

_PARENT_CHECK = 0.5  # seconds
_AHEAD = 2  # items a process that wait or are worked on: the results of others must not pile up behind a slow one


def in_processes(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    processes: int,
    begin: Callable[..., None] | None = None,
    arguments: tuple[Any, ...] = (),
) -> Iterator[Result]:
    """Yields `function(item)` for each item, in their order.

    The processes are new ones, and not forked: TensorFlow's threads do not survive that. Each gets its share of the
    processor's threads.

    Args:
        function: Of a module, so that a process finds it by its name; it and the items travel.
        items: Read as they are needed, two a process ahead.
        processes: How many.
        begin: Called once in each process, before the first item; of a module, too.
        arguments: Of `begin`.

    Raises:
        InputError: A process raised it.
        LostProcessError: A process has gone; the system may have been out of memory.

    Example:
        >>> list(in_processes(abs, [-3, 2, -1], processes=2))
        [3, 2, 1]
    """
    context = multiprocessing.get_context("spawn")
    threads = max(1, len(os.sched_getaffinity(0)) // processes)
    pool = concurrent.futures.ProcessPoolExecutor(processes, context, _begin, (os.getpid(), threads, begin, arguments))
    waiting: collections.deque[concurrent.futures.Future[Result]] = collections.deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= _AHEAD * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise LostProcessError(
            "one of the processes has gone, as when the system is out of memory; give fewer, --processes=1"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(parent: int, threads: int, begin: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    # Read by TensorFlow when it is first imported here, and by the libraries under NumPy.
    os.environ["OMP_NUM_THREADS"] = os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
    os.environ["TF_NUM_INTEROP_THREADS"] = str(threads)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Ctrl-C at a terminal reaches all of them: it is for the process that started them, and ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if begin is not None:
        begin(*arguments)


def _end_with(parent: int) -> None:
    """Ends this process when the one that started it is gone, which a queue between them does not tell."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK)
    os._exit(1)
