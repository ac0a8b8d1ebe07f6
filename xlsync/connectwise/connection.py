"""Connection to a ConnectWise PSA site: its address and release, and why it answers with errors."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from xlsync.errors import ApiError
from xlsync.rest.service import Service
from xlsync.settings import ConnectWiseSettings


class Connection:
    """Connection to one ConnectWise PSA site, with the keys of one API member."""

    def __init__(self, settings: ConnectWiseSettings) -> None:
        self._settings = settings
        self.release = settings.release
        self.path_in_settings = urlsplit(settings.url).path
        self._auth = (f"{settings.company}+{settings.public_key}", settings.private_key)
        self.service = Service(
            "ConnectWise",
            settings.url,
            headers={
                "clientId": settings.client_id,
                "Accept": f"application/vnd.connectwise.com+json; version={settings.release}",
            },
            auth=self._auth,
            workers=settings.side_by_side,
            per_minute=settings.requests_per_minute,
            find_root=self._find_root,
        )

    def _find_root(self) -> str | None:
        """Find the API's root, whose path changes when a hosted site is upgraded."""
        try:
            codebase = self.find_codebase()
        except ApiError:
            return None  # the first error is raised then
        if codebase is None or not re.fullmatch(r"v\d+_\d+(_release)?/?", codebase):
            return None
        parts = urlsplit(self._settings.url)
        return f"{parts.scheme}://{parts.netloc}/{codebase.strip('/')}/apis/3.0"

    def find_codebase(self) -> str | None:
        """Read the path of the company's release, such as `v2025_1/`, from the site.

        None where the site does not know the login company (its answer is `null` then).
        """
        parts = urlsplit(self._settings.url)
        with Service("ConnectWise", f"{parts.scheme}://{parts.netloc}", headers={}) as site:
            answer = site.get(f"/login/companyinfo/{self._settings.company}")
        return str(answer["Codebase"]) if isinstance(answer, dict) and answer.get("Codebase") else None

    def find_version(self) -> str:
        """Return the version that the server names; asked for without a release where that is refused."""
        path = "/system/info"
        try:
            info = self.service.get(path)
        except ApiError as error:
            if error.status != 400:
                raise
            headers = {"clientId": self._settings.client_id}
            with Service("ConnectWise", self.service.url, headers=headers, auth=self._auth) as site:
                info = site.get(path)
        return str(info.get("version") or "") if isinstance(info, dict) else ""

    def check(self) -> None:
        """Read one company, to try address and keys; raises ApiError where that fails.

        The cloud may answer 404 to wrong keys, and to an outdated codebase in the path: the site's
        companyinfo distinguishes them (Developer Guide, "Authentication").
        """
        try:
            self.service.get("/company/companies", {"pageSize": 1, "fields": "id"})
        except ApiError as error:
            if error.status != 404:
                raise
            self._explain_404(error)

    def _explain_404(self, error: ApiError) -> None:
        codebase = self.find_codebase()
        if codebase is None:
            raise ApiError(
                f"ConnectWise: the site does not know the company id {self._settings.company}",
                "Check XLSYNC_CW_COMPANY: it is the one you type at login.",
                method=error.method,
                path=error.path,
                status=404,
            ) from error
        raise ApiError(
            "ConnectWise: GET /company/companies answered 404, which on the cloud may mean wrong keys",
            "Check XLSYNC_CW_COMPANY, XLSYNC_CW_PUBLIC_KEY, XLSYNC_CW_PRIVATE_KEY and XLSYNC_CW_URL.",
            method="GET",
            path="/company/companies",
            status=404,
        ) from error
