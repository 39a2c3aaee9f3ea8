"""What `keras-bert pretrain` learns from: the lengths of its phases, the examples of each epoch, those held out."""

from __future__ import annotations

import functools
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts import training_flags

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_bert.tasks.pretraining.pretraining_task import PretrainingTask

FLAGS = flags.FLAGS


class Part(NamedTuple):
    """A part of the run: rows of one length.

    Attributes:
        length: Tokens of a row at most.
        end: Share of the run that is done when the part ends.
    """

    length: int
    end: float


def parts_of_run() -> list[Part]:
    """Returns the parts of the run, as --phase has them.

    Raises:
        InputError: One is not LENGTH:SHARE, or the shares do not add up to 1.
    """
    parts = []
    for text in FLAGS.phase:
        try:
            length, share = text.split(":")
            parts.append((int(length), float(share)))
        except ValueError:
            raise InputError(f"--phase: {text!r}: expected LENGTH:SHARE, such as 128:0.9,512:0.1") from None
    total = sum(share for _, share in parts)
    if abs(total - 1) > 1e-6 or any(share <= 0 for _, share in parts):
        raise InputError(f"--phase: the shares must be more than 0 and add up to 1, received: {total:g}")
    ends = [sum(share for _, share in parts[: index + 1]) for index in range(len(parts))]
    return [Part(length, min(end, 1.0)) for (length, _), end in zip(parts, ends, strict=True)]


