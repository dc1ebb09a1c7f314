"""API tokens in the `Authorization: Token …` header."""

from knox.auth import TokenAuthentication as KnoxAuthentication


class TokenAuthentication(KnoxAuthentication):
    """Knox's hashed tokens."""
