"""WEAT and SEAT: whether a model's vectors of words or sentences of two groups lie nearer to one set of attributes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.evaluation.association import SAMPLES, association
from keras_bert.foreign_files import read_json
from keras_bert.graph import graph_function
from keras_bert.trust.audit.finding import Finding, number

FIRST, MEAN = ENCODINGS = ("first", "mean")
"""How a text becomes a vector: `first`, the state at position 0 of its tokens alone, without `[CLS]` and `[SEP]` (May
et al. 2019); `mean`, of all states, those of `[CLS]` and `[SEP]` too (bias-bench)."""

SETS = ("targ1", "targ2", "attr1", "attr2")

Test = dict[str, tuple[str, list[str]]]


def read_association(path: str | Path) -> dict[str, Test]:
    """Reads tests as sent-bias writes them: one JSON object with `targ1`, `targ2`, `attr1` and `attr2`.

    Args:
        path: A file, whatever its name ends in; or a folder of `.json` and `.jsonl` files.

    Returns:
        Name of the file → set → its name (`category`) and its texts (`examples`).

    Raises:
        InputError: No such file, a folder without one, or a file that holds something else.

    Example:
        >>> import json
        >>> from pathlib import Path
        >>> sets = {"targ1": "flowers", "targ2": "insects", "attr1": "pleasant", "attr2": "unpleasant"}
        >>> test = {part: {"category": name, "examples": [f"one of {name}", "two"]} for part, name in sets.items()}
        >>> _ = Path("weat1.jsonl").write_text(json.dumps(test))
        >>> read_association("weat1.jsonl")["weat1"]["targ1"]
        ('flowers', ['one of flowers', 'two'])
    """
    path = Path(path)
    files = sorted(file for file in path.iterdir() if file.suffix in (".json", ".jsonl")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: there is no .json or .jsonl file")
    tests = {}
    for file in files:
        value = read_json(file)
        if value is None:
            raise InputError(f"{file}: no such file")
        tests[file.stem] = _checked(value, file)
    return tests


def _checked(value: Any, file: Path) -> Test:
    test = {}
    for name in SETS:
        found = value.get(name) if isinstance(value, Mapping) else None
        fields: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
        examples = fields.get("examples")
        if not isinstance(examples, list) or not examples or not all(isinstance(text, str) for text in examples):
            raise InputError(f'{file}: {name}: expected {{"category": NAME, "examples": [texts]}}, found {found!r:.60}')
        test[name] = (str(fields.get("category", name)), list(dict.fromkeys(examples)))
    return test


def audit_association(
    task: Any,
    tests: Mapping[str, Test],
    encodings: Sequence[str] = ENCODINGS,
    samples: int = SAMPLES,
    batch_size: int = 64,
    where: str = "the tests given",
) -> Finding:
    """Runs tests of association on the last hidden states of a model's encoder.

    Args:
        task: Any task.
        tests: As `read_association` returns them.
        encodings: Which of `ENCODINGS`.
        samples: See `keras_bert.evaluation.association`.
        batch_size: Texts a batch.
        where: What the tests are, for the card.

    Raises:
        InputError: No such encoding, a text longer than the model takes or without tokens, or a test without spread.

    Example:
        >>> words = {"targ1": ["rose", "lily"], "targ2": ["wasp"], "attr1": ["love", "joy"], "attr2": ["pain"]}
        >>> test = {part: (part, texts) for part, texts in words.items()}
        >>> encoder = keras_bert.BertEmbedder.from_preset("minilm")
        >>> audit_association(encoder, {"weat1": test}, encodings=["mean"]).probe
        'association'

    References:
        Caliskan et al. 2017, arXiv:1608.07187; May et al. 2019, arXiv:1903.10561; Meade et al. 2022, arXiv:2110.08527.
    """
    unknown = [name for name in encodings if name not in ENCODINGS]
    if unknown:
        raise InputError(f"encoding {unknown[0]!r:.40}: expected one of {', '.join(ENCODINGS)}")
    texts = list(dict.fromkeys(text for test in tests.values() for _, part in test.values() for text in part))
    summary: dict[str, str] = {}
    details: dict[str, Any] = {}
    for encoding in encodings:
        vectors = dict(zip(texts, _vectors(task, texts, encoding, batch_size), strict=True))
        for name, test in tests.items():
            first, second, one, other = (np.stack([vectors[text] for text in test[part][1]]) for part in SETS)
            try:
                found = association(first, second, one, other, samples=samples)
            except InputError as error:
                raise InputError(f"{name}, encoding {encoding}: {error}") from None
            how = "exact" if found.is_exact else f"{found.partitions:,} partitions"
            text = f"d = {number(found.effect_size, found.interval)}, p = {found.p_value:.3g} ({how})"
            summary[f"{name} ({encoding})"] = text
            categories = {part: test[part][0] for part in SETS}
            details.setdefault(name, {"categories": categories})[encoding] = vars(found)
    return Finding("association", where, summary, _warnings(len(summary)), details)


def _vectors(task: Any, texts: Sequence[str], encoding: str, batch_size: int) -> np.ndarray:
    """Returns a vector of each text, float32 (texts, size)."""
    tokenizer, longest = task.tokenizer, task.preprocessor.max_length
    rows = tokenizer.tokenize(list(texts)).to_list()
    if encoding == MEAN:
        rows = [[tokenizer.cls_token_id, *ids, tokenizer.sep_token_id] for ids in rows]
    for text, ids in zip(texts, rows, strict=True):
        if not ids or len(ids) > longest:
            raise InputError(f"{text!r:.60}: {len(ids) or 'no'} tokens; expected 1 to {longest}")
    states = keras.Model(task.encoder.input, task.encoder.output["sequence_output"])

    def encode(token_ids: Any, lengths: Any) -> Any:
        mask = tf.sequence_mask(lengths, tf.shape(token_ids)[1], tf.int32)
        inputs = {"token_ids": token_ids, "segment_ids": tf.zeros_like(token_ids), "padding_mask": mask}
        hidden = tf.cast(states(inputs, training=False), tf.float32)
        if encoding == FIRST:
            return hidden[:, 0]
        weights = tf.cast(mask, tf.float32)[:, :, None]
        return tf.reduce_sum(hidden * weights, axis=1) / tf.reduce_sum(weights, axis=1)

    run = graph_function(
        encode, input_signature=[tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)]
    )
    order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
    found = np.zeros((len(rows), task.encoder.config.hidden_size), np.float32)
    for begin in range(0, len(order), batch_size):
        chunk = order[begin : begin + batch_size]
        lengths = np.array([len(rows[index]) for index in chunk], np.int32)
        padded = np.full((len(chunk), lengths.max()), tokenizer.pad_token_id, np.int32)
        for line, index in zip(padded, chunk, strict=True):
            line[: len(rows[index])] = rows[index]
        found[chunk] = run(padded, lengths).numpy()
    return found


def _warnings(tests: int) -> tuple[str, ...]:
    warnings = (
        "d is in standard deviations; above 0 the first targets go with the first attributes. `first` is the state at "
        "position 0 without [CLS] (May et al.), `mean` that of all tokens with [CLS] and [SEP] (bias-bench): their "
        "numbers are not comparable.",
        "No association found is no proof that there is none: a test sees its own words alone, and vectors of "
        "sentences say little of what a model does.",
    )
    if tests > 1:
        return (*warnings, f"{tests} tests were run: of 20 without any association one has p < 0.05 by chance.")
    return warnings
