"""The page as a server gives it: answers by its own interface, explanations, examples, mistakes as a line of text."""

import html
import socket

import pytest

from keras_bert.app.page import EXPLAINED, make_page, serve_page
from keras_bert.errors import InputError
from tests.app.models import ASKED, AWKWARD, every_model

pytest.importorskip("gradio", reason="needs gradio: pip install 'bert-for-keras[app]'")


def functions(page) -> list:
    """What the buttons of a page call, in their order."""
    return [each.fn for each in page.fns.values() if each.targets and each.targets[0][1] == "click"]


@pytest.mark.parametrize("name", ASKED)
def test_buttons_answer_and_explain(name: str):
    model = every_model()[name]
    page = make_page(model)
    answer, *why = functions(page)
    assert answer(*ASKED[name]) is not None
    assert len(why) == isinstance(model, EXPLAINED)
    if why:
        frame = why[0](*ASKED[name])
        assert frame.startswith('<iframe title="Explanation" sandbox=""')
        inside = html.unescape(frame.partition('srcdoc="')[2].removesuffix('"></iframe>'))
        assert inside.startswith("<!doctype html>")
        assert "<script" not in inside


def test_a_mistake_is_a_message_in_which_markup_is_text():
    import gradio

    answer = functions(make_page(every_model()["mask_filler"]))[0]
    with pytest.raises(gradio.Error) as error:
        answer("no mask <b>here</b>")
    assert "no [MASK]" in error.value.message
    with pytest.raises(gradio.Error, match="Text: empty; write something there"):
        answer("")


def test_the_title_is_text_and_examples_must_fit():
    page = make_page(every_model()["classifier"], [{"text": AWKWARD}], "<b>mine</b>")
    assert "<h1>&lt;b&gt;mine&lt;/b&gt;</h1>" in [getattr(block, "value", None) for block in page.blocks.values()]
    with pytest.raises(InputError, match="example 1: no 'text'; expected text"):
        make_page(every_model()["classifier"], [{"text": "a"}, {"texts": "b"}])


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"cannot listen at 127.0.0.1:{port}: .*choose another port"):
            serve_page(make_page(every_model()["classifier"]), port=port, wait=False)
