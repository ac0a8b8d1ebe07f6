"""Requests to a sandbox, with the right credentials for both systems."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests
import simplejson

from xlsync.sandbox.server import Sandbox

API = "/v4_6_release/apis/3.0"
ACCEPT = "application/vnd.connectwise.com+json; version=2026.4"
COMPANY = {"identifier": "NEWCO", "name": "New Company", "city": "Testford", "site": {"name": "Main"}}
DESCRIPTION = Path(__file__).resolve().parents[3] / "shared/facts/connectwise/openapi-subset.json"


class Client:
    """A session with both systems."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.environ = sandbox.environ
        self.session = requests.Session()
        self.keys = (
            f"{self.environ['XLSYNC_CW_COMPANY']}+{self.environ['XLSYNC_CW_PUBLIC_KEY']}",
            self.environ["XLSYNC_CW_PRIVATE_KEY"],
        )
        self.headers = {"clientId": self.environ["XLSYNC_CW_CLIENT_ID"], "Accept": ACCEPT}

    def cw(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        data = None if body is None else simplejson.dumps(body, use_decimal=True)
        headers = self.headers | ({"Content-Type": "application/json"} if data else {})
        url = f"{self.sandbox.url}{API}{path}"
        return self.session.request(
            method, url, params=query, data=data, headers=headers, auth=self.keys, timeout=60
        )

    def read(self, path: str, **query: Any) -> Any:
        answer = self.cw("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return simplejson.loads(answer.text, use_decimal=True)

    def token(self, **changed: str) -> requests.Response:
        form = {
            "grant_type": "password",
            "username": self.environ["XLSYNC_BSS_USERNAME"],
            "password": self.environ["XLSYNC_BSS_PASSWORD"],
        }
        keys = (self.environ["XLSYNC_BSS_CLIENT_KEY"], self.environ["XLSYNC_BSS_CLIENT_SECRET"])
        return self.session.post(f"{self.sandbox.url}/oauth/token", form | changed, auth=keys, timeout=60)

    def bss(self, path: str, method: str = "GET", **query: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token().json()['access_token']}", "X-Api-Version": "3"}
        url = f"{self.sandbox.url}{path}"
        return self.session.request(method, url, params=query, headers=headers, timeout=60)


def codes(answer: requests.Response) -> tuple[int, str, str]:
    """Status, outer code and inner field of a refusal."""
    body = answer.json()
    errors = body["errors"] or [{"field": "", "code": ""}]
    return answer.status_code, body["code"], f"{errors[0]['code']} {errors[0]['field']}".strip()


def active_addition(sandbox: Sandbox) -> dict[str, Any]:
    return next(
        record
        for record in sandbox.connectwise.additions.values()
        if "cancelledDate" not in record and record["quantity"] > 3
    )


def place(addition: dict[str, Any]) -> str:
    return f"/finance/agreements/{addition['agreementId']}/additions/{addition['id']}"
