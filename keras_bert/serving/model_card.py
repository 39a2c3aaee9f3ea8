"""The model card: what a model is, what it was trained on, how well it does, where it ends."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf
import tensorflow_text as tf_text

from keras_bert.config import BertConfig
from keras_bert.escaping import markdown, markdown_code, to_json, yaml_string
from keras_bert.serving.audit_section import audit_section
from keras_bert.version import __version__

NOT_COVERED = (
    "\n\nDifferential privacy of single training rows, for who sees this model alone. Not covered: what was chosen by "
    "the rows, such as weights of classes or a vocabulary learned from them; the loss and the scores of training in "
    "the log; the rows that the best epoch was chosen by; persons whom several rows are of."
)

CUT_OFF = "Input beyond the model's longest is cut off."

_VERSIONS = {
    "keras_bert": __version__,
    "tensorflow": tf.__version__,
    "tensorflow-text": tf_text.__version__,
    "keras": keras.__version__,
}


def model_card(task: str, config: BertConfig, task_config: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """Writes the card as Markdown, with the headings that model hubs know.

    Labels, presets, paths and whatever else others wrote are shown as the text that they are.

    Args:
        task: Name of the task's class.
        config: The encoder's architecture.
        task_config: The task's entries in `config.json`, such as `id2label`; or `problem_type` and `outputs`, what
            it gives in words, for a task without labels; `long_input` for one that cuts nothing off.
        facts: What is known of the model: `preset` (what it started from), `data` (name → what it was
            trained and scored on), `metrics` (name → value), `training` (setting → value), `license`; `format` of an
            export (name → value), what it is and how it was measured; `audit`, see `audit_section`. What is missing is
            said to be missing.

    Returns:
        The text of a `README.md`.

    Example:
        >>> print(model_card("BertRegressor", BertConfig(), {}, {"metrics": {"pearson": 0.9}})[:53])
        ---
        library_name: keras
        tags:
        - bert
        - keras_bert
        ---
    """
    problem, labels = task_config.get("problem_type", "its task"), list(task_config.get("id2label", {}).values())
    outputs = task_config.get("outputs", f"classes: {_shortened(labels)}")
    if problem == "regression":
        outputs = "one number a text"
    sections = {
        **({"Format": _table(facts["format"], "")} if "format" in facts else {}),
        "Data": _table(facts.get("data"), "Not recorded."),
        "Metrics": _table(facts.get("metrics"), "Not measured."),
        **({"Audit": audit_section(facts["audit"])} if facts.get("audit") else {}),
        "Training": _table(facts.get("training"), "Not recorded."),
        **({"Privacy": _table(facts["privacy"], "") + NOT_COVERED} if "privacy" in facts else {}),
        "Architecture": _table(config.to_dict(), ""),
        "Versions": _table(_VERSIONS, ""),
        "Limits": (
            "The scores above hold for text like that in the data named above; for other text, measure first. "
            f"{task_config.get('long_input', CUT_OFF)} The model repeats the biases of the text it was "
            "pre-trained and fine-tuned on; do not let it decide about people unchecked."
        ),
    }
    license_line = f"license: {yaml_string(str(facts['license']))}\n" if "license" in facts else ""
    return "\n".join(
        [
            f"---\nlibrary_name: keras\ntags:\n- bert\n- keras_bert\n{license_line}---",
            f"# {task}\n",
            f"A BERT with a head for {problem.replace('_', ' ')}, {outputs}.",
            f"Started from: {markdown(str(facts.get('preset', 'not recorded')))}.",
            *(f"\n## {title}\n\n{body}" for title, body in sections.items()),
            "",
        ]
    )


def _shortened(labels: list[str]) -> str:
    return ", ".join(markdown_code(label) for label in labels[:20]) + (
        f", ... ({len(labels)})" if len(labels) > 20 else ""
    )


def _table(values: Mapping[str, Any] | None, empty: str) -> str:
    if not isinstance(values, Mapping) or not values:
        return markdown(to_json(values)) if values else empty
    rows = [f"| {markdown(str(name))} | {_cell(value)} |" for name, value in values.items()]
    return "\n".join(["| | |", "|---|---|", *rows])


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return markdown(value if isinstance(value, str) else to_json(value))
