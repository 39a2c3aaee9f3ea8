"""Takes from a trained model the feed-forward columns, heads and layers that matter least for rows like yours.

    keras-bert prune --model=runs/sst2/model --rows=sst2/train.tsv --keep_ffn=0.5 --output=runs/sst2-pruned
    keras-bert finetune --preset=runs/sst2-pruned --train=sst2/train.tsv --dev=sst2/dev.tsv ... --output=runs/sst2-small

The matrices really become smaller. A folder without some of the columns or layers opens in transformers, one without
some of the heads (--keep_heads=0.75) in keras_bert alone. Fine-tune it on: some of the accuracy goes with them, and
most of it comes back.
"""

import sys
from pathlib import Path

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts import checkpoint_flags, generation_flags, prompt_flags, row_flags, target_flags
from keras_bert.scripts.model_settings import open_model, take_row_settings
from keras_bert.scripts.output_file import check_output_file
from keras_bert.scripts.program import run_program

FLAGS = flags.FLAGS

flags.DEFINE_string("model", None, "Folder of the trained model.")
flags.DEFINE_string("rows", None, "Labelled rows to measure importance on: a file, tfds:NAME, or library_docs.")
flags.DEFINE_list("rows_target", None, "For models that write: file with the target of each line of --rows.")
flags.DEFINE_integer("max_rows", 2000, "Measure on so many of them, the first; 0: on all.", lower_bound=0)
flags.DEFINE_integer("batch_size", 8, "Rows whose gradients are summed before their size is taken.", lower_bound=1)
flags.DEFINE_float("keep_ffn", 1.0, "Share of the feed-forward columns of each layer to keep, such as 0.5.")
flags.DEFINE_float("keep_heads", 1.0, "Share of the attention heads of each layer to keep, such as 0.75.")
flags.DEFINE_list("keep_layers", None, "How many layers to keep, the lowest; or their numbers, such as 1,2,4,6.")
flags.DEFINE_string("output", None, "The folder to write.")
flags.DEFINE_bool("overwrite", False, "Replace what is at --output.")
flags.DEFINE_string("plot", None, "File for a picture of the importance of heads and columns, .png.")
flags.register_validator("model", bool, message="name the model, --model=FOLDER")
flags.register_validator("output", bool, message="name the folder to write, --output=FOLDER")


def run() -> None:
    """Runs the program."""
    modules = (checkpoint_flags, row_flags, prompt_flags, target_flags, generation_flags)
    run_program(main, sys.modules[__name__], *modules)


def main() -> None:
    """Prunes as the flags say."""
    from keras_bert.checkpoints import open_checkpoint, resolve
    from keras_bert.checkpoints.convert import check_apart
    from keras_bert.checkpoints.save import save_checkpoint
    from keras_bert.compression import measure_importance, prune
    from keras_bert.compression.prune import kept_layers
    from keras_bert.scripts.task_kinds import kind_of

    layers = _layers()
    for name, share in (("keep_ffn", FLAGS.keep_ffn), ("keep_heads", FLAGS.keep_heads)):
        if not 0 < share <= 1:
            raise InputError(f"--{name}={share:g}: expected a share above 0, up to 1: what is kept")
    if FLAGS.keep_ffn == FLAGS.keep_heads == 1 and layers is None:
        raise InputError("nothing is to go: name --keep_ffn or --keep_heads below 1, such as 0.5, or --keep_layers")
    measured = min(FLAGS.keep_ffn, FLAGS.keep_heads) < 1 or FLAGS.plot is not None
    if measured and not FLAGS.rows:
        raise InputError("importance is measured on rows: name them, --rows=FILE")
    if FLAGS.plot:
        from keras_bert.evaluation.extras import import_extra

        import_extra("matplotlib.figure")
    check_output_file(FLAGS.plot)
    target = check_apart(FLAGS.output, resolve(FLAGS.model), FLAGS.overwrite)
    checkpoint = open_checkpoint(FLAGS.model, pad_vocabulary=FLAGS.pad_vocabulary)
    kept_layers(checkpoint.config.num_hidden_layers, layers)  # before the rows are gone through
    importance = None
    if measured:
        take_row_settings(checkpoint)
        task = open_model(checkpoint, text_pair=FLAGS["text_pair"].present > 0)
        prompt_flags.prompt_rows(task)
        kind = kind_of(task)
        rows = kind.read_for(task, FLAGS.rows)
        importance = measure_importance(task, rows.take(FLAGS.max_rows) if FLAGS.max_rows else rows, FLAGS.batch_size)
        print(f"importance measured on {importance.rows:,} rows")
    pruned = prune(checkpoint, importance, FLAGS.keep_ffn, layers, FLAGS.keep_heads)
    save_checkpoint(target, pruned, FLAGS.overwrite)
    if FLAGS.plot and importance is not None:
        importance.plot(Path(FLAGS.plot))
    sizes = [sum(tensor.nbytes for tensor in each.tensors.values()) / 1e6 for each in (checkpoint, pruned)]
    print(f"{FLAGS.output}: {pruned.notes[-1]}")
    print(f"  weights: {sizes[0]:,.1f} MB before, {sizes[1]:,.1f} MB now; fine-tune on: --preset={FLAGS.output}")


def _layers() -> int | list[int] | None:
    """Returns --keep_layers as `prune` takes it."""
    if FLAGS.keep_layers is None:
        return None
    if not FLAGS.keep_layers or not all(part.isascii() and part.isdigit() for part in FLAGS.keep_layers):
        raise InputError(f"--keep_layers={','.join(FLAGS.keep_layers)}: expected numbers, such as 4, or 1,2,4,6")
    numbers = [int(part) for part in FLAGS.keep_layers]
    return numbers[0] if len(numbers) == 1 else numbers


if __name__ == "__main__":
    run()
