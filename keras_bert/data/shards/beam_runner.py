"""Runs a Beam pipeline: on the embedded runner with a process a core, or wherever the flags say."""

import contextlib
import io
import logging as standard_logging
import os
import re
import shlex
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keras_bert.data.shards.beam_files import import_beam
from keras_bert.errors import InputError, one_line

_EMBEDDED = ("DirectRunner", "SwitchingDirectRunner", "FnApiRunner")
_DEFAULTS = {
    "runner": "DirectRunner",
    "direct_running_mode": "multi_processing",
    "direct_num_workers": "0",
    "job_server_timeout": "60",  # seconds to wait for a server's answers, not for the work; Beam's own 300
}
_ENDPOINTS = ("job_endpoint", "artifact_endpoint", "flink_master")
_CONNECT_SECONDS = 10
_INPUT_ERROR = re.compile(r"keras_bert\.errors\.InputError: (.*)")
_SYSTEM_ERROR = re.compile(r"(\[Errno \d+\] [^\n]*|[^\n]*No space left on device)")


def pipeline_options(flags: Sequence[str]) -> Any:
    """Reads Beam's flags, with our defaults for what they leave open: the embedded runner, a process for each core.

    Args:
        flags: `--name=value`, or `--name` for what is true.

    Raises:
        InputError: Beam is not installed, or knows no such flag or value.
    """
    import_beam()
    from apache_beam.options.pipeline_options import PipelineOptions

    given = {flag.removeprefix("--").partition("=")[0] for flag in flags}
    defaults = [f"--{name}={value}" for name, value in _DEFAULTS.items() if name not in given]
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            options = PipelineOptions([*flags, *defaults])
            known = options.get_all_options()
    except SystemExit:  # argparse has printed its usage, some hundred lines, and ends with what is wrong
        raise InputError(f"Apache Beam: {said.getvalue().strip().rpartition('error: ')[2]}") from None
    for name in sorted(given):
        if name not in known and name.removeprefix("no_") not in known:
            raise InputError(f"unknown flag --{name}: neither of this program nor of Apache Beam")
    return options


def run_pipeline(build: Callable[[Any], None], options: Any) -> None:
    """Runs a pipeline to its end.

    Args:
        build: Adds the transforms to a `beam.Pipeline`.
        options: What `pipeline_options` gave.

    Raises:
        InputError: A worker met one, or ran out of disk; or a runner other than the embedded one is not known, cannot
            be reached, or gives up.
    """
    import apache_beam as beam
    from apache_beam.options.pipeline_options import StandardOptions

    name = options.view_as(StandardOptions).runner
    if name not in _EMBEDDED:
        _check_endpoints(options)
    quiet = standard_logging.getLogger("apache_beam.runners.portability")
    level = quiet.level
    try:
        # What fails in a worker is raised here as well; Beam's own account of it takes pages.
        quiet.setLevel(standard_logging.CRITICAL)
        pipeline = beam.Pipeline(runner=_runner(options), options=options)
        build(pipeline)
        pipeline.run().wait_until_finish()
    except Exception as error:
        if found := _INPUT_ERROR.search(str(error)):
            raise InputError(found[1].partition(" [while running")[0]) from None
        if found := _SYSTEM_ERROR.search(str(error)):
            raise InputError(f"a worker failed: {found[1].strip()}") from error
        if name in _EMBEDDED or isinstance(error, InputError):
            raise
        # A program elsewhere, that we know nothing of: it may be missing, unreachable, or refuse what it is told.
        waited = options.get_all_options().get("job_server_timeout")
        silent = f"no answer within {waited} s (--job_server_timeout)" if "Timeout" in type(error).__name__ else ""
        reason = silent or one_line(" ".join(str(error).split()), 600) or "no reason given"
        raise InputError(f"Apache Beam's --runner={name} failed: {type(error).__name__}: {reason}") from error
    finally:
        quiet.setLevel(level)


def _check_endpoints(options: Any) -> None:
    """Refuses a server that cannot be reached at all, which Beam would wait for."""
    given = options.get_all_options()
    for name in _ENDPOINTS:
        address = re.fullmatch(r"(?:https?://)?([^/:\[\]]+):(\d+)/?", str(given.get(name) or ""))
        if address is None:  # none is given, or one by another name than host and port
            continue
        try:
            socket.create_connection((address[1], int(address[2])), _CONNECT_SECONDS).close()
        except (OSError, OverflowError) as error:
            raise InputError(f"--{name}={given[name]}: cannot be reached ({error})") from None


def _runner(options: Any) -> Any:
    """Gives the runner, or None for the one that the options name.

    Beam's own DirectRunner looks for Prism first, a program in Go that it would download.
    """
    from apache_beam.options.pipeline_options import DirectOptions, StandardOptions

    if options.view_as(StandardOptions).runner not in _EMBEDDED:
        return None
    from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
    from apache_beam.transforms.environments import SubprocessSDKEnvironment

    direct = options.view_as(DirectOptions)
    if direct.direct_running_mode != "multi_processing":
        return FnApiRunner()
    # Beam would start its own worker, with TensorFlow on all cores in each, and perhaps without this package.
    direct.direct_running_mode = "in_memory"
    return FnApiRunner(default_environment=SubprocessSDKEnvironment.from_command_string(_worker_command()))


def _worker_command() -> str:
    root = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    worker = Path(__file__).with_name("worker.py")
    # `exec`, so that the shell does not stand between Beam and the process that it ends; `-P`, so that the modules
    # beside the worker do not stand in for others of their names.
    return f"PYTHONPATH={shlex.quote(path)} exec {shlex.quote(sys.executable)} -P {shlex.quote(str(worker))}"
