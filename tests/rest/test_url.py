"""Addresses of the two systems: written one way, and none that is unsafe."""

from __future__ import annotations

import pytest

from xlsync.errors import ConfigError
from xlsync.rest.url import check_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (" https://BSS.Example.com/ ", "https://bss.example.com"),
        ("bss.example.com", "https://bss.example.com"),
        ("https://cw.example.com/v4_6_release/apis/3.0/", "https://cw.example.com/v4_6_release/apis/3.0"),
        ("https://cw.example.com:8443", "https://cw.example.com:8443"),
        ("http://localhost:5000", "http://localhost:5000"),
        ("http://127.3.2.1", "http://127.3.2.1"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
    ],
)
def test_addresses_are_written_one_way(text: str, url: str) -> None:
    assert check_url(text) == url
    assert check_url(url) == url


@pytest.mark.parametrize(
    "text",
    ["", "https://", "http://bss.example.com", "http://127.0.0.1.example.com", "http://localhost.example.com",
     "ftp://bss.example.com", "https://bss.example.com/?a=1", "https://bss.example.com/#a", "https://a b.com",
     "https://bss.example.com:port", "http://localhost@bss.example.com", "https://[::1", "http://0.0.0.0",
     "https:///path", "http://localhost\\@bss.example.com"],
)  # fmt: skip
def test_an_address_that_is_unsafe_or_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        check_url(text)


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        check_url("https://user:hunter22@bss.example.com")
    assert "hunter22" not in caught.value.message + caught.value.hint
