"""What stands between the page and everybody else: a token, the addresses that may be asked for, and sizes.

The server listens on 127.0.0.1 only, but other web sites that the visitor has open can send requests there too. They
know neither the token nor get its cookie sent along (``SameSite=Strict``); their requests carry their own ``Origin``,
and a name of theirs that resolves to 127.0.0.1 is not an allowed ``Host``.
"""

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

MOST_BODY = 1_000_000
"""Largest body of a request in bytes."""
HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
"""Headers of every answer: the page loads nothing from elsewhere, is in no frame, and tells nobody its address."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class _TooLargeError(Exception):
    """The body of a request is longer than allowed."""


class Guard:
    """An ASGI application that hands on only what the visitor's own page asks for.

    Parameters
    ----------
    app
        The application to protect.
    port
        Port that the server listens on.

    Attributes
    ----------
    token
        The secret of this server: a request has it as ``?token=…`` or in the cookie that such a request sets.
    """

    def __init__(self, app: Application, port: int) -> None:
        self.app = app
        self.token = secrets.token_urlsafe(24)
        self._cookie = f"gridflow_{port}"  # cookies are of a host, for all its ports
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")

    @property
    def url(self) -> str:
        """Address of the page, with the token."""
        return f"http://{self._hosts[0]}/?token={self.token}"

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it: 403 for a wrong token, host or origin, 413 for a body that is too long."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        shown = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if reason := self._refusal(headers, shown):
            await _refuse(scope, receive, send, 403, reason)
            return
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_BODY:
            await _refuse(scope, receive, send, 413, f"at most {MOST_BODY} bytes are accepted")
            return
        received, answered = 0, False

        async def measured() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b"")) if message["type"] == "http.request" else 0
            if received > MOST_BODY:
                raise _TooLargeError
            return message

        async def marked(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                cookie = f"{self._cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"
                own = [(b"set-cookie", cookie.encode())] if shown else []
                message = {**message, "headers": [*message.get("headers", ()), *HEADERS, *own]}
            await send(message)

        try:
            await self.app(scope, measured, marked)
        except _TooLargeError:
            if not answered:
                await _refuse(scope, receive, send, 413, f"at most {MOST_BODY} bytes are accepted")

    def _refusal(self, headers: dict[str, str], shown: str) -> str:
        """Why a request is refused; empty if it is not."""
        if headers.get("host") not in self._hosts:
            return "this name of the server is not allowed; use the address that gridflow explore printed"
        if headers.get("origin", f"http://{headers['host']}") not in [f"http://{host}" for host in self._hosts]:
            return "requests from other web sites are not allowed"
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            found = None
        known = shown or (found.value if found else "")
        if not secrets.compare_digest(known.encode(), self.token.encode()):
            return "the token is missing or wrong; use the address that gridflow explore printed"
        return ""


async def _refuse(scope: MutableMapping[str, Any], receive: Receive, send: Send, status: int, reason: str) -> None:
    """Answer with a status and a line; a web socket is not accepted, which its client sees as 403."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return
    body = f"{reason}\n".encode()
    plain = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*plain, *HEADERS]})
    await send({"type": "http.response.body", "body": body})
