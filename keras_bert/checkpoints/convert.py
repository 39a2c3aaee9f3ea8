"""From any weight format to a Hugging Face folder."""

from pathlib import Path
from typing import Any

from keras_bert.arguments import arguments_of, refuse_unknown
from keras_bert.checkpoints.heads import NEXT_SENTENCE_INNER
from keras_bert.checkpoints.presets import open_resolved, resolve
from keras_bert.checkpoints.report import ConvertReport
from keras_bert.checkpoints.save import save_checkpoint
from keras_bert.errors import InputError
from keras_bert.files import check_target


def convert(handle: str | Path, folder: str | Path, overwrite: bool = False, **options: Any) -> ConvertReport:
    """Writes a checkpoint of any known format as a Hugging Face folder, heads included.

    The tensors go over as they were read, so that Hugging Face to Hugging Face gives the same bits.

    Args:
        handle: What `open_checkpoint` takes.
        folder: Where to write.
        overwrite: Replace a folder that holds something.
        **options: Those of `open_checkpoint`.

    Returns:
        What became of every tensor.

    Raises:
        InputError: The checkpoint cannot be read, the folder is the checkpoint's own, or cannot be written.

    Example:
        >>> from pathlib import Path
        >>> report = convert("minilm", "bert")
        >>> (Path("bert") / "model.safetensors").is_file()
        True
    """
    named = [name for name in arguments_of(open_resolved) if name not in ("path", "handle")]
    refuse_unknown("convert", options, ("handle", "folder", "overwrite", *named))
    source = resolve(handle)
    target = check_apart(folder, source, overwrite)
    checkpoint = open_resolved(source, str(handle), **options)
    notes = list(checkpoint.notes)
    if checkpoint.extra:
        notes.append(f"{', '.join(checkpoint.extra)}: in keras_bert.json, as Hugging Face's files have no place for it")
    if any(name.startswith(NEXT_SENTENCE_INNER) for name in checkpoint.tensors):
        notes.append(f"transformers passes over {NEXT_SENTENCE_INNER}*, which its next-sentence head has not")
    save_checkpoint(target, checkpoint, overwrite)
    return ConvertReport(
        checkpoint.source, Path(folder), tuple(checkpoint.tensors), dict(checkpoint.ignored), tuple(notes)
    )


def check_apart(folder: str | Path, source: Path, overwrite: bool = False) -> Path:
    """Checks that a folder may be written that is made of a checkpoint, which overwriting must not delete.

    Args:
        folder: The folder to write.
        source: The checkpoint, as `resolve` gives it.
        overwrite: Replace a folder that holds something.

    Returns:
        The folder, as `check_target` gives it.

    Raises:
        InputError: As `check_target`; or the folder is the checkpoint, or holds it.
    """
    target = check_target(folder, overwrite)
    if target in (source.resolve(), *source.resolve().parents):
        raise InputError(f"{folder}: is or holds the checkpoint that is read; choose another folder")
    return target
