"""What a stranger may have put into an id or a name."""

from __future__ import annotations

HOSTILE = "<script>alert('a&b')</script> $x_1"
