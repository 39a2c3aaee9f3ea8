"""Embeddings: texts as vectors, near each other where the texts mean alike."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert.arguments import check_arguments, check_options
from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.mapping import Weight
from keras_bert.data.memory.given_rows import given_rows, given_texts
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.evaluation.glue import scores
from keras_bert.evaluation.retrieval import retrieval_scores
from keras_bert.layers.token_pooling import MODES, TokenPooling
from keras_bert.serving.model_card import model_card
from keras_bert.tasks.base.labelled_task import LabelledTask, weighted
from keras_bert.tasks.base.several_texts import flat_rows, group_rows, pad_groups
from keras_bert.tasks.base.task import open_preset
from keras_bert.tasks.base.text_model import Tensors, Text
from keras_bert.tasks.embedding.cosine_loss import CosineLoss
from keras_bert.tasks.embedding.ranking_loss import BUCKETS, RankingLoss
from keras_bert.text.preprocessor import BertPreprocessor

OBJECTIVES = ("ranking", "cosine")
ROW_FIELDS = ("text", "text_pair", "negative")

# Poolings in the words of sentence-transformers' files, and how it calls its modules there.
_MODES = {"cls_token": "cls", "mean_tokens": "mean", "max_tokens": "max"}
_MODULES = (
    ("", "sentence_transformers.models.Transformer"),
    ("1_Pooling", "sentence_transformers.models.Pooling"),
    ("2_Normalize", "sentence_transformers.models.Normalize"),
)


@keras.saving.register_keras_serializable(package="keras_bert")
class BertEmbedder(LabelledTask):
    """BERT that turns a text into a vector, to be compared with others by the dot product or the cosine.

    Rows to train on are pairs of texts. For `"ranking"` the two belong together, and within a batch each text is to be
    nearer to its own partner than to the partners of the others (and to a third text, `negative`, if the rows have
    one). For `"cosine"` a row has a score, and the cosine of its two vectors is to follow it. The texts of a row go
    through the same encoder, one by one.

    Args:
        encoder: The encoder, without pooler.
        preprocessor: Turns strings into the encoder's inputs.
        pooling: The `"mean"`, `"cls"` or `"max"` of the hidden states.
        normalize: Vectors have the length 1, so that their dot product is the cosine.
        objective: `"ranking"` or `"cosine"`.
        scale: For `"ranking"`: factor on the cosines in the loss.
        score_range: For `"cosine"`: the lowest and the highest score that a row can have; they are scaled to 0 and 1.
        **kwargs: Those of `keras.Model`.

    Call arguments:
        inputs: The encoder's, int32 (batch, tokens); or (rows, texts, tokens) for rows of several texts.

    Returns:
        float32 (batch, size), vectors; (rows · texts, size) for rows of several texts.

    Raises:
        InputError: There is no such pooling or objective, or the encoder has a pooler.

    Example:
        >>> model = BertEmbedder.from_preset("minilm")  # doctest: +SKIP
        >>> vectors = model.embed(["A plane is taking off.", "An air plane is taking off."])  # doctest: +SKIP
        >>> float(vectors[0] @ vectors[1])  # doctest: +SKIP
        0.976

    References:
        Reimers and Gurevych 2019, arXiv:1908.10084.
    """

    architecture = "BertModel"
    may_be_new = ()

    def __init__(
        self,
        encoder: BertEncoder,
        preprocessor: BertPreprocessor,
        pooling: str = "mean",
        normalize: bool = True,
        objective: str = "ranking",
        scale: float = 20.0,
        score_range: Sequence[float] = (0.0, 1.0),
        **kwargs: Any,
    ) -> None:
        check_arguments(BertEmbedder, kwargs)
        _check(encoder, pooling, objective, scale, score_range)
        hidden, mask = encoder(encoder.input)["sequence_output"], encoder.input["padding_mask"]
        vectors = TokenPooling(pooling, dtype="float32", name="pooling")(hidden, mask)
        if normalize:
            vectors = keras.layers.UnitNormalization(dtype="float32", name="normalize")(vectors)
        super().__init__(encoder, preprocessor, vectors, **kwargs)
        self._stages.pad = lambda rows: pad_groups(preprocessor, rows)
        self.pooling = pooling
        self.normalize = normalize
        self.objective = objective
        self.scale = scale
        self.score_range = tuple(float(score) for score in score_range)

    @property
    def monitor(self) -> str:
        """The score by which one model is better than another."""
        return "mrr" if self.objective == "ranking" else "spearman"

    @classmethod
    def from_preset(
        cls,
        handle: str | Path | Checkpoint,
        max_length: int | None = None,
        *,
        pooling: str | None = None,
        normalize: bool | None = None,
        truncation: str | None = None,
        dtype: Any = None,
        pad_vocabulary: bool = False,
        **options: Any,
    ) -> "BertEmbedder":
        """Opens a checkpoint of any known format as an embedder; a folder of sentence-transformers gives its vectors.

        Args:
            handle: A folder, `hf://org/name`, `kaggle://...`, or `minilm`.
            max_length: Longest input in tokens; None takes the checkpoint's own: 256 for `minilm`.
            pooling: As in the constructor; None takes the checkpoint's own, or `"mean"`.
            normalize: As in the constructor; None takes the checkpoint's own, or True.
            truncation: See `BertPreprocessor`; None takes the checkpoint's own.
            dtype: Dtype policy, such as `"mixed_bfloat16"`.
            pad_vocabulary: Name spare rows of the word table, see `open_checkpoint`.
            **options: Further arguments of the constructor.

        Raises:
            InputError: The checkpoint does not open, or makes its vectors in a way that is not known here.
        """
        check_options(cls, options)
        checkpoint = open_preset(handle, pad_vocabulary)
        saved = dict(checkpoint.extra.get("sentence_embedding", {}))
        if saved.get("left_out"):
            kinds = ", ".join(saved["left_out"])
            raise InputError(
                f"{checkpoint.source}: its vectors also go through {kinds}, which an embedder here has not"
            )
        if pooling is None:
            pooling = _pooling_of(checkpoint.source, saved.get("pooling", ["mean_tokens"]))
        if max_length is None:
            max_length = checkpoint.extra.get("preprocessor", {}).get("max_length") or saved.get("max_length")
        encoder, preprocessor = cls.parts_of(checkpoint, max_length, dtype, False, {"truncation": truncation})
        training = {name: saved[name] for name in ("objective", "scale", "score_range") if name in saved}
        model = cls(
            encoder,
            preprocessor,
            pooling=pooling,
            normalize=saved.get("normalize", True) if normalize is None else normalize,
            **{**training, **options},
        )
        model.load_checkpoint(checkpoint)
        return model

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Makes vectors; see the class. The texts of a row become rows of their own."""
        return super().__call__(flat_rows(inputs), *args, **kwargs)

    @property
    def row_fields(self) -> tuple[str, ...]:
        """The texts of a row to learn from; a third one, `negative`, has a name of its own."""
        return ROW_FIELDS[:2]

    # -- rows ------------------------------------------------------------------------------------------------

    def features(self, rows: Mapping[str, Any]) -> tuple[Any, ...]:
        """Turns a batch of rows into what the batcher pads: `(inputs,)` for texts, `(inputs, targets)` for pairs.

        Args:
            rows: `text`, and for training `text_pair` and perhaps `negative`, string (batch,); `label`, float32
                (batch,), for the objective `"cosine"`.

        Raises:
            InputError: The rows are not those of the objective.
        """
        if "text_pair" not in rows:
            return super().features({name: value for name, value in rows.items() if name != "label"})
        texts = tf.stack([rows[name] for name in ROW_FIELDS if name in rows], axis=1)
        inputs = group_rows(self.preprocessor.pack(tf.reshape(texts, [-1])), texts.shape[1])
        if self.objective == "ranking":
            if "weight" in rows:
                raise InputError("the objective is 'ranking', whose loss compares rows: leave out the column 'weight'")
            targets = tf.strings.to_hash_bucket_fast(texts, BUCKETS)
            return inputs, tf.ensure_shape(tf.cast(targets, tf.int32), [None, texts.shape[1]])
        if "label" not in rows or "negative" in rows:
            raise InputError("the objective is 'cosine': its rows have text, text_pair and a number as label, no more")
        return (inputs, *weighted(rows, *self.targets(rows["label"])))

    def targets(self, labels: Any) -> tuple[Any, ...]:
        """Returns scores, float32 (batch,), scaled to 0 ... 1, as float32 (batch, 1).

        Raises:
            tf.errors.InvalidArgumentError: A score outside `score_range`.
        """
        low, high = self.score_range
        labels = tf.cast(labels, tf.float32)
        outside = tf.boolean_mask(labels, tf.logical_or(labels < low, labels > high))
        message = f"is outside the range of the scores, {low:g} to {high:g} (score_range)"
        tf.debugging.Assert(tf.size(outside) == 0, ["score", outside, message])
        return (((labels - low) / (high - low))[:, None],)

    def evaluate_rows(self, rows: Any, batch_size: int = 64) -> dict[str, float]:
        """Scores pairs of texts.

        Args:
            rows: With `label`, a number: how well the cosines follow it. Without: how well each `text` finds its
                `text_pair` among those of all rows; a text that is there several times has several.
            batch_size: Texts a batch.

        Returns:
            With labels `pearson` and `spearman`, and for the objective `"cosine"` also `mse` (of scores scaled to
            0 ... 1) and `loss`, which is the same; without labels `recall_at_1`, `recall_at_5`, `recall_at_10` and
            `mrr`.

        Raises:
            InputError: There are no rows, or they are no pairs.
        """
        rows = given_rows(rows, self.row_fields)
        if "text_pair" not in rows.element_spec:
            raise InputError("the rows are single texts: name the column of the second, to score an embedder on pairs")
        read = list(rows.as_numpy_iterator())
        if not read:
            raise InputError("there are no rows to evaluate")
        firsts, seconds = ([row[name] for row in read] for name in ("text", "text_pair"))
        place = {text: index for index, text in enumerate(dict.fromkeys([*firsts, *seconds]))}
        vectors = self.embed(list(place), batch_size)
        if not self.normalize:
            vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        if "label" in rows.element_spec:
            labels = np.array([row["label"] for row in read], "float32")
            first, second = (vectors[[place[text] for text in texts]] for texts in (firsts, seconds))
            cosines = (first * second).sum(1)
            if self.objective == "ranking":
                found = scores("regression", labels, cosines)
                return {name: found[name] for name in ("pearson", "spearman")}
            (targets,) = self.targets(labels)
            results = scores("regression", targets.numpy()[:, 0], cosines)
            return {"loss": results["mse"], **results}
        documents = {text: index for index, text in enumerate(dict.fromkeys(seconds))}
        belongs: dict[bytes, set[int]] = {}
        for first, second in zip(firsts, seconds, strict=True):
            belongs.setdefault(first, set()).add(documents[second])
        return retrieval_scores(
            vectors[[place[text] for text in belongs]],
            vectors[[place[text] for text in documents]],
            list(belongs.values()),
        )

    # -- answers ---------------------------------------------------------------------------------------------

    def embed(self, texts: Sequence[Text], batch_size: int = 32) -> np.ndarray:
        """Turns texts into vectors.

        Args:
            texts: Strings, or dicts with `text`.
            batch_size: Texts a batch; texts of like length share one.

        Returns:
            float32 (texts, size), in their order.

        Raises:
            InputError: Not a list, or one of the texts is no string.
        """
        given = given_texts(texts, self.text_fields, "embed", "texts; for one text write embed([text])")
        rows = [self._texts_of(index, text, self.text_fields) for index, text in enumerate(given)]
        vectors = self._in_batches(rows, batch_size, self._stages.answer, lambda numbers: list(numbers["embedding"]))
        return np.array(vectors, "float32").reshape(len(rows), self.encoder.config.hidden_size)

    def answers(self, outputs: Any) -> Tensors:
        """Returns `embedding` float32 (batch, size), in the graph."""
        return {"embedding": outputs}

    def answer_rows(self, answers: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        """Turns the array of `answers` into dicts with `embedding`, a list of numbers."""
        return [{"embedding": vector} for vector in answers["embedding"].tolist()]

    def fingerprint(self) -> str:
        """Gives a SHA-256 of all that its vectors depend on: weights, vocabulary, pooling, the longest input.

        Vectors of two models can be compared only if their fingerprints are the same.
        """
        settings = {
            "pooling": self.pooling,
            "config": self.encoder.config.to_dict(),
            "preprocessor": self.preprocessor.settings,
            "tokenizer": self.tokenizer.fingerprint(),
        }
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        for weight in self.weights_by_name():
            digest.update(np.ascontiguousarray(weight.read()).data)
        return digest.hexdigest()

    # -- training and folders --------------------------------------------------------------------------------

    def default_loss(self) -> keras.losses.Loss:
        """Returns the loss of the objective."""
        return RankingLoss(self.scale) if self.objective == "ranking" else CosineLoss()

    def default_metrics(self) -> list[keras.metrics.Metric]:
        """Returns none: `evaluate_rows` has the scores that mean something."""
        return []

    def head_weights(self) -> list[Weight]:
        """Returns none: pooling has no weights."""
        return []

    def metadata(self) -> dict[str, Any]:
        """Returns nothing: for `config.json` the model is a bare encoder."""
        return {}

    def extra(self) -> dict[str, Any]:
        """Returns what `keras_bert.json` keeps."""
        modes = {mode: name for name, mode in _MODES.items()}
        return {
            "sentence_embedding": {
                "pooling": [modes[self.pooling]],
                "normalize": self.normalize,
                "max_length": self.preprocessor.max_length,
                "objective": self.objective,
                "scale": self.scale,
                "score_range": list(self.score_range),
            }
        }

    def files(self) -> dict[str, str]:
        """Returns the files by which sentence-transformers opens the folder."""
        modules = [
            {"idx": index, "name": str(index), "path": path, "type": kind}
            for index, (path, kind) in enumerate(_MODULES[: 2 + self.normalize])
        ]
        on = {name: self.pooling == mode for name, mode in _MODES.items()}
        pooling = {
            "word_embedding_dimension": self.encoder.config.hidden_size,
            **{f"pooling_mode_{name}": value for name, value in on.items()},
            "pooling_mode_mean_sqrt_len_tokens": False,
        }
        # What lower-cases is the tokenizer, as its own file says.
        length = {"max_seq_length": self.preprocessor.max_length, "do_lower_case": False}
        contents = {"modules.json": modules, "1_Pooling/config.json": pooling, "sentence_bert_config.json": length}
        return {name: json.dumps(content, indent=2) + "\n" for name, content in contents.items()}

    def _card(self, facts: Mapping[str, Any] | None) -> str:
        size = self.encoder.config.hidden_size
        description = {"problem_type": "embeddings", "outputs": f"a vector of {size} numbers a text"}
        return model_card(type(self).__name__, self.encoder.config, description, facts or {})

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        del config["text_pair"]
        return {
            **config,
            "pooling": self.pooling,
            "normalize": self.normalize,
            "objective": self.objective,
            "scale": self.scale,
            "score_range": list(self.score_range),
        }


def _check(encoder: BertEncoder, pooling: str, objective: str, scale: float, score_range: Sequence[float]) -> None:
    if pooling not in MODES:
        raise InputError(f"pooling must be one of {', '.join(MODES)}, received: {pooling!r}")
    if objective not in OBJECTIVES:
        raise InputError(f"objective must be one of {', '.join(OBJECTIVES)}, received: {objective!r}")
    if encoder.use_pooler:
        raise InputError("an embedder needs an encoder with use_pooler=False: it pools hidden states")
    if not scale > 0:
        raise InputError(f"scale must be positive, received: {scale}")
    if len(score_range) != 2 or not score_range[0] < score_range[1]:
        raise InputError(f"score_range is the lowest and the highest score, received: {score_range}")


def _pooling_of(source: str, modes: list[str]) -> str:
    """Returns the pooling that a folder of sentence-transformers names."""
    if len(modes) != 1 or modes[0] not in _MODES:
        raise InputError(
            f"{source}: its pooling is {', '.join(modes) or 'none'}; one of {', '.join(_MODES)} is known here"
        )
    return _MODES[modes[0]]
