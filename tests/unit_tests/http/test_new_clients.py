from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from langchain_aimlapi._http import new_clients as _new_clients
from langchain_aimlapi._http.new_clients import new_async_client, new_client


async def test_all_clients_share_one_tls_context() -> None:
    context = _new_clients._TLS.context()
    with new_client() as client, new_client() as another:
        assert client is not another
    async with new_async_client():
        assert _new_clients._TLS.context() is context


def test_a_fork_waits_until_the_tls_context_is_made() -> None:
    tls = _new_clients._Tls()
    tls.before_fork()
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(tls.context)
        with pytest.raises(TimeoutError):
            made.result(timeout=0.2)
        tls.after_fork()
        assert made.result(timeout=5) is tls.context()
        tls.before_fork()
        tls.after_fork_in_child()  # as new: nobody in the child holds it
        assert pool.submit(tls.context).result(timeout=5) is tls.context()


async def test_no_cookie_is_kept() -> None:
    heard = []

    def answer(request: httpx.Request) -> httpx.Response:
        heard.append(request.headers.get("cookie"))
        return httpx.Response(200, headers={"set-cookie": "session=1; Path=/"}, request=request)

    transport = httpx.MockTransport(answer)
    with type(new_client())(transport=transport) as client:
        assert client.get("http://127.0.0.1/").headers["set-cookie"]
        client.get("http://127.0.0.1/")
    async with type(new_async_client())(transport=transport) as aclient:
        await aclient.get("http://127.0.0.1/")
        await aclient.get("http://127.0.0.1/")
    assert heard == [None] * 4


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _new_clients._client_settings()["trust_env"] is False
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert _new_clients._client_settings()["trust_env"] is True


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_a_proxy_of_the_system_is_used(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert _new_clients._may_name_a_proxy()
