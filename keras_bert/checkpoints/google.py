"""Google's TF1 checkpoints: `bert_config.json`, `vocab.txt`, `bert_model.ckpt`."""

import re
from pathlib import Path

import numpy as np

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.heads import CLASSIFIER, describe_heads
from keras_bert.checkpoints.names import PREFIX
from keras_bert.checkpoints.shapes import check_shapes, shortened
from keras_bert.checkpoints.tensorflow_file import Variables, find_prefix
from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.text.vocabulary import load_vocabulary

# Names in the file to Hugging Face's; `{}` stands for the number of a layer. The heads of run_classifier.py and
# run_squad.py are here as well. Source: google-research/bert, modeling.py and the run_*.py programs.
_NAMES = {
    "bert/embeddings/word_embeddings": "bert.embeddings.word_embeddings.weight",
    "bert/embeddings/position_embeddings": "bert.embeddings.position_embeddings.weight",
    "bert/embeddings/token_type_embeddings": "bert.embeddings.token_type_embeddings.weight",
    "cls/predictions/output_bias": "cls.predictions.bias",
    "cls/seq_relationship/output_weights": "cls.seq_relationship.weight",
    "cls/seq_relationship/output_bias": "cls.seq_relationship.bias",
    "cls/squad/output_weights": "qa_outputs.weight",
    "cls/squad/output_bias": "qa_outputs.bias",
    "output_weights": "classifier.weight",
    "output_bias": "classifier.bias",
}
_ENDS = {"/kernel": ".weight", "/bias": ".bias", "/gamma": ".weight", "/beta": ".bias"}
_SLOTS = re.compile(r"/(adam_[mv]|Adam(_1)?|LAMB(_1)?|Momentum)$")
_COUNTERS = re.compile(r"(^|/)(global_step|beta[12]_power|loss_scale|good_steps)$")


def read_google(path: str | Path, pad_vocabulary: bool = False) -> Checkpoint:
    """Reads a checkpoint written by google-research/bert, heads included.

    Optimizer slots and counters are passed over and named in `ignored`. Google's `"gelu"` is the tanh form,
    so it becomes `"gelu_new"` (its first release, of October 2018, had the exact form: see `hidden_act` of
    `open_checkpoint`).

    Args:
        path: The folder, or the checkpoint's prefix in it (`folder/bert_model.ckpt`).
        pad_vocabulary: Name spare rows of the word table; see `open_checkpoint`.

    Returns:
        The checkpoint, checked.

    Raises:
        InputError: A file is missing or damaged, or it is no BERT.
    """
    prefix = find_prefix(path)
    folder = prefix.parent
    config = BertConfig.from_json_file(folder / "bert_config.json")
    variables = Variables(prefix)
    names, ignored = {}, {}
    for name in variables:
        target = _hugging_face_name(name)
        if target is None:
            ignored[name] = _reason(name)
        else:
            names[name] = target
    if not any(target.startswith(PREFIX) for target in names.values()):
        raise InputError(
            f"{prefix}: not a checkpoint of Google's BERT; its first variables are: {shortened(list(ignored), 3)}"
        )
    shapes = {}
    for name, target in names.items():
        shape = variables.shape(name)
        shapes[target] = shape[::-1] if name.endswith("/kernel") else shape
    check_shapes(shapes, config, str(path))
    tensors: dict[str, np.ndarray] = {}
    for name, target in names.items():
        tensor = variables.read(name)
        tensors[target] = tensor.T if name.endswith("/kernel") else tensor
    metadata = describe_heads(tensors)
    if CLASSIFIER in tensors:
        # run_classifier.py, and programs made from it that label words or choose, all call their head so.
        del metadata["architectures"]
    checkpoint = Checkpoint(config, tensors, str(path), ignored, metadata=metadata, notes=activation_notes(config))
    note_half_precision(checkpoint, variables)
    add_vocabulary(checkpoint, folder)
    return checkpoint.check(pad_vocabulary)


def activation_notes(config: BertConfig) -> list[str]:
    """Says how the word "gelu" of a Google or Model Garden config was understood."""
    if config.hidden_act != "gelu_new":
        return []
    return ['hidden_act "gelu" in bert_config.json is read as the tanh form (gelu_new)']


def note_half_precision(checkpoint: Checkpoint, variables: Variables) -> None:
    """Says that variables were converted to float32."""
    if variables.half_precision:
        checkpoint.notes.append(f"{len(variables.half_precision)} variables in half precision became float32")


def add_vocabulary(checkpoint: Checkpoint, folder: Path) -> None:
    """Adds the vocabulary of a folder that says nothing of lower-casing, and a note of what was concluded.

    A name with "uncased" means lower-casing, one with "cased" not, as in google-research/bert
    (tokenization.py, `validate_case_matches_checkpoint`); else a vocabulary with capitals in more than one in
    a hundred of its entries is cased; else Google's default holds, lower-casing.
    """
    path = folder / "vocab.txt"
    if not path.is_file():
        checkpoint.notes.append("no vocab.txt beside the weights, so no tokenizer")
        return
    checkpoint.vocabulary = load_vocabulary(path)
    name = folder.resolve().name.lower()
    words = [token for token in checkpoint.vocabulary if not token.startswith("[")]
    capitals = sum(token != token.lower() for token in words)
    if "uncased" in name:
        checkpoint.lowercase, why = True, "the folder's name says uncased"
    elif re.search(r"(^|[^a-z])cased", name):
        checkpoint.lowercase, why = False, "the folder's name says cased"
    elif capitals > len(words) / 100:
        checkpoint.lowercase, why = False, f"{capitals} entries of vocab.txt have capitals"
    else:
        checkpoint.lowercase, why = True, "nothing says otherwise and it is Google's default"
    checkpoint.notes.append(f"lowercase={checkpoint.lowercase}: {why}")


def _hugging_face_name(name: str) -> str | None:
    """Returns Hugging Face's name of a variable, None for one that is not of the network."""
    if name in _NAMES:
        return _NAMES[name]
    for end, new_end in _ENDS.items():
        if name.endswith(end) and re.match(r"bert/(embeddings|encoder|pooler)/|cls/predictions/", name):
            return re.sub(r"/layer_(\d+)/", r"/layer/\1/", name[: -len(end)]).replace("/", ".") + new_end
    return None


def _reason(name: str) -> str:
    if _SLOTS.search(name):
        return "slot of the optimizer"
    if _COUNTERS.search(name):
        return "counter of the training"
    return "not a variable of Google's BERT"
