"""Low-rank adapters in the folders of the `peft` library: `adapter_config.json`, `adapter_model.safetensors`."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.heads import CHOICES, OWN_SEQUENCES, QUESTIONS, SEQUENCES, TOKENS
from keras_bert.checkpoints.hugging_face import describe_hugging_face
from keras_bert.checkpoints.names import POOLER, PREFIX
from keras_bert.checkpoints.shapes import shortened
from keras_bert.checkpoints.tokenizer_files import SETTINGS
from keras_bert.checkpoints.weight_files import read_weights
from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.foreign_files import read_json
from keras_bert.layers.adapted_linear import MODULES

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
_MODEL = "base_model.model."
_TASK_TYPES = {SEQUENCES: "SEQ_CLS", TOKENS: "TOKEN_CLS", QUESTIONS: "QUESTION_ANS", "BertModel": "FEATURE_EXTRACTION"}
_HEADS = {SEQUENCES: "classifier", OWN_SEQUENCES: "classifier", TOKENS: "classifier", CHOICES: "classifier"}
_HEADS |= {QUESTIONS: "qa_outputs"}
# What else peft can do with a low-rank adapter, which is another formula.
_OTHER_FORMULAS = (
    *("use_dora", "use_qalora", "use_bdlora", "layer_replication", "alpha_pattern", "lora_bias", "fan_in_fan_out"),
    *("trainable_token_indices", "target_parameters", "alora_invocation_tokens"),
)


@dataclasses.dataclass(frozen=True)
class Adapter:
    """What a PEFT folder holds.

    Attributes:
        base: The model that it was trained over, as the folder names it; None where it does not.
        alpha: The setting; `scale` of the matrices follows from it.
        dropout: The rate on the inputs of the A.
        matrices: Name of a dense layer, such as `bert.encoder.layer.0.attention.self.query`, to its A, float32
            (rank, in), its B, float32 (out, rank), and what their product is multiplied by.
        tensors: Tensors of the model that were trained as a whole, such as those of the head, by Hugging Face's names.
        source: The folder.
    """

    base: str | None
    alpha: float
    dropout: float
    matrices: Mapping[str, tuple[np.ndarray, np.ndarray, float]]
    tensors: Mapping[str, np.ndarray]
    source: str

    @property
    def rank(self) -> int:
        """The largest rank."""
        return max(len(a) for a, _, _ in self.matrices.values())

    @property
    def targets(self) -> list[str]:
        """The kinds of layers that have an adapter in some block, names of `MODULES`."""
        found = {name.split(".", 4)[4] for name in self.matrices}
        return [module for module in MODULES if module in found]


def is_adapter(folder: Any) -> bool:
    """Tells whether a handle is a folder with adapters."""
    return isinstance(folder, str | Path) and (Path(folder).expanduser() / ADAPTER_CONFIG).is_file()


def read_adapter(folder: str | Path) -> Adapter:
    """Reads the adapters of a folder that `peft` or keras_bert wrote.

    Raises:
        InputError: There is none, it is no low-rank adapter of a BERT's blocks, or of another formula.
    """
    folder = Path(folder).expanduser()
    path = folder / ADAPTER_WEIGHTS
    fields = read_json(folder / ADAPTER_CONFIG)
    if fields is None or not path.is_file():
        missing = ADAPTER_CONFIG if fields is None else ADAPTER_WEIGHTS
        raise InputError(f"{folder}: no {missing} there; a PEFT folder has its adapters in it")
    where = f"{folder / ADAPTER_CONFIG}"
    if fields.get("peft_type") != "LORA":
        raise InputError(f"{where}: peft_type is {fields.get('peft_type')!r}; only LORA is read here")
    others = [name for name in _OTHER_FORMULAS if fields.get(name)]
    if others:
        raise InputError(f"{where}: {others[0]} is {fields[others[0]]!r:.80}, a formula that is not known here")
    alpha: Any = fields.get("lora_alpha")
    dropout: Any = fields.get("lora_dropout") or 0.0
    base: Any = fields.get("base_model_name_or_path")
    if not _is_number(alpha) or alpha <= 0 or not _is_number(dropout):
        raise InputError(f"{where}: lora_alpha is {alpha!r:.40} and lora_dropout {dropout!r:.40}; expected numbers")
    if not (base is None or isinstance(base, str)):
        raise InputError(f"{where}: base_model_name_or_path is {base!r:.80}, expected a name")
    halves: dict[str, dict[str, np.ndarray]] = {}
    tensors: dict[str, np.ndarray] = {}
    for stored in read_weights(path):
        name = _own_name(stored.name)
        match = re.fullmatch(r"(.*)\.lora_([AB])\.weight", name)
        value = np.ascontiguousarray(stored.read(), dtype=np.float32)
        if match:
            halves.setdefault(match[1], {})[match[2]] = value
        else:
            tensors[name] = value
    matrices = {}
    for name, pair in halves.items():
        if not re.fullmatch(rf"bert\.encoder\.layer\.\d+\.({'|'.join(map(re.escape, MODULES))})", name):
            raise InputError(f"{path}: an adapter of {name}; those of the dense layers of BERT's blocks are known here")
        shapes = [pair[half].shape if half in pair else () for half in "AB"]
        if [len(shape) for shape in shapes] != [2, 2] or shapes[0][0] != shapes[1][1]:
            told = " and ".join(str(shape or None) for shape in shapes)
            raise InputError(f"{path}: lora_A and lora_B of {name} have the shapes {told}")
        rank = len(pair["A"])
        scale = alpha / (rank**0.5 if fields.get("use_rslora") else rank)
        matrices[name] = (pair["A"], pair["B"], scale)
    if not matrices:
        raise InputError(f"{path}: no adapter there")
    return Adapter(base, float(alpha), float(dropout), matrices, tensors, str(folder))


def merge_adapter(base: Checkpoint, adapter: Adapter) -> Checkpoint:
    """Adds adapters to the weights that they were trained over.

    Args:
        base: The opened checkpoint of `adapter.base`; it stays as it is.
        adapter: Read by `read_adapter`. Labels, tokenizer and settings beside it come before those of the base.

    Returns:
        A checkpoint as if all of its weights had been trained.

    Raises:
        InputError: The base has no such layer, or one of another shape.

    References:
        Hu et al. 2021, arXiv:2106.09685, section 4.1, "No Additional Inference Latency".
    """
    tensors = dict(base.tensors)
    for name, (a, b, scale) in adapter.matrices.items():
        weight = tensors.get(f"{name}.weight")
        if weight is None or weight.shape != (len(b), a.shape[1]):
            found = "has no such layer" if weight is None else f"has it as {weight.shape}"
            raise InputError(f"{adapter.source}: an adapter of {name}, {(len(b), a.shape[1])}; {base.source} {found}")
        tensors[f"{name}.weight"] = (weight + scale * (b.astype(np.float64) @ a)).astype(np.float32)
    for name, tensor in adapter.tensors.items():
        if name in tensors and tensors[name].shape != tensor.shape and name.startswith(PREFIX):
            raise InputError(f"{adapter.source}: {name} is {tensor.shape}, in {base.source} {tensors[name].shape}")
        tensors[name] = tensor
    note = f"adapters of rank {adapter.rank} in {shortened(adapter.targets)}, merged into {base.source}"
    merged = dataclasses.replace(base, tensors=tensors, notes=[*base.notes, note])
    if (Path(adapter.source) / "config.json").is_file():
        own = describe_hugging_face(adapter.source)
        merged = dataclasses.replace(merged, metadata=own.metadata, extra=own.extra, generation=own.generation)
        if own.vocabulary is not None:
            tokenizer = {name: getattr(own, name) for name in ("vocabulary", "merges", *SETTINGS)}
            merged = dataclasses.replace(merged, **tokenizer)
    elif any(name.startswith(("classifier.", "qa_outputs.")) for name in adapter.tensors):
        # The labels are those of the base's own head, if they are as many.
        types = {task_type: architecture for architecture, task_type in _TASK_TYPES.items()}
        named = types.get(str((read_json(Path(adapter.source) / ADAPTER_CONFIG) or {}).get("task_type")))
        merged.metadata = {name: value for name, value in base.metadata.items() if name != "architectures"}
        merged.metadata |= {"architectures": [named]} if named else {}
    return merged.check()


def adapter_files(
    folder: Path,
    architecture: str,
    base: str,
    settings: Mapping[str, Any],
    matrices: Iterable[tuple[str, np.ndarray, np.ndarray]],
    tensors: Mapping[str, np.ndarray],
) -> None:
    """Writes adapters into a folder that exists, under peft's names.

    Args:
        folder: Where to write.
        architecture: The class of `transformers` of the adapted model.
        base: The model without adapters.
        settings: `rank`, `alpha`, `dropout`, `targets`, as `BertEncoder(adapters=...)` takes them.
        matrices: Name of a dense layer, its A (rank, in), its B (out, rank).
        tensors: What else was trained, by Hugging Face's names.

    Raises:
        InputError: The head is one that peft has no place for.
    """
    head = _HEADS.get(architecture)
    strange = [name for name in tensors if not name.startswith((POOLER, f"{head}."))]
    if strange:
        raise InputError(
            f"a PEFT folder has no place for the head of {architecture} ({shortened(strange, 1)}); save it merged"
        )
    bare = architecture == "BertModel"  # which transformers writes without the prefix
    arrays = {
        f"{name}.lora_{half}.weight": value for name, *pair in matrices for half, value in zip("AB", pair, strict=True)
    }
    arrays |= tensors
    named = {
        _MODEL + (name.removeprefix(PREFIX) if bare else name): np.ascontiguousarray(value, dtype=np.float32)
        for name, value in arrays.items()
    }
    save_file(named, folder / ADAPTER_WEIGHTS, metadata={"format": "pt"})
    whole = [
        part for part, prefix in (("pooler", POOLER), (head, f"{head}.")) if any(n.startswith(prefix) for n in tensors)
    ]
    fields = {
        "peft_type": "LORA",
        "task_type": _TASK_TYPES.get(architecture),
        "base_model_name_or_path": base,
        "r": settings["rank"],
        "lora_alpha": settings["alpha"],
        "lora_dropout": settings["dropout"],
        "target_modules": _target_modules(settings["targets"]),
        "modules_to_save": whole or None,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "init_lora_weights": True,
    }
    (folder / ADAPTER_CONFIG).write_text(to_json(fields, indent=2) + "\n", encoding="utf-8")
    (folder / ADAPTER_WEIGHTS).chmod((folder / ADAPTER_CONFIG).stat().st_mode)


def _target_modules(targets: Iterable[str]) -> list[str] | str:
    """Names layers as peft looks for them: a list by the ends of their names, a string as a regular expression."""
    targets = list(targets)
    if "output.dense" in targets and "attention.output.dense" not in targets:
        return rf".*layer\.\d+\.({'|'.join(map(re.escape, targets))})"
    return targets


def _own_name(name: str) -> str:
    """Returns Hugging Face's name with the prefix `bert.`, of peft's."""
    name = name.removeprefix(_MODEL)
    return f"{PREFIX}{name}" if name.startswith(("encoder.", "embeddings.", "pooler.")) else name


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
