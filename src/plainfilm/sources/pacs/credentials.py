# SPDX-License-Identifier: MIT
"""Find the credentials of a DICOMweb server: in its URL, in the environment, or in the keyring of the user.

They are kept where a URL has its user name and password, which no text shows. An empty user name stands for a token.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias, cast
from urllib.parse import quote, unquote

from requests import PreparedRequest
from requests.auth import HTTPBasicAuth

from plainfilm.errors import OptionsError
from plainfilm.sources.remote_file import RemoteUrl

TOKEN_VARIABLE = "DICOMWEB_TOKEN"
KEYRING_SERVICE = "plainfilm"
_HEADER_TEXT = re.compile(r"[\x21-\x7e]*")

Authorization: TypeAlias = Callable[[PreparedRequest], PreparedRequest]
"""What adds the credentials to a request."""


class TokenAuth:
    """Send a bearer token (RFC 6750). As an `auth` of requests it takes precedence over ~/.netrc."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the header to a request."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def with_credentials(url: RemoteUrl) -> RemoteUrl:
    """Return the URL with the credentials of its server, so that worker processes need not search for them.

    The token of a host is in the variable DICOMWEB_TOKEN_HOST, with `_` for all but letters and digits, or in
    DICOMWEB_TOKEN, or in the keyring as the password of the service `plainfilm` and the host. Without any of them the
    URL stays as it is, and ~/.netrc counts.
    """
    if url.user_info:
        return url
    host = url.host.lower()
    own_variable = f"{TOKEN_VARIABLE}_{re.sub('[^A-Z0-9]', '_', host.upper())}"
    token = os.environ.get(own_variable) or os.environ.get(TOKEN_VARIABLE) or _token_in_keyring(host)
    if not token:
        return url
    return replace(url, user_info=f":{quote(token.strip(), safe='')}")


def auth_of(url: RemoteUrl) -> Authorization | None:
    """Return how the requests to a server are authorised. Raises OptionsError for a token that no header can hold."""
    user, colon, password = url.user_info.partition(":")
    if not url.user_info:
        return None
    if colon and not user:
        token = unquote(password)
        if not _HEADER_TEXT.fullmatch(token):
            raise OptionsError("the token of the DICOMweb server has characters that no HTTP header can hold")
        return TokenAuth(token)
    return cast(Authorization, HTTPBasicAuth(unquote(user).encode(), unquote(password).encode()))


def _token_in_keyring(host: str) -> str | None:
    """Return the token of a host in the keyring; None where there is no keyring, or it is locked."""
    if importlib.util.find_spec("keyring") is None:
        return None
    import keyring
    import keyring.errors

    try:
        return cast("str | None", keyring.get_password(KEYRING_SERVICE, host))
    except (keyring.errors.KeyringError, RuntimeError, OSError):
        return None
