"""Training: objectives, the loop, early stopping, checkpoints; importing this registers the callbacks."""

from graphrec.training import progress

__all__ = ["progress"]
