"""Low-rank adapters: a task learnt in one weight of a hundred, merged when it is saved, or kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_bert.checkpoints.adapted import adapted_layers, read_matrices
from keras_bert.checkpoints.hugging_face import hugging_face_fields
from keras_bert.checkpoints.mapping import encoder_weights
from keras_bert.checkpoints.peft_folder import Adapter, adapter_files, read_adapter
from keras_bert.checkpoints.presets import resolve_base
from keras_bert.checkpoints.save import trained_length
from keras_bert.checkpoints.tokenizer_files import write_tokenizer_files
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.files import atomic_folder
from keras_bert.layers.adapted_linear import MODULES
from keras_bert.tasks.base.task import BertTask
from keras_bert.version import __version__

RANK = 8
TARGETS = ("query", "value")


def add_adapters(
    model: Any,
    rank: int = RANK,
    alpha: float | None = None,
    dropout: float = 0.0,
    targets: Sequence[str] = TARGETS,
) -> Any:
    """Gives a task adapters, which are trained in place of its encoder, together with head and pooler.

    Of each dense layer that is chosen the weights W stay as they are, and W + alpha / rank · B · A takes their place: A
    and B have `rank` rows and columns, B begins with zeros. `save_preset` writes the sum, a folder as any other;
    `save_adapters` A and B.

    Args:
        model: A task, such as `BertClassifier`; it stays as it is.
        rank: Of the change of each layer. Fewer weights than 1 % of BERT-base are trained at 8.
        alpha: The change counts `alpha / rank` times; twice the rank if None.
        dropout: Dropout rate on what goes into A.
        targets: The layers, by the ends of their names in Hugging Face's BERT, as peft understands them: `query`,
            `key`, `value`, `attention.output.dense`, `intermediate.dense`, `output.dense` (which ends
            `attention.output.dense`, too), `dense`; or `("all-linear",)`.

    Returns:
        A task of the same class with weights of its own, not compiled.

    Raises:
        InputError: The model is no task, has adapters already, a number is out of its range, or a target is the name of
            nothing.

    Example:
        >>> model = keras_bert.BertClassifier.from_preset("minilm", labels=["negative", "positive"])
        >>> import numpy as np
        >>> adapted = add_adapters(model, rank=8, targets=("query", "value"))
        >>> sum(int(np.prod(v.shape)) for v in adapted.trainable_variables)  # of 22,787,714 weights
        222338

    References:
        Hu et al. 2021, arXiv:2106.09685: query and value, table 5.
    """
    if not isinstance(model, BertTask):
        raise InputError(f"adapters are for a task, such as BertClassifier, received: {type(model).__name__}")
    if model.encoder.adapters is not None:
        raise InputError("the model has adapters already; merge_adapters makes a plain one of it")
    settings = adapter_settings(model.encoder.config.hidden_size, rank, alpha, dropout, targets)
    adapted = model.over(_copied(model.encoder, settings))
    train_adapters_alone(adapted.encoder)
    return adapted


def merge_adapters(model: Any) -> Any:
    """Makes of a task with adapters the plain one that answers alike, for an export from Python.

    Args:
        model: A task with adapters; it stays as it is.

    Returns:
        A task of the same class without, all of whose weights are trained.

    Example:
        >>> model = keras_bert.BertClassifier.from_preset("minilm", labels=["negative", "positive"])
        >>> merged = merge_adapters(keras_bert.compression.add_adapters(model, rank=4))
        >>> merged.count_params() == model.count_params()  # plain weights again
        True
    """
    return model.over(_copied(model.encoder, None))


def save_adapters(
    model: Any,
    folder: str | Path,
    base: str | Path | None = None,
    overwrite: bool = False,
    card: Mapping[str, Any] | None = None,
) -> None:
    """Writes the adapters of a task, its head and pooler, as a folder of the peft library.

    `from_preset` and `open_task` open it, merged; `PeftModel.from_pretrained(base_model, folder)` does, too. The
    weights of the encoder are not in it: the folder or hub that they came from must stay where it is.

    Args:
        model: A task with adapters.
        folder: Gets `adapter_config.json`, `adapter_model.safetensors`, and what `save_preset` writes beside weights.
        base: What the model was before, as `from_preset` takes it; what it was opened from if None.
        overwrite: Replace a folder that is there already.
        card: Facts for the model card.

    Raises:
        InputError: The model has no adapters, its base is not known, the folder holds something, or peft has no place
            for the head.

    Example:
        >>> from pathlib import Path
        >>> model = keras_bert.BertClassifier.from_preset("minilm", labels=["negative", "positive"])
        >>> save_adapters(keras_bert.compression.add_adapters(model, rank=4), "adapters")
        >>> sorted(path.name for path in Path("adapters").glob("adapter*"))
        ['adapter_config.json', 'adapter_model.safetensors']
    """
    encoder = model.encoder
    if encoder.adapters is None:
        raise InputError("the model has no adapters: add_adapters gives it some, save_preset writes what it has")
    base = base or (model.load_report.source if model.load_report else None)
    if base is None:
        raise InputError("base: a model made from nothing has no checkpoint that adapters could be added to again")
    if Path(resolve_base(str(base))).resolve() == Path(folder).expanduser().resolve():
        raise InputError(f"{folder}: is the model that the adapters are for; choose another folder")
    if Path(str(base)).expanduser().exists():  # also for who opens it from elsewhere
        base = Path(str(base)).expanduser().resolve()
    parts = model.described(card)
    config, tokenizer, extra = parts["config"], parts["tokenizer"], parts["extra"]
    whole = {weight.name: weight.read() for weight in model.whole_weights()}
    with atomic_folder(folder, overwrite) as temporary:
        adapter_files(temporary, model.architecture, str(base), encoder.adapters, read_matrices(encoder), whole)
        texts = {"config.json": to_json(hugging_face_fields(config, parts["metadata"]), indent=2) + "\n"}
        texts["keras_bert.json"] = to_json({"keras_bert_version": __version__, **extra}, indent=2) + "\n"
        for name, content in {**texts, **parts["files"]}.items():
            (temporary / name).parent.mkdir(exist_ok=True)
            (temporary / name).write_text(content, encoding="utf-8")
        length = trained_length(config, extra)
        entries, merges = tokenizer.get_vocabulary(), tokenizer.get_merges()
        write_tokenizer_files(temporary, entries, tokenizer.settings, merges, length)


def load_adapters(model: Any, folder: str | Path) -> Any:
    """Adds the adapters of a PEFT folder to a task over the same weights, to be trained further or looked at.

    Args:
        model: A task over the weights that the adapters were trained over; it stays as it is.
        folder: Written by `save_adapters` or by peft.

    Returns:
        A task with these adapters and the head of the folder.

    Raises:
        InputError: The folder does not open, or does not fit the model.

    Example:
        >>> model = keras_bert.BertClassifier.from_preset("minilm", labels=["negative", "positive"])
        >>> keras_bert.compression.save_adapters(keras_bert.compression.add_adapters(model, rank=4), "adapters")
        >>> load_adapters(model, "adapters").labels
        ('negative', 'positive')
    """
    adapter = read_adapter(folder)
    adapted = model.over(_copied(model.encoder, settings_of(adapter)))
    train_adapters_alone(adapted.encoder)
    adapted.load_preset(folder)
    return adapted


def settings_of(*adapters: Adapter) -> dict[str, Any]:
    """Returns what `BertEncoder(adapters=...)` takes for an encoder that has room for each of some adapters."""
    rank = max(adapter.rank for adapter in adapters)
    found = {target for adapter in adapters for target in adapter.targets}
    first = adapters[0]
    scale = next(iter(first.matrices.values()))[2]
    targets = [module for module in MODULES if module in found]
    return {"rank": rank, "alpha": scale * rank, "dropout": first.dropout, "targets": targets}


def adapter_settings(
    hidden_size: int, rank: int, alpha: float | None, dropout: float, targets: Sequence[str]
) -> dict[str, Any]:
    """Checks the arguments of `add_adapters`, and returns what `BertEncoder(adapters=...)` takes."""
    if isinstance(rank, bool) or not isinstance(rank, int) or not 1 <= rank <= hidden_size:
        raise InputError(f"rank is {rank!r}; expected a whole number, 1 to the hidden size, {hidden_size}")
    alpha = 2.0 * rank if alpha is None else float(alpha)
    if not 0 < alpha < float("inf"):
        raise InputError(f"alpha is {alpha!r}; expected a positive number")
    if not 0 <= dropout < 1:
        raise InputError(f"dropout is {dropout!r}; expected a number in [0, 1)")
    targets = [targets] if isinstance(targets, str) else list(targets)
    chosen: set[str] = set()
    for target in targets:
        found = {module for module in MODULES if target == "all-linear" or f".layer.{module}".endswith(f".{target}")}
        if not found:
            raise InputError(f"targets: no layer {target!r}; there are: {', '.join(MODULES)}, and their last parts")
        chosen |= found
    if not chosen:
        raise InputError(f"targets: none named; there are: {', '.join(MODULES)}, and their last parts")
    return {"rank": rank, "alpha": alpha, "dropout": dropout, "targets": [name for name in MODULES if name in chosen]}


def train_adapters_alone(encoder: BertEncoder) -> None:
    """Freezes all of an encoder but its adapters and its pooler."""
    trained = {id(layer) for layer, _ in adapted_layers(encoder).values()}
    for layer in encoder.layers:
        if layer is not encoder.pooler and layer not in encoder.blocks:
            layer.trainable = False
    for block in encoder.blocks:
        attention = block.attention
        for part in (attention.qkv, attention.output_dense, block.intermediate, block.output_dense):
            if id(part) not in trained:
                part.trainable = False
        block.attention_norm.trainable = block.output_norm.trainable = False


def _copied(encoder: BertEncoder, adapters: Mapping[str, Any] | None) -> BertEncoder:
    """Makes an encoder with the weights of another, and adapters that change nothing, or with what it had merged."""
    config = {name: value for name, value in encoder.get_config().items() if name != "frozen"}
    made = BertEncoder.from_config({**config, "adapters": adapters, "trainable": True})
    for own, new in zip(encoder_weights(encoder), encoder_weights(made), strict=True):
        new.write(own.read())
    return made
