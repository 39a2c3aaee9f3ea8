"""What `keras-bert prepare` does, and `keras-bert finetune --stream` first: rows read, examples written."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from typing import TYPE_CHECKING, Any

from absl import flags, logging

from keras_bert.errors import InputError
from keras_bert.scripts import checkpoint_flags, long_text_flags, row_flags, start_flags
from keras_bert.scripts.flag_file import flag_lines
from keras_bert.scripts.prepared_rows import PreparedRows
from keras_bert.scripts.task_kinds import KINDS, flag_modules

if TYPE_CHECKING:
    import types
    from collections.abc import Iterator, Sequence

    from keras_bert.checkpoints.checkpoint import Checkpoint
    from keras_bert.data.shards.manifest import Manifest

FLAGS = flags.FLAGS

OWN = ("task", "train", "max_length", "truncation", "positions")
"""Flags of `finetune` itself that examples follow from."""

_NOT_KEPT = ("train", "preset", "config", "vocabulary", "labels", "data_dir")


def prepare_rows(
    modules: Sequence[types.ModuleType],
    output: str,
    held_out: float = 0.0,
    overwrite: bool = False,
    beam_flags: Sequence[str] = (),
) -> Manifest:
    """Prepares the rows of `--train`.

    Args:
        modules: Those of `finetune` with the flags of a task.
        output: The folder to write.
        held_out: Share of the rows to hold out.
        overwrite: Replace what is there.
        beam_flags: Beam's options.

    Raises:
        InputError: As `prepare_examples`, and as the readers of rows.
    """
    from keras_bert.data.shards.build import count_labels, digest_of_build, made_before, prepare_examples
    from keras_bert.data.sources.find_sources import find_sources

    if FLAGS.output_words == "targets":
        raise InputError("--output_words=targets needs all targets at once; leave it out, or train on rows in memory")
    kind = KINDS[FLAGS.task]
    sources = find_sources(FLAGS.train)
    checkpoint = _without_weights()
    settings = [{flag.name: flag.value for flag in example_flags()}, held_out, checkpoint.extra]
    run = digest_of_build(settings, checkpoint.tokenizer(), sources)
    if found := made_before(output, run):
        logging.info("%s: prepared before, of the same rows", output)
        return found
    reader = PreparedRows(flag_lines(*modules, leave_out=("train", "output")))
    counts: Counter[str] = Counter()
    if kind.counts_labels and (not FLAGS.labels or FLAGS.class_weights == "balanced"):
        counts = count_labels(reader, sources, beam_flags)
    labels = kind.labels_of(counts)
    with _quietly():  # of weights that are not there
        task = kind.build(checkpoint, kind.counted(counts), labels)
        reader = reader.with_task(task, labels)
        reader.open()
    return prepare_examples(
        reader,
        sources,
        task.tokenizer,
        output,
        task=task.example_settings,
        facts={"labels": labels, "label_counts": dict(counts), "flags": _kept_flags()},
        run=run,
        held_out=held_out,
        overwrite=overwrite,
        beam_flags=beam_flags,
    )


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


def example_flags() -> list[flags.Flag]:
    """Returns the flags that examples follow from."""
    modules = [start_flags, checkpoint_flags, row_flags, long_text_flags, *flag_modules(KINDS[FLAGS.task])]
    found = [flag for module in modules for flag in FLAGS.get_flags_for_module(module.__name__)]
    return [*found, *(FLAGS[name] for name in OWN)]


def _kept_flags() -> dict[str, Any]:
    """Returns what `finetune` takes from the folder: the flags with other values than their defaults."""
    kept = [flag for flag in example_flags() if flag.name not in _NOT_KEPT]
    return {flag.name: flag.value for flag in kept if flag.name == "task" or flag.value != flag.default}


def _without_weights() -> Checkpoint:
    """Returns what the task is made from: the preset's tokenizer and settings, and an encoder that costs nothing."""
    from keras_bert.checkpoints import open_checkpoint, without_weights
    from keras_bert.checkpoints.hierarchical_positions import with_positions
    from keras_bert.config import BertConfig

    longest = KINDS[FLAGS.task].longest_row()
    tiny: dict[str, Any] = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    if FLAGS.vocabulary is not None:
        config = BertConfig(**tiny, max_position_embeddings=max(512, longest))
        return without_weights(config, FLAGS.vocabulary, FLAGS.lowercase, FLAGS.pad_vocabulary)
    checkpoint = open_checkpoint(FLAGS.preset, lowercase=FLAGS.lowercase, pad_vocabulary=FLAGS.pad_vocabulary)
    checkpoint = with_positions(checkpoint, FLAGS.positions, longest)
    return dataclasses.replace(checkpoint, config=dataclasses.replace(checkpoint.config, **tiny), tensors={})
