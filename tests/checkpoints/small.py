"""A small random checkpoint in several formats, for tests without the real data sets."""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

from keras_bert.checkpoints import encoder_weights
from keras_bert.config import BertConfig
from keras_bert.encoder import BertEncoder

ENTRIES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmno"]
CONFIG = BertConfig(
    vocab_size=len(ENTRIES),
    hidden_size=8,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=12,
    max_position_embeddings=16,
)


def tensors(seed: int = 0) -> dict[str, np.ndarray]:
    """Random values for every weight of the encoder, in Hugging Face's names and layout."""
    generator = np.random.default_rng(seed)
    return {
        weight.name: generator.normal(size=weight.shape).astype("float32")
        for weight in encoder_weights(BertEncoder(CONFIG))
    }


def write_vocabulary(folder: Path) -> None:
    (folder / "vocab.txt").write_text("\n".join(ENTRIES) + "\n", encoding="utf-8")


def write_google(folder: Path, values: dict[str, np.ndarray]) -> None:
    """Writes a TensorFlow 1 checkpoint with the variable names of google-research/bert, slots included."""
    folder.mkdir(parents=True, exist_ok=True)
    write_vocabulary(folder)
    fields = {name: value for name, value in CONFIG.to_dict().items() if name in GOOGLE_FIELDS}
    (folder / "bert_config.json").write_text(json.dumps(fields), encoding="utf-8")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = {"global_step": tf.compat.v1.Variable(7, name="global_step", dtype=tf.int64)}
        for name, value in values.items():
            google = google_name(name)
            dense = name.endswith(".weight") and "embeddings" not in name and "LayerNorm" not in name
            stored = value.T if dense else value
            for suffix in ("", "/adam_m", "/adam_v"):
                variables[google + suffix] = tf.compat.v1.Variable(
                    stored if not suffix else stored * 0, name=google + suffix
                )
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver(variables).save(session, str(folder / "bert_model.ckpt"), write_meta_graph=False)


def google_name(name: str) -> str:
    """google-research/bert, modeling.py: the scopes of its variables."""
    name = name.replace("encoder.layer.", "encoder.layer_").replace(".", "/")
    if "embeddings" in name and "LayerNorm" not in name:
        return name.removesuffix("/weight")
    ending = ("gamma", "beta") if "LayerNorm" in name else ("kernel", "bias")
    stem, last = name.rsplit("/", 1)
    return f"{stem}/{ending[last == 'bias']}"


GOOGLE_FIELDS = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "max_position_embeddings",
    "type_vocab_size",
    "initializer_range",
)


def write_hugging_face(
    folder: Path, values: dict[str, np.ndarray], tokenizer_config: dict | None = None, **fields: object
) -> Path:
    """Writes a Hugging Face folder by hand, without the package's own writer."""
    folder.mkdir(parents=True, exist_ok=True)
    write_vocabulary(folder)
    names = (*GOOGLE_FIELDS, "layer_norm_eps")
    config = {name: value for name, value in CONFIG.to_dict().items() if name in names}
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", **config, **fields}), encoding="utf-8")
    settings = {"do_lower_case": True} if tokenizer_config is None else tokenizer_config
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    save_file({name: np.ascontiguousarray(value) for name, value in values.items()}, folder / "model.safetensors")
    return folder


def write_model_garden(folder: Path, variables: dict[str, np.ndarray]) -> Path:
    """Writes an object checkpoint with `Checkpoint(**roots)`; names are paths of attributes, `model/a/b`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_vocabulary(folder)
    fields = {name: value for name, value in CONFIG.to_dict().items() if name in GOOGLE_FIELDS}
    (folder / "bert_config.json").write_text(json.dumps({**fields, "hidden_act": "gelu"}), encoding="utf-8")
    roots: dict[str, tf.Module] = {}
    for path, value in variables.items():
        first, *parents, last = path.split("/")
        module = roots.setdefault(first, tf.Module())
        for parent in parents:
            if not hasattr(module, parent):
                setattr(module, parent, tf.Module())
            module = getattr(module, parent)
        # TensorFlow writes a slash inside an attribute's name as ".S"
        setattr(module, last.replace(".S", "/"), tf.Variable(value))
    tf.train.Checkpoint(**roots).save(str(folder / "bert_model.ckpt"))
    return folder
