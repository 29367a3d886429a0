"""The interaction graph, and propagation over it."""

import warnings

with warnings.catch_warnings():
    # PyG 2.8 compiles classes with torch.jit.script while it is imported, which torch 2.13 calls deprecated. graphrec
    # compiles nothing itself. PyG is imported here, before any other module of graphrec asks for it.
    warnings.filterwarnings("ignore", r"`torch\.jit\.\w+` is deprecated", DeprecationWarning)
    import torch_geometric  # noqa: F401