class PretrainingExamples:
    """Where the batches come from: the epochs of each part of the run, and held-out ones of its length.

    Args:
        task: Gets the batches.
        parts: Of the run.

    Raises:
        InputError: Text or records do not suit the flags.
    """

    def __init__(self, task: PretrainingTask, parts: list[Part]) -> None:
        from keras_bert.data.pretraining import pretraining_documents
        from keras_bert.data.pretraining.records import check_records_fit
        from keras_bert.text.masks.masking import TokenMasker

        self._task = task
        self._parts = parts
        masking = FLAGS.mask_rate, FLAGS.max_predictions, FLAGS.mask_unit, FLAGS.phrases
        self._masker = None if FLAGS.objective == "clm" else TokenMasker(task.tokenizer, *masking)
        self._documents = self._others = None
        self._made: dict[tuple[int, int], tf.data.Dataset] = {}
        self._held_out: dict[int, list[tuple]] = {}
        if FLAGS.text:
            options = {"layout": FLAGS.layout, "held_out": FLAGS.held_out, "strict": FLAGS.strict}
            self._documents = pretraining_documents(FLAGS.text, task.tokenizer, split="train", **options)
            self._others = pretraining_documents(FLAGS.text, task.tokenizer, split="held_out", **options)
        else:
            for index, part in enumerate(parts):
                check_records_fit(self._folder(index), part.length, FLAGS.objective)
        for index in range(len(parts)):
            self.held_out(index)

    def epoch(self, part: int, epoch: int, begin: int = 0) -> tf.data.Dataset:
        """Makes the batches of an epoch of a part, from one on; they follow from the seed alone."""
        made = self._made.pop((part, epoch), None)
        return self._make(part, epoch, begin) if made is None or begin else made

    @property
    def facts(self) -> dict[str, Any]:
        """What the batches follow from, by name."""
        from keras_bert.training.runs.data_fingerprint import arrays_fingerprint

        names = ("batch_size", "seed", "objective", "mask_rate", "mask_unit", "max_predictions", "packing")
        shape = {name: FLAGS[name].value for name in names}
        lengths = {"lengths": [part.length for part in self._parts]}
        if self._documents is not None:
            return {"text": arrays_fingerprint(self._documents.documents), **shape, **lengths}
        # The manifest names the shards, each with its size and its checksum or number of examples.
        folders = [self._folder(index) for index in range(len(self._parts))]
        manifests = [zlib.crc32(Path(folder, "manifest.json").read_bytes()) for folder in folders]
        return {"records": manifests, **shape, **lengths}

    def count(self, part: int) -> int:
        """Returns how many batches the first epoch of a part has; these are made once."""
        self._made = {(part, 0): self.epoch(part, 0)}
        return int(self._made[part, 0].cardinality())

    def _make(self, part: int, epoch: int, begin: int) -> tf.data.Dataset:
        from keras_bert.data.batching.packed_batches import static_packed_batches
        from keras_bert.data.pretraining import RecordStream, pretraining_text

        seed = (FLAGS.seed * 1009 + part) * 100_003 + epoch
        length = self._parts[part].length
        if self._documents is not None:
            examples = pretraining_text(
                self._documents, max_length=length, objective=_texts(), seed=FLAGS.seed, epoch=epoch
            )
        else:
            examples = RecordStream(self._folder(part), self._task.tokenizer)
        batches = functools.partial(
            self._task.batches,
            examples,
            FLAGS.batch_size,
            shuffle=True,
            seed=seed,
            masker=self._masker,
            begin=begin,
        )
        if not FLAGS.packing:
            return training_flags.shaped(batches(), self._task)
        made = batches(row_length=length)
        if FLAGS.static_shapes != "on":
            return made
        return static_packed_batches(made, FLAGS.batch_size, length, self._task.tokenizer.pad_token_id)

    def held_out(self, part: int) -> list[tuple]:
        """Returns the held-out batches of a part: the same rows with the same masks in every evaluation.

        Raises:
            InputError: The records have their masks already, and others are asked for.
        """
        key = self._parts[part].length if self._others is not None else min(part, len(FLAGS.records) - 1)
        if key not in self._held_out:
            examples = self._held_out_examples(part).take(FLAGS.eval_examples)
            made = self._task.batches(examples, FLAGS.eval_batch_size, seed=FLAGS.seed, masker=self._masker)
            self._held_out[key] = list(made)
        return self._held_out[key]

    def _held_out_examples(self, part: int) -> tf.data.Dataset:
        from keras_bert.data.pretraining import pretraining_records, pretraining_text

        if self._others is not None:
            length = self._parts[part].length
            return pretraining_text(self._others, max_length=length, objective=_texts(), seed=FLAGS.seed)
        folder = self._folder(part)
        examples = pretraining_records(Path(folder) / "held_out", self._task.tokenizer)
        if "mask_positions" in examples.element_spec and masks_asked_for():
            raise InputError(
                f"{folder}: its masks are made already, so --mask_rate, --mask_unit, --phrases and --max_predictions "
                "have no effect; leave them out, or build the records with --masking=dynamic"
            )
        return examples

    def _folder(self, part: int) -> str:
        """Returns where the records of a part are."""
        return FLAGS.records[min(part, len(FLAGS.records) - 1)]

    def scores(self) -> dict[str, dict[str, Any]]:
        """Scores the model on the held-out examples of each length: the length → the scores."""
        indices = {part.length: index for index, part in enumerate(self._parts)}
        return {str(length): self._task.evaluate_examples(self.held_out(index)) for length, index in indices.items()}

    def unigram_accuracies(self) -> dict[int, float]:
        """Returns, for each length, the accuracy of always answering the commonest token."""
        from keras_bert.tasks.pretraining.scores import unigram_accuracy

        indices = {part.length: index for index, part in enumerate(self._parts)}
        return {length: unigram_accuracy(self.held_out(index)) for length, index in indices.items()}


def masks_asked_for() -> list[str]:
    """Returns the flags that say what is hidden and do not say the usual; a run that goes on has them all."""
    names = ("mask_rate", "mask_unit", "phrases", "max_predictions")
    return [name for name in names if FLAGS[name].value != FLAGS[name].default]


def _texts() -> str:
    """Returns the kind of examples that the objective learns from: left to right, texts as for masked words alone."""
    return "mlm" if FLAGS.objective == "clm" else FLAGS.objective
