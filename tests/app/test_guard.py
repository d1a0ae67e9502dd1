"""Who may ask the server for anything."""

import asyncio

import pytest

from gridflow.app.guard import MOST_BODY, Guard

PORT = 8123
HOST = f"127.0.0.1:{PORT}"


def ask(headers, query="", kind="http", chunks=(b"",)):
    """What a client sees, and whether the application behind the guard was asked."""
    asked, sent = [], []

    async def application(scope, receive, send):
        asked.append(scope["type"])
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})

    guard = Guard(application, PORT)
    fields = {"host": HOST} | headers(guard)
    scope = {
        "type": kind,
        "query_string": query.replace("TOKEN", guard.token).encode(),
        "headers": [(name.encode(), value.encode()) for name, value in fields.items() if value is not None],
    }
    bodies = [
        {"type": "http.request", "body": chunk, "more_body": place < len(chunks) - 1}
        for place, chunk in enumerate(chunks)
    ]

    async def receive():
        return bodies.pop(0)

    async def send(message):
        sent.append(message)

    asyncio.run(guard(scope, receive, send))
    return sent[0], bool(asked), guard


def cookie(guard):
    return {"cookie": f"gridflow_{PORT}={guard.token}"}


def test_the_token_opens_the_page_and_sets_a_cookie_that_other_sites_cannot_use():
    answer, _, guard = ask(lambda _: {}, "token=TOKEN")
    assert answer["status"] == 200
    headers = dict(answer["headers"])
    assert headers[b"set-cookie"].decode() == f"gridflow_{PORT}={guard.token}; Path=/; HttpOnly; SameSite=Strict"
    assert b"default-src 'self'" in headers[b"content-security-policy"]
    answer, _, _ = ask(cookie)
    assert answer["status"] == 200
    assert b"set-cookie" not in dict(answer["headers"])


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", lambda _: {}),
        ("token=wrong", lambda _: {}),
        ("token=", lambda _: {}),
        ("token=wrong", cookie),
        ("", lambda guard: {"cookie": f"gridflow_{PORT + 1}={guard.token}"}),
        ("token=TOKEN", lambda _: {"origin": "https://elsewhere.example"}),
        ("token=TOKEN", lambda _: {"origin": "null"}),
        ("token=TOKEN", lambda _: {"origin": f"http://127.0.0.1:{PORT + 1}"}),
        ("token=TOKEN", lambda _: {"host": f"elsewhere.example:{PORT}"}),  # a name that resolves to 127.0.0.1
        ("token=TOKEN", lambda _: {"host": "127.0.0.1"}),
        ("token=TOKEN", lambda _: {"host": None}),
    ],
)
def test_others_are_refused_before_the_application_hears_of_them(query, headers, kind):
    answer, asked, _ = ask(headers, query, kind)
    assert not asked
    assert answer.get("status") == 403 if kind == "http" else answer["type"] == "websocket.close"


def test_the_page_may_open_its_web_socket():
    _, asked, _ = ask(lambda guard: cookie(guard) | {"origin": f"http://localhost:{PORT}"}, kind="websocket")
    assert asked


@pytest.mark.parametrize("length", [str(MOST_BODY + 1), "many", None])
def test_a_body_that_is_too_long_is_refused_whatever_it_says_of_its_length(length):
    chunks = [bytes(MOST_BODY // 2)] * 3
    answer, asked, _ = ask(lambda guard: cookie(guard) | {"content-length": length}, chunks=chunks)
    assert answer["status"] == 413
    assert asked == (length is None)
