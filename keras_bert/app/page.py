"""The page itself: boxes for the texts, an answer, an explanation where there is one, examples."""

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keras_bert.app.faces.face import Face
from keras_bert.app.faces.face_of import face_of
from keras_bert.errors import InputError
from keras_bert.evaluation.extras import import_extra
from keras_bert.tasks import (
    BertClassifier,
    BertEmbedder,
    BertQuestionAnswerer,
    BertRegressor,
    BertTask,
    BertTokenClassifier,
)
from keras_bert.trust.page.markup import shown
from keras_bert.trust.page.write_page import page as explanation_page

EXPLAINED = (BertClassifier, BertRegressor, BertTokenClassifier, BertQuestionAnswerer, BertEmbedder)
"""Tasks whose answers `explain` explains."""


def make_page(model: BertTask, examples: Sequence[Mapping[str, Any]] = (), title: str | None = None) -> Any:
    """Makes a page on which a model can be tried in a browser.

    Texts are shown as text, whatever they hold. Nothing is loaded from elsewhere, and nothing is sent to others.

    Args:
        model: Any task: classes are bars, entities coloured, answers marked in their text, a pair's similarity a
            number, masked words a table, written texts come with their hypotheses. Where the task has explanations, a
            button shows which words spoke for the answer.
        examples: Rows of the model's fields, such as `{"text": "a gripping film"}`, to be tried with a click.
        title: The heading.

    Returns:
        A `gradio.Blocks`; `serve_page` serves it, and so does its `launch`.

    Raises:
        InputError: gradio is not installed, the task has no face, or an example lacks a field.

    Example:
        >>> serve_page(make_page(model, [{"text": "a gripping film"}]), port=7860)  # doctest: +SKIP
    """
    gradio = import_extra("gradio", "app")
    face = face_of(model, gradio)
    heading = title or f"keras_bert: {type(model).__name__}"
    rows = [_example(face, row, index) for index, row in enumerate(examples)]
    with gradio.Blocks(title=heading, analytics_enabled=False) as blocks:
        gradio.HTML(f"<h1>{shown(heading)}</h1>", padding=True)
        with gradio.Row():
            with gradio.Column():
                inputs = face.inputs()
                ask = gradio.Button("Answer", variant="primary", elem_id="ask")
            with gradio.Column():
                outputs = face.outputs()
        ask.click(_guarded(gradio, lambda *values: face.answer(face.row(values)), len(outputs)), inputs, outputs)
        if isinstance(model, EXPLAINED):
            why = gradio.Button("Why?", elem_id="why")
            explanation = gradio.HTML(elem_id="explanation", padding=True)
            why.click(_guarded(gradio, lambda *values: [_explained(face, values)], 1), inputs, [explanation])
        if rows:
            gradio.Examples(rows, inputs, cache_examples=False)
    return blocks


def serve_page(page: Any, host: str = "127.0.0.1", port: int = 7860, wait: bool = True) -> str:
    """Serves a page to browsers.

    Args:
        page: That of `make_page`.
        host: The address to listen at: `"127.0.0.1"` for this machine alone, `"0.0.0.0"` for all that reach it.
        port: The port; 0 for the one that `GRADIO_SERVER_PORT` names, or the first free one from 7860.
        wait: Return only when the server is stopped.

    Returns:
        The page's address.

    Raises:
        InputError: The port is taken.
    """
    gradio = import_extra("gradio", "app")
    # Fonts of the reader's system: gradio's own are files of 400 kB.
    theme = gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    try:
        _, address, _ = page.launch(
            server_name=host, server_port=port or None, prevent_thread_lock=True, quiet=True, share=False,
            footer_links=[], theme=theme,
        )  # fmt: skip
    except OSError as error:
        raise InputError(f"cannot listen at {host}:{port}: {error}; choose another port") from None
    if wait:
        page.block_thread()
    return str(address)


def _guarded(gradio: Any, function: Callable[..., list[Any]], count: int) -> Callable[..., Any]:
    """Makes of what a user can mend a message on the page, which gradio would show as markup."""

    def answer(*values: str) -> Any:
        try:
            found = function(*values)
        except InputError as error:
            raise gradio.Error(shown(str(error)), print_exception=False) from None
        return found[0] if count == 1 else tuple(found)

    return answer


def _explained(face: Face, values: Sequence[str]) -> str:
    """Explains an answer: a page of its own within the page, in which no script runs."""
    row = face.row(values)
    pair = tuple(row.values())
    given = pair if isinstance(face.model, BertEmbedder) else dict(row)
    content = explanation_page(face.model.explain([given]), "Which words spoke for it")
    frame = "width:100%;height:24rem;border:0"
    return f'<iframe title="Explanation" sandbox="" style="{frame}" srcdoc="{html.escape(content)}"></iframe>'


def _example(face: Face, row: Mapping[str, Any], index: int) -> list[str]:
    missing = [name for name in face.fields if name not in row]
    if missing:
        raise InputError(f"example {index}: no {missing[0]!r}; expected {', '.join(face.fields)}")
    return face.values(row)
