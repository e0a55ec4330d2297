# SPDX-License-Identifier: Apache-2.0
"""Logging in to Keystone; imported only where it is asked for."""

from __future__ import annotations

import datetime
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

import requests
from keystoneauth1 import exceptions as keystone_errors
from keystoneauth1.identity import v2, v3
from keystoneauth1.session import Session

from onespace_swift import errors
from onespace_swift.auth import Login

_VERSION = re.compile(r"v[23](\.0)?")


class KeystoneAuthenticator:
    """User and password against Keystone; the catalogue names the account.

    :param settings: values of the plugin's ``OPTS``.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        carrier = requests.Session()
        # Neither proxies nor passwords from the environment or a netrc.
        carrier.trust_env = False
        if settings["proxy"]:
            carrier.proxies = {
                "http": settings["proxy"],
                "https": settings["proxy"],
            }
        verify = settings["ca_bundle"] or True
        self._session = Session(
            session=carrier,
            verify=False if settings["insecure"] else verify,
            timeout=settings["read_timeout"],
        )

    def login(self) -> Login:
        """See :meth:`onespace_swift.auth.Authenticator.login`.

        :raises NoEndpoint: the catalogue has no object store that fits.
        :raises Unreachable: no connection.
        :raises TimedOut: no answer in time.
        """
        try:
            access = self._plugin().get_access(self._session)
            storage_url = access.service_catalog.url_for(
                service_type="object-store",
                interface=self._settings["endpoint_type"],
                region_name=self._settings["region"] or None,
            )
        except keystone_errors.CatalogException as exc:
            raise errors.NoEndpoint(str(exc)) from exc
        except keystone_errors.ConnectTimeout as exc:
            raise errors.TimedOut("no answer in time") from exc
        except keystone_errors.ConnectionError as exc:
            raise errors.Unreachable("no connection") from exc
        except keystone_errors.HttpError as exc:
            raise _refused(exc) from exc
        except keystone_errors.ClientException as exc:
            raise errors.Refused(200, login=True) from exc
        token = access.auth_token
        if not storage_url or not token:
            raise errors.NoEndpoint("no URL")
        return Login(
            storage_url=storage_url.rstrip("/"),
            token=token,
            lifetime=_seconds_until(access.expires),
        )

    def _plugin(self) -> v2.Password | v3.Password:
        settings = self._settings
        if settings["auth_type"] == "keystone_v2":
            return v2.Password(
                auth_url=versioned(settings["auth_url"], "v2.0"),
                username=settings["user"],
                password=settings["key"],
                tenant_name=settings["tenant_name"],
            )
        return v3.Password(
            auth_url=versioned(settings["auth_url"], "v3"),
            username=settings["user"],
            password=settings["key"],
            user_domain_name=settings["user_domain_name"],
            project_name=settings["project_name"],
            project_domain_name=settings["project_domain_name"],
        )


def versioned(auth_url: str, version: str) -> str:
    """Return Keystone's URL with a version, kept if it has one."""
    bare = auth_url.rstrip("/")
    last = urllib.parse.urlsplit(bare).path.rpartition("/")[2]
    return bare if _VERSION.fullmatch(last) else f"{bare}/{version}"


def _refused(exc: keystone_errors.HttpError) -> errors.Refused:
    answer = exc.response
    headers = {} if answer is None else answer.headers
    return errors.Refused(
        exc.http_status,
        {name.lower(): value for name, value in headers.items()},
        login=True,
    )


def _seconds_until(when: datetime.datetime | None) -> float | None:
    if when is None:
        return None
    now = datetime.datetime.now(datetime.UTC)
    return (when - now).total_seconds()
