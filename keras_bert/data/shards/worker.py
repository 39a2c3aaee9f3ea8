"""A worker process of the embedded runner: Beam's own, with TensorFlow on one thread and without notes on the terminal.

Started by `beam_runner.py`, as a file and not as a module, for its package imports TensorFlow. What it is to do comes
through the environment and a local socket, from Beam.
"""

import logging
import os
import sys
import threading
import time

_PARENT_CHECK = 1.0  # seconds


def run() -> None:
    """Runs Beam's worker until the pipeline ends."""
    # What goes wrong is raised in the process that started this one.
    logging.disable(logging.WARNING)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    _import_quietly()
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv)


def _end_with(parent: int) -> None:
    """Ends this process when the one that started it has: Beam would notice after a minute, at work meanwhile."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK)
    os._exit(1)


def _import_quietly() -> None:
    """Imports what the work needs; what TensorFlow writes to standard error meanwhile goes nowhere."""
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import tensorflow as tf

        # There is a process for each core already.
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)

        import keras_bert.data.shards.manifest  # noqa: F401
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


if __name__ == "__main__":
    run()
