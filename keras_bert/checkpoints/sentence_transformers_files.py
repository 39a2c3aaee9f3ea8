"""Writes the files by which sentence-transformers opens a folder."""

import json
from collections.abc import Mapping
from typing import Any

from keras_bert.checkpoints.sentence_transformers import (
    ACTIVATION_CLASSES,
    MODULES_FILE,
    OWN_TYPES,
    POOLING_SWITCHES,
    SETTINGS_FILE,
    TRANSFORMER_FILES,
)


def sentence_transformers_files(settings: Mapping[str, Any], hidden_size: int) -> dict[str, str]:
    """Makes the files by which sentence-transformers opens a folder; those of modules without their weights.

    Settings at their default are left out where older versions of the library do not know them.

    Args:
        settings: As `SentenceEmbedding.settings`.
        hidden_size: Of the encoder.

    Returns:
        Content by name, `2_Dense/config.json`; weights of that module belong beside it, `2_Dense/model.safetensors`.
    """
    pooling = list(settings["pooling"])
    names = {mode: name for name, mode in POOLING_SWITCHES.items()}
    always = list(names.values())[:4]
    in_order = [mode for mode in names if mode in pooling] == pooling
    switches = {name: mode in pooling for mode, name in names.items() if name in always or mode in pooling}
    fields: dict[str, Any] = {
        "word_embedding_dimension": hidden_size,
        **(switches if in_order else {"pooling_mode": pooling}),
        **({} if settings["include_prompt"] else {"include_prompt": False}),
    }
    modules = [("", "Transformer"), ("1_Pooling", "Pooling")]
    files: dict[str, Any] = {"1_Pooling/config.json": fields}
    size = hidden_size * len(pooling)
    for module in [*settings["modules"], *([{"kind": "Normalize"}] if settings["normalize"] else [])]:
        kind = module["kind"]
        path = f"{len(modules)}_{kind}"
        modules.append((path, kind))
        if kind == "Dense":
            files[f"{path}/config.json"] = {
                "in_features": size,
                "out_features": module["units"],
                "bias": module["use_bias"],
                "activation_function": ACTIVATION_CLASSES[module["activation"]],
                **({"use_residual": True} if module["use_residual"] else {}),
            }
            size = module["units"]
        elif kind == "LayerNorm":
            files[f"{path}/config.json"] = {"dimension": size}
        elif kind == "Dropout":
            files[f"{path}/config.json"] = {"dropout": module["rate"]}
    files[MODULES_FILE] = [
        {"idx": index, "name": str(index), "path": path, "type": f"{OWN_TYPES}models.{kind}"}
        for index, (path, kind) in enumerate(modules)
    ]
    # What lower-cases is the tokenizer, as its own file says.
    files[TRANSFORMER_FILES[0]] = {"max_seq_length": settings["max_length"], "do_lower_case": False}
    files[SETTINGS_FILE] = {
        "model_type": "SentenceTransformer",
        "prompts": settings["prompts"],
        "default_prompt_name": settings["default_prompt"],
        "similarity_fn_name": settings["similarity"],
        **({"truncate_dim": settings["truncate_dim"]} if settings["truncate_dim"] else {}),
    }
    return {name: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for name, content in files.items()}
