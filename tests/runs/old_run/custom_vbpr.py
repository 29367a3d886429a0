"""A decoder of a user's own, as the old run was trained with: its manifest holds this file's hash."""

from __future__ import annotations

from graphrec.decoders.vbpr import VBPR


class CustomVBPR(VBPR):
    """VBPR under another name."""
