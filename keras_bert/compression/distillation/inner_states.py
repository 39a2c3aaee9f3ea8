"""Which inner states of student and teacher are compared, block by block."""

import dataclasses
from collections.abc import Callable
from typing import Any, Self

from keras import ops

from keras_bert.compression.distillation.settings import DistillationSettings
from keras_bert.compression.distillation.terms import hidden_distance, relation_divergence, score_distance
from keras_bert.config import BertConfig
from keras_bert.errors import InputError

STUDENT, TEACHER = 0, 1
Pair = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class InnerStates:
    """Pairs of a student's block and a teacher's, from 1, and what of them is compared.

    Attributes:
        relations: See `DistillationSettings`.
        last: The blocks whose relations are compared.
        relation_heads: Heads that relations are cut into.
        hidden: Blocks whose hidden states are compared; 0 is the embeddings.
        attention: Blocks whose attention scores are compared.
        heads: The models' own heads, where their attention is compared.
    """

    relations: tuple[str, ...]
    last: Pair
    relation_heads: int
    hidden: tuple[Pair, ...]
    attention: tuple[Pair, ...]
    heads: int

    @classmethod
    def of(cls, settings: DistillationSettings, student: BertConfig, teacher: BertConfig) -> Self:
        """Chooses the blocks.

        Raises:
            InputError: The sizes of the two do not go with the settings.
        """
        heads = student.num_attention_heads, teacher.num_attention_heads
        if settings.attention_weight and heads[STUDENT] != heads[TEACHER]:
            raise InputError(
                f"attention_weight compares the attention of each head: the student has {heads[STUDENT]}, the teacher "
                f"{heads[TEACHER]}; relations with relation_heads compare any two"
            )
        blocks = student.num_hidden_layers, teacher.num_hidden_layers
        pairs = tuple(enumerate(settings.layers(*blocks), start=1)) if settings.compares_layers else ()
        return cls(
            relations=tuple(settings.relations),
            last=(blocks[STUDENT], settings.teacher_block(blocks[TEACHER])),
            relation_heads=settings.heads(student, teacher),
            hidden=((0, 0), *pairs) if settings.hidden_weight else (),
            attention=pairs if settings.attention_weight else (),
            heads=heads[TEACHER],
        )

    def hidden_of(self, side: int) -> set[int]:
        """Returns the blocks of the student or of the teacher whose hidden states are needed."""
        return {pair[side] for pair in self.hidden}

    def query_key_value_of(self, side: int) -> set[int]:
        """Returns the blocks of the student or of the teacher whose vectors of attention are needed."""
        return {pair[side] for pair in (*self.attention, *([self.last] if self.relations else []))}

    def compare(
        self, term: str, student: Any, teacher: Any, padding_mask: Any, project: Callable[[str, Any], Any]
    ) -> Any:
        """Compares the states of two networks, as `watched` names them.

        Args:
            term: `"relations"`, their sum; `"hidden"` or `"attention"`, the mean over the pairs of blocks.
            student: States by name.
            teacher: States by name.
            padding_mask: int32 (rows, tokens).
            project: Carries hidden states of the student to the teacher's width: from `"embeddings"` or `"hidden"` and
                the states.

        Returns:
            float32 (rows,).
        """
        if term == "relations":
            own, other = self.last
            values = self._relations(student[f"qkv_{own}"], teacher[f"qkv_{other}"], padding_mask)
            return sum(values[1:], start=values[0])
        values = []
        for own, other in self.hidden if term == "hidden" else self.attention:
            if term == "hidden":
                ours = project("hidden" if own else "embeddings", student[f"hidden_{own}"])
                hidden = _by_row(ours, padding_mask), _by_row(teacher[f"hidden_{other}"], padding_mask)
                values.append(hidden_distance(hidden[STUDENT], hidden[TEACHER], padding_mask))
            else:
                vectors = [
                    _vectors(states, padding_mask) for states in (student[f"qkv_{own}"], teacher[f"qkv_{other}"])
                ]
                queries = [(part["Q"], part["K"]) for part in vectors]
                values.append(score_distance(queries[STUDENT], queries[TEACHER], padding_mask, self.heads))
        return sum(values[1:], start=values[0]) / len(values)

    def _relations(self, student: Any, teacher: Any, padding_mask: Any) -> list[Any]:
        """Compares each of the relations, float32 (rows,), of the vectors of two blocks."""
        ours, theirs = (_vectors(states, padding_mask) for states in (student, teacher))
        return [
            relation_divergence(
                (ours[kinds[0]], ours[kinds[1]]),
                (theirs[kinds[0]], theirs[kinds[1]]),
                padding_mask,
                self.relation_heads,
            )
            for kinds in self.relations
        ]


def _by_row(states: Any, padding_mask: Any) -> Any:
    """Makes (rows, tokens, size) of (rows · tokens, size)."""
    return ops.reshape(states, (*ops.shape(padding_mask), states.shape[-1]))


def _vectors(query_key_value: Any, padding_mask: Any) -> dict[str, Any]:
    """Gives queries, keys and values, float (rows, tokens, size) each, of (rows · tokens, 3 · size)."""
    return dict(zip("QKV", ops.split(_by_row(query_key_value, padding_mask), 3, axis=-1), strict=True))
