"""The optimizer that BERT is trained with, from the few numbers a user chooses."""

from keras_bert.errors import InputError
from keras_bert.training.optimizers.adamw import AdamW
from keras_bert.training.optimizers.schedule import LinearWarmupDecay


def adamw(
    peak_learning_rate: float,
    steps: int,
    warmup: float = 0.1,
    decay: float = 0.01,
    clip_norm: float | None = 1.0,
    layer_decay: float | None = None,
    num_hidden_layers: int | None = None,
    skip_nonfinite: bool = False,
) -> AdamW:
    """Makes AdamW with linear warm-up and decay, clipping, and optionally a rate that falls with depth.

    Args:
        peak_learning_rate: The highest learning rate; 2e-5 to 1e-4 for fine-tuning.
        steps: Training steps of the whole run.
        warmup: Share of the steps in which the rate rises, in [0, 1].
        decay: Decoupled weight decay, not on biases and norms.
        clip_norm: Gradients are clipped to this global norm; None turns clipping off.
        layer_decay: Factor on the learning rate for each block below the head: block `i` of `n` trains with
            `layer_decay ** (n - i)` of the rate (`i` from 0), the embeddings with `layer_decay ** (n + 1)`.
        num_hidden_layers: Blocks of the encoder; needed with `layer_decay`. A model with another number is refused when
            training begins.
        skip_nonfinite: Leave out a step whose gradient holds a nan or an infinity.

    Raises:
        InputError: A number out of its range.

    Example:
        >>> optimizer = adamw(peak_learning_rate=3e-5, steps=6000, layer_decay=0.9, num_hidden_layers=12)

    References:
        Defaults: google-research/bert, optimization.py and run_classifier.py. Layer-wise rates: Howard and
        Ruder 2018, arXiv:1801.06146, section 3.2; for BERT google-research/electra,
        model/optimization.py, `_get_layer_lrs`.
    """
    if not 0 <= warmup <= 1:
        raise InputError(f"warmup is a share of the steps, between 0 and 1, received: {warmup}")
    multipliers: dict[str, float] = {}
    if layer_decay is not None:
        if not 0 < layer_decay <= 1:
            raise InputError(f"layer_decay must lie in (0, 1], received: {layer_decay}")
        if num_hidden_layers is None:
            raise InputError("layer_decay needs num_hidden_layers, the number of blocks of the encoder")
        multipliers = {
            f"block_{index}": layer_decay ** (num_hidden_layers - index) for index in range(num_hidden_layers)
        }
        multipliers["embeddings"] = layer_decay ** (num_hidden_layers + 1)
    return AdamW(
        LinearWarmupDecay(peak_learning_rate, steps, round(warmup * steps)),
        decay=decay,
        multipliers=multipliers,
        num_hidden_layers=None if layer_decay is None else num_hidden_layers,
        global_clipnorm=clip_norm,
        skip_nonfinite=skip_nonfinite,
    )
