"""Builds pre-training data with Apache Beam: documents to units of work, units to shards, counts to the manifest.

Text goes through no shuffle: a worker reads its unit's documents where they stand and writes the finished shard.
"""

import io
import itertools
import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

import keras
from absl import logging

from keras_bert.data.pretraining.corpus import Corpus, find_corpus
from keras_bert.data.pretraining.documents import LAYOUTS, check_share
from keras_bert.data.pretraining.examples import WITH_PAIRS, check_settings, one_document
from keras_bert.data.pretraining.shard import ShardSettings, write_shard
from keras_bert.data.pretraining.units import Unit, deal
from keras_bert.data.shards.beam_files import beam_version, file_systems, write_whole
from keras_bert.data.shards.beam_runner import pipeline_options, run_pipeline
from keras_bert.data.shards.manifest import PRETRAINING, Manifest, describe_vocabulary, versions
from keras_bert.data.shards.output import (
    SPLITS,
    ManifestPlan,
    check_output,
    finish,
    work_folder,
    write_manifests,
)
from keras_bert.errors import InputError
from keras_bert.text.masks.masking import TokenMasker

UNIT_MEGABYTES = 4.0


def build_pretraining_data(
    inputs: Sequence[str],
    tokenizer: Any,
    output: str,
    *,
    objective: str = "mlm_nsp",
    max_length: int = 128,
    short_seq_probability: float | None = None,
    duplicates: int = 1,
    seed: int = 0,
    held_out: float = 0.0,
    layout: str = "sentence_per_line",
    masking: dict[str, Any] | None = None,
    strict: bool = False,
    overwrite: bool = False,
    unit_megabytes: float = UNIT_MEGABYTES,
    text: str = "text",
    data_dir: str | None = None,
    beam_flags: Sequence[str] = (),
) -> Manifest:
    """Makes compressed records of pre-training examples, with as many processes as Beam is given.

    The same inputs, settings and seed give the same examples whatever runs them. Nothing counts until the manifest is
    there, which is written last; data that were there before count until then.

    Args:
        inputs: Files and globs wherever Beam can read, `.gz` and `.bz2` too, and `tfds:NAME`, also with `:SPLIT`.
        tokenizer: Such as `BertTokenizer`.
        output: The folder to write, wherever Beam can.
        objective: `mlm_nsp`, `mlm` or `unilm`, see `make_examples`.
        max_length: Tokens of an example at most.
        short_seq_probability: Share of documents with shorter examples; None for the objective's own.
        duplicates: Passes over the training documents, each with other pairs.
        seed: Decides everything random.
        held_out: Share of the documents whose examples go to `OUTPUT/held_out`.
        layout: `sentence_per_line`, with a blank line between documents, or `document_per_line`.
        masking: Arguments of `TokenMasker`, for static masking; None leaves masking to the trainer.
        strict: Bytes that are no UTF-8 are an error; otherwise they are passed over and counted.
        overwrite: Replace what an earlier build left in the folder.
        unit_megabytes: About how much text becomes one shard; a worker holds one unit in memory, and random next
            sentences come from the same unit.
        text: The feature of a TFDS data set to read.
        data_dir: TFDS's folder of data sets.
        beam_flags: Beam's options, `--name=value`. Without `--runner`, Beam's embedded runner with a process a core.

    Returns:
        The manifest of the training examples.

    Raises:
        InputError: Something about the inputs, the settings or the folder that the user can mend.
    """
    check_settings(objective, max_length, short_seq_probability)
    check_share(held_out)
    _check(duplicates, layout, unit_megabytes)
    if masking is not None:
        TokenMasker(tokenizer, **masking)
    elif duplicates > 1 and objective == "mlm" and not short_seq_probability:
        raise InputError(f"duplicates={duplicates}: objective mlm packs every pass alike, so they would be copies")
    options = pipeline_options(beam_flags)
    output = check_output(output, overwrite)
    run = uuid.uuid4().hex[:8]
    with work_folder(output, run, PRETRAINING) as work:
        began = time.monotonic()
        corpus = find_corpus(
            inputs, work, layout=layout, held_out=held_out, strict=strict, text=text, data_dir=data_dir
        )
        units = _units(corpus, work, objective in WITH_PAIRS, duplicates, held_out, seed, int(unit_megabytes * 1e6))
        found = (corpus.counts["documents"], corpus.counts["bytes"] / 1e6, time.monotonic() - began, len(units))
        logging.info("found %d documents, %.1f MB, in %.0f s; writing %d shards", *found)
        settings = ShardSettings(
            tokenizer=json.dumps(keras.saving.serialize_keras_object(tokenizer)),
            masking=None if masking is None else json.dumps(masking),
            files=corpus.files,
            objective=objective,
            max_length=max_length,
            short_seq_probability=short_seq_probability,
            seed=seed,
            folder=output,
            run=run,
        )
        plan = ManifestPlan(
            folder=output,
            vocabulary=describe_vocabulary(tokenizer),
            settings={
                "inputs": list(inputs),
                "layout": layout,
                "objective": objective,
                "max_length": max_length,
                "short_seq_probability": short_seq_probability,
                "duplicates": duplicates,
                "seed": seed,
                "held_out": held_out,
                "masking": "dynamic" if masking is None else "static",
                "masking_settings": masking,
                "unit_megabytes": unit_megabytes,
            },
            counts={
                split: {"documents": len(set(index["origin"].tolist())), "corpus": corpus.counts}
                for split, index in corpus.index.items()
            },
            versions=versions() | {"apache_beam": beam_version()},
            kind=PRETRAINING,
        )
        run_pipeline(lambda pipeline: _add_steps(pipeline, units, settings, plan), options)
        manifest = finish(output, run, PRETRAINING)
        if manifest is None:
            raise InputError(f"{', '.join(inputs)}: no tokens in the text, so there are no examples")
    return manifest


