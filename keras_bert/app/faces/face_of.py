"""Which face a task has."""

from typing import Any

from keras_bert.app.faces.answerer import AnswererFace
from keras_bert.app.faces.chooser import ChooserFace
from keras_bert.app.faces.classifier import ClassifierFace
from keras_bert.app.faces.embedder import EmbedderFace
from keras_bert.app.faces.face import Face
from keras_bert.app.faces.mask_filler import MaskFillerFace
from keras_bert.app.faces.regressor import RegressorFace
from keras_bert.app.faces.tagger import TaggerFace
from keras_bert.app.faces.writer import WriterFace
from keras_bert.errors import InputError
from keras_bert.tasks import (
    BertClassifier,
    BertEmbedder,
    BertMultipleChoice,
    BertPretrainer,
    BertQuestionAnswerer,
    BertRegressor,
    BertSeq2Seq,
    BertTask,
    BertTokenClassifier,
)

FACES: dict[type, type[Face]] = {
    BertClassifier: ClassifierFace,
    BertRegressor: RegressorFace,
    BertMultipleChoice: ChooserFace,
    BertTokenClassifier: TaggerFace,
    BertQuestionAnswerer: AnswererFace,
    BertEmbedder: EmbedderFace,
    BertPretrainer: MaskFillerFace,
    BertSeq2Seq: WriterFace,
}


def face_of(model: BertTask, gradio: Any) -> Face:
    """Gives a task its face.

    Args:
        model: The task.
        gradio: The package.

    Raises:
        InputError: There is none for such a task.
    """
    for task, face in FACES.items():
        if isinstance(model, task):
            return face(model, gradio)
    raise InputError(f"a {type(model).__name__} has no page; there is one for {', '.join(t.__name__ for t in FACES)}")
