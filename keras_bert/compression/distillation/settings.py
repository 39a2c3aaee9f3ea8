"""What a student learns from its teacher by, and with which weights."""

import dataclasses
from collections.abc import Sequence

from keras_bert.config import BertConfig
from keras_bert.errors import InputError

RELATIONS = ("QK", "QQ", "KK", "VV")
"""Pairs of the vectors of attention whose relations can be compared; see `relation_divergence`."""

SCHEDULES = ("linear", "constant")


@dataclasses.dataclass(frozen=True)
class DistillationSettings:
    """The terms of the loss of a student, and the replacing of its teacher's blocks.

    The loss is `label_share` · (the task's loss with the true labels) + (1 - `label_share`) · (the distance to the
    teacher's outputs) + `relation_weight` · (relations) + `hidden_weight` · (hidden states) + `attention_weight` ·
    (attention scores).

    Attributes:
        label_share: From 0, the teacher alone, for which rows need no labels, to 1, the labels alone.
        temperature: T of the softened probabilities, for classes and places.
        relations: Of `RELATIONS`, compared in the last block of both: `("QK", "VV")` is MiniLM, `("QQ", "KK", "VV")`
            MiniLMv2.
        relation_weight: Weight of the sum over the relations.
        relation_heads: Heads that the vectors are cut into; None for the models' own, which must be as many.
        relation_layer: The block of the teacher to compare with, from 1, or from the last, -1.
        hidden_weight: Weight of the hidden states of embeddings and blocks (TinyBERT), a mean over them.
        attention_weight: Weight of the attention scores of blocks (TinyBERT), a mean over them; both models have as
            many heads.
        layer_map: For each block of the student the block of the teacher, from 1, that it is compared with; None
            spreads them evenly, the last to the last: 3 of 6 blocks learn from 2, 4, 6.
        replacement_rate: BERT-of-Theseus: in training each block of the student takes the place of a module of its
            teacher with this probability, else the teacher computes; None for a student that stands by itself.
        replacement_schedule: `"linear"`: the rate rises to 1; `"constant"`: it stays.
        replacement_steps: Steps after which the rate is 1, and the student by itself is trained on.

    Raises:
        InputError: A number out of its range, or settings that do not go together.

    Example:
        >>> DistillationSettings(label_share=0.0, relations=("QK", "VV")).teaches_outputs
        True

    References:
        Hinton et al. 2015, arXiv:1503.02531; MiniLM: Wang et al. 2020, arXiv:2002.10957, v2: arXiv:2012.15828;
        TinyBERT: Jiao et al. 2019, arXiv:1909.10351; BERT-of-Theseus: Xu et al. 2020, arXiv:2002.02925.
    """

    label_share: float = 0.5
    temperature: float = 2.0
    relations: Sequence[str] = ()
    relation_weight: float = 1.0
    relation_heads: int | None = None
    relation_layer: int = -1
    hidden_weight: float = 0.0
    attention_weight: float = 0.0
    layer_map: Sequence[int] | None = None
    replacement_rate: float | None = None
    replacement_schedule: str = "linear"
    replacement_steps: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.label_share <= 1:
            raise InputError(f"label_share is a share, from 0 to 1, received: {self.label_share}")
        if not 0 < self.temperature < float("inf"):
            raise InputError(f"temperature must be a positive number, received: {self.temperature}")
        for name in ("relation_weight", "hidden_weight", "attention_weight"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise InputError(f"{name} must be 0 or more, received: {getattr(self, name)}")
        unknown = [name for name in self.relations if name not in RELATIONS]
        if unknown or len(set(self.relations)) < len(self.relations):
            raise InputError(
                f"relations are some of {', '.join(RELATIONS)}, each once, received: {', '.join(self.relations)}"
            )
        if self.relation_heads is not None and self.relation_heads < 1:
            raise InputError(f"relation_heads must be 1 or more, received: {self.relation_heads}")
        if self.relation_heads is not None and not self.relations:
            raise InputError("relation_heads is for relations; name some, such as QQ,KK,VV")
        if self.layer_map is not None and not self.compares_layers:
            raise InputError("layer_map is for hidden_weight and attention_weight; set one of them")
        if self.replacement_schedule not in SCHEDULES:
            raise InputError(f"replacement_schedule must be linear or constant, received: {self.replacement_schedule}")
        if self.replacement_rate is not None:
            if not 0 <= self.replacement_rate <= 1:
                raise InputError(f"replacement_rate is a probability, from 0 to 1, received: {self.replacement_rate}")
            if self.compares_layers or self.relations:
                raise InputError(
                    "replacement_rate mixes the blocks of both models, of which neither has hidden states of its own: "
                    "leave out relations, hidden_weight and attention_weight"
                )

    @property
    def teaches_outputs(self) -> bool:
        """Whether the teacher's outputs are in the loss."""
        return self.label_share < 1

    @property
    def compares_layers(self) -> bool:
        """Whether single blocks are compared."""
        return self.hidden_weight > 0 or self.attention_weight > 0

    @property
    def runs_teacher_inside(self) -> bool:
        """Whether more than the teacher's outputs is in the loss."""
        return self.compares_layers or bool(self.relations)

    def layers(self, student: int, teacher: int) -> tuple[int, ...]:
        """Returns `layer_map`, or that of blocks spread evenly.

        Args:
            student: Blocks of the student.
            teacher: Blocks of the teacher.

        Raises:
            InputError: The map names blocks that there are not, or has another length than the student.
        """
        if self.layer_map is None:
            return tuple(-(-(index + 1) * teacher // student) for index in range(student))
        layers = tuple(self.layer_map)
        if len(layers) != student or any(not 1 <= layer <= teacher for layer in layers):
            raise InputError(
                f"layer_map names a block of the teacher, 1 to {teacher}, for each of the student's {student}, "
                f"received: {', '.join(map(str, layers))}"
            )
        return layers

    def heads(self, student: BertConfig, teacher: BertConfig) -> int:
        """Returns the heads that vectors are cut into for relations.

        Raises:
            InputError: The models have different numbers of heads and `relation_heads` is not given, or their widths
                are no multiples of it.
        """
        if self.relation_heads is None:
            ours, theirs = student.num_attention_heads, teacher.num_attention_heads
            if self.relations and ours != theirs:
                raise InputError(
                    f"the student has {ours} heads, the teacher {theirs}: say how many relations are cut into, "
                    "relation_heads"
                )
            return theirs
        for config in (student, teacher):
            if config.attention_size % self.relation_heads:
                raise InputError(
                    f"relation_heads={self.relation_heads} does not divide {config.attention_size}, the width of "
                    f"{config.num_attention_heads} heads"
                )
        return self.relation_heads

    def teacher_block(self, blocks: int) -> int:
        """Returns the teacher's block of the relations, from 1.

        Raises:
            InputError: There is no such block.
        """
        block = self.relation_layer + blocks + 1 if self.relation_layer < 0 else self.relation_layer
        if not 1 <= block <= blocks:
            raise InputError(f"relation_layer={self.relation_layer}: the teacher has the layers 1 to {blocks}")
        return block
