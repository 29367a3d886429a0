"""The common base of HCR and HCR-A: two towers over the integrated features, and the front-door causal graph."""

from __future__ import annotations

from graphrec.causal import CausalGraph, Node
from graphrec.data.dataset import FeedbackRole
from graphrec.decoders.base import Context, Decoder, DecoderConfig, Tower


class FrontDoorConfig(DecoderConfig):
    """Settings of a decoder with front-door adjustment.

    Example:
        >>> FrontDoorConfig()
        FrontDoorConfig(share_embeddings=True, like_graph='click')
    """

    share_embeddings: bool = True
    """Whether the towers share their embedding tables; false gives the paper's HCR-NS."""
    like_graph: FeedbackRole = "click"
    """The feedback whose edges the like tower propagates over."""


class FrontDoorDecoder(Decoder):
    """Base of the decoders with front-door adjustment through the click: one tower for clicks and one for likes.

    Both towers compute the exposure and the content representations. Their mean is the integrated feature z.

    Example:
        >>> from graphrec.decoders.hcr import HCR
        >>> covers_alone = Context(exposure=("cover",), content=(), embedding_size=8)
        >>> decoder = HCR(HCR.Config(), covers_alone)
        >>> decoder.integrated, list(decoder.towers())  # the ids take the place of the content
        (('cover', 'id'), ['click', 'like'])
    """

    config: FrontDoorConfig

    def __init__(self, config: FrontDoorConfig, context: Context) -> None:
        super().__init__(config, context)
        self.share_embeddings = config.share_embeddings
        self.exposure, self.content = context.exposure_or_id, context.content_or_id
        # `fromkeys` because the ids may take the place of both exposure and content, and count once in the mean.
        self.integrated = tuple(dict.fromkeys((*self.exposure, *self.content)))

    def towers(self) -> dict[str, Tower]:
        return {"click": Tower("click", self.integrated), "like": Tower(self.config.like_graph, self.integrated)}


def front_door_graph() -> CausalGraph:
    """I <- V -> L with V hidden; the item acts on the like only through the integrated features Z and the click C.

    Example:
        >>> front_door_graph().directed_paths("I", "L")
        ['I -> Z -> L', 'I -> Z -> C -> L']
        >>> [name for name, node in front_door_graph().nodes.items() if not node.observed]
        ['V']
    """
    return CausalGraph(
        nodes={
            "U": Node("user"),
            "I": Node("item features"),
            "V": Node("hidden cause of features and likes (an event, the quality behind a price)", observed=False),
            "Z": Node("user and item features, integrated", deterministic=True),
            "C": Node("click"),
            "L": Node("like"),
        },
        edges=[("V", "I"), ("V", "L"), ("U", "Z"), ("I", "Z"), ("Z", "C"), ("Z", "L"), ("C", "L")],
        treatment="I",
        outcome="L",
        mediators=("Z", "C"),
        conditioned=("U",),
    )
