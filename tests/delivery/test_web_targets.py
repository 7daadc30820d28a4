"""Addresses that people of the office typed in, and names that mean something else a moment later."""

import socket
from typing import Any

import pytest

from crm_mail.delivery.web_targets import Target, TargetRefused


def test_a_name_is_asked_once_and_the_connection_goes_to_what_was_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: the second answer of the name would lead into our own network."""
    answers = iter(["93.184.215.14", "127.0.0.1"])

    def resolve(host: str, port: int, **_options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    target = Target("https://erp.example/told", allow_private=False)
    asked: list[str] = []

    def connect(address: tuple[str, int], *_args: Any, **_options: Any) -> socket.socket:
        asked.append(address[0])
        raise OSError("nobody is there")

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    assert target.post(b"{}", {}).is_unsent
    assert asked == ["93.184.215.14"]
    with pytest.raises(TargetRefused, match="private network"):
        Target("https://erp.example/told", allow_private=False)
