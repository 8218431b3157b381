"""Who may see the page, and what the server lets through."""

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ambivox.app.reports import Reports
from ambivox.app.server import Address
from ambivox.errors import AmbivoxError, UsageError

pytest.importorskip("starlette", reason="the extra 'app' is not installed")

from ambivox.app.guard import Guard

PASSWORD = "correct horse"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_needs_no_password(host: str) -> None:
    assert Address(host).is_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "my-machine", ""])
def test_an_address_that_others_reach_needs_a_password(host: str) -> None:
    with pytest.raises(UsageError, match="so it needs a password"):
        Address(host)
    assert not Address(host, password=PASSWORD).is_loopback


def test_a_password_that_is_quickly_guessed_is_refused() -> None:
    with pytest.raises(UsageError, match="fewer than 8 characters"):
        Address(password="1234567")


async def _behind(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the app"})


def asked(
    path: str = "/",
    host: str = "127.0.0.1:7860",
    *,
    local: bool = True,
    password: str | None = None,
    **headers: str,
) -> tuple[int, dict[str, str]]:
    """The status and the headers of an answer."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    pairs = {"host": host, **headers}
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in pairs.items()],
    }
    asyncio.run(Guard(_behind, password=password, local=local)(scope, None, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_browsers_are_told_to_ask_nothing_of_other_machines() -> None:
    status, headers = asked()
    assert status == 200
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["form-action"] == "'self'"
    allowed = {word for sources in policy.values() for word in sources.split()}
    assert allowed == {"'self'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:"}


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        (basic(f"anybody:{PASSWORD}"), 200),
        (basic(f":{PASSWORD}"), 200),
        (basic(f"anybody:{PASSWORD}!"), 401),
        (basic("anybody:"), 401),
        (basic(PASSWORD), 401),
        ("Basic %%%", 401),
        (f"Bearer {PASSWORD}", 401),
    ],
)
def test_only_who_knows_the_password_is_let_in(authorization: str | None, status: int) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    found, answered = asked("/gradio_api/queue/join", local=False, password=PASSWORD, **headers)
    assert found == status
    assert ("www-authenticate" in answered) == (status == 401)
    assert PASSWORD not in str(answered)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:7860", 200),
        ("127.0.0.1", 200),
        ("[::1]:7860", 200),
        ("[::1]", 200),
        ("evil.example:7860", 403),
        ("127.0.0.1.evil.example", 403),
        ("", 403),
    ],
)
def test_a_page_elsewhere_cannot_ask_under_a_name_of_its_own(host: str, status: int) -> None:
    assert asked(host=host)[0] == status
    assert asked(host=host, local=False)[0] == 200


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/file=https://example.org/a.wav", "/gradio_api/file=http:/x", "/gradio_api/proxy=https://x"],
)
def test_the_server_fetches_nothing_for_whoever_asks(path: str) -> None:
    assert asked(path)[0] == 403


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "reports").mkdir()
    return tmp_path / "reports"


@pytest.mark.parametrize("run", ["no/such/run", "", "."])
def test_a_folder_without_a_run_is_one_line(folder: Path, run: str) -> None:
    with pytest.raises(AmbivoxError) as error:
        Reports(folder).write(run)
    assert len(str(error.value).splitlines()) == 1
    assert not list(folder.iterdir())


def test_where_others_see_the_page_they_open_the_run_that_is_offered_and_no_other(folder: Path) -> None:
    with pytest.raises(UsageError, match="only the run that the app was started with"):
        Reports(folder, "runs/mine", any_folder=False).write("/etc")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b"])
def test_names_of_reports_lead_nowhere_else(folder: Path, name: str) -> None:
    assert Reports(folder).path(name).parent == folder
