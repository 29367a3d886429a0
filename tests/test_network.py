"""The package needs no network: the whole suite runs with it refused, and no module of the package speaks to it."""

from __future__ import annotations

import ast
import socket
from pathlib import Path

import pytest

import graphrec

SPEAKING = {"socket", "ssl", "urllib.request", "http.client", "ftplib", "smtplib", "requests", "aiohttp", "httpx"}


def test_connections_and_look_ups_are_refused_in_tests() -> None:
    with socket.socket() as connection, pytest.raises(RuntimeError, match="a test connects to"):
        connection.connect(("192.0.2.1", 80))
    with pytest.raises(RuntimeError, match="a test looks up"):
        socket.getaddrinfo("example.org", 80)


def test_a_connection_to_this_machine_is_not_refused() -> None:
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())


def test_no_module_of_the_package_imports_what_speaks_to_a_network() -> None:
    package = Path(graphrec.__file__).parent
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
            else:
                continue
            assert not names & SPEAKING, path
