"""The connections to a service: kept open, checked by TLS, and through the proxies of the environment.

requests reads proxies and certificates from the environment, once for each host. urllib3 sends: what a
session of requests does besides for every request (cookies, redirects, netrc, hooks) takes longer than that.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, cast
from urllib.parse import urlsplit

from requests import Request, Session
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Retry, Timeout
from urllib3.util import make_headers

from xlsync import __version__
from xlsync.errors import ConfigError
from xlsync.rest.answer_time import TimedAdapter

_ONCE: Final = Retry(0, read=False, redirect=False)  # a retry is for the caller to decide


class Connections:
    """Connections to the hosts of one service, with the headers that every request has.

    At most `workers` of them stay open. `is_local`: the service runs on this machine, so that the
    environment's proxies and certificates are not for it.
    """

    def __init__(
        self,
        headers: Mapping[str, str],
        *,
        workers: int,
        longest: float,
        time_out: tuple[float, float],
        is_local: bool,
    ) -> None:
        """Raise ConfigError for a header that cannot be sent."""
        bad = [name for name, value in headers.items() if not re.fullmatch(r"[!-~](?:[ -~]*[!-~])?", value)]
        if bad:
            raise ConfigError(f"The header {bad[0]} cannot be sent: it is empty or holds unusual characters.")
        self.headers = {
            **make_headers(accept_encoding=True, user_agent=f"xlsync/{__version__}"),
            "Cache-Control": "no-cache",  # no proxy answers a look from its memory
            **headers,
        }
        self.use_environment = not is_local
        self._time_out = Timeout(connect=time_out[0], read=time_out[1])
        self._adapter = TimedAdapter(longest, pool_connections=1, pool_maxsize=workers, pool_block=False)
        self._finding = threading.Lock()
        self._pools: dict[str, HTTPConnectionPool] = {}  # by scheme and host

    def close(self) -> None:
        """Close the connections."""
        with self._finding:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()
        self._adapter.close()

    @contextmanager
    def sending(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Iterator[BaseHTTPResponse]:
        """Send a request; the block reads its answer, after which the connection is used again or closed.

        Raises OSError and the errors of urllib3. A redirect is an answer like any other.
        """
        scheme, host, path, query, _ = urlsplit(url)
        response = self._pool(f"{scheme}://{host}").urlopen(
            method,
            f"{path or '/'}?{query}" if query else path or "/",
            body=body,
            headers={**self.headers, **headers},
            retries=_ONCE,
            redirect=False,
            assert_same_host=False,
            timeout=self._time_out,
            preload_content=False,
        )
        try:
            yield response
        finally:
            response.close()
            response.release_conn()

    def _pool(self, host: str) -> HTTPConnectionPool:
        with self._finding:
            pool = self._pools.get(host)
            if pool is None:
                pool = self._pools[host] = self._new_pool(host)
            return pool

    def _new_pool(self, host: str) -> HTTPConnectionPool:
        """Return the pool of a host: requests takes proxies and certificates from the environment."""
        with Session() as session:
            session.trust_env = self.use_environment
            settings = session.merge_environment_settings(host, {}, None, None, None)
        verify, request = settings["verify"], Request("GET", host).prepare()
        pool = self._adapter.get_connection_with_tls_context(request, verify, proxies=settings["proxies"])
        self._adapter.cert_verify(pool, host, verify, None)  # type: ignore[no-untyped-call]
        return cast("HTTPConnectionPool", pool)