def _check(duplicates: int, layout: str, unit_megabytes: float) -> None:
    if duplicates < 1:
        raise InputError(f"duplicates is {duplicates}; expected 1 or more")
    if layout not in LAYOUTS:
        raise InputError(f"layout {layout!r}: expected one of {', '.join(LAYOUTS)}")
    if not 0 < unit_megabytes <= 1000:
        raise InputError(f"unit_megabytes is {unit_megabytes}; expected more than 0, at most 1,000")


def _units(
    corpus: Corpus, work: str, pairs: bool, duplicates: int, held_out: float, seed: int, unit_bytes: int
) -> list[Unit]:
    """Deals the documents of each split, anew for each pass, and writes down who gets which."""
    units = []
    for number, split in enumerate(SPLITS if held_out else ["train"]):
        index = corpus.index[split]
        documents = len(set(index["origin"].tolist()))
        if documents < (2 if pairs else 1) and (held_out and corpus.counts["documents"] > 1):
            raise InputError(
                f"held_out={held_out} leaves {documents} of {corpus.counts['documents']} documents "
                f"{'to train on' if split == 'train' else 'held out'}; choose another share, or 0"
            )
        if pairs and documents < 2:
            raise InputError(one_document(documents, corpus.files[0][0] if len(corpus.files) == 1 else ""))
        dealt: list[Unit] = []
        for duplicate in range(duplicates if split == "train" else 1):
            order, starts = deal(index, unit_bytes, (seed, number, duplicate), pairs)
            path = file_systems().join(work, f"index-{split}-{duplicate}")
            write_whole(path, io.BytesIO(order.tobytes()))
            for first, end in itertools.pairwise(starts):
                dealt.append(Unit(split, duplicate, len(dealt), 0, path, first, end - first))
        units += [unit._replace(total=len(dealt)) for unit in dealt]
    return units


def _add_steps(pipeline: Any, units: list[Unit], settings: ShardSettings, plan: ManifestPlan) -> None:
    import apache_beam as beam
    from apache_beam.transforms.combiners import ToList

    _ = (
        pipeline
        | "Units" >> beam.Create([tuple(unit) for unit in units])
        | "Spread" >> beam.Reshuffle()
        | "WriteShard" >> beam.Map(_write_shard, settings)
        | "Collect" >> ToList()
        | "WriteManifests" >> beam.Map(write_manifests, plan)
    )


def _write_shard(unit: tuple, settings: ShardSettings) -> dict:
    return write_shard(Unit(*unit), settings)
