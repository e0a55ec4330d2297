# SPDX-License-Identifier: Apache-2.0
"""From 1space's JSON file to a configuration of ours.

Nothing is dropped in silence: what has no equivalent, or means something
else here, is in the notes. Options that this version does not do yet are
written all the same, so that such a mapping is refused and not run by
another policy than its owner's.
"""

from __future__ import annotations

import dataclasses
import json
import os.path
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from onespace_core.config import legacy_login, legacy_policy
from onespace_core.provider.errors import ConfigError

#: What a line of a file cannot have: its own end, and half a character.
_UNWRITABLE = re.compile("[\r\n\0\ud800-\udfff]")

#: 1space's name of a global option, with ours.
_GLOBALS = {
    "devices": "devices",
    "swift_dir": "swift_dir",
    "items_chunk": "items_chunk",
    "poll_interval": "poll_interval",
    "workers": "workers",
    "enumerator_workers": "container_workers",
    "swift_bind_ip": "swift_bind_ip",
    "internal_client_path": "internal_client_path",
    "log_level": "log_level",
    "log_file": "log_file",
    "console": "console",
    "statsd_host": "statsd_host",
    "statsd_port": "statsd_port",
    "statsd_prefix": "statsd_prefix",
}
_SECRET_GLOBALS = ("http_proxy", "https_proxy")
_GLOBAL_NOTES = {
    "status_dir": "onespace keeps its progress otherwise (state_dir) and"
    " looks at every object once; what the store has already is not sent"
    " again",
    "bulk_process": "there is no such thing",
    "internal_client_logname": "there is no such thing",
    "migrations": "a later version",
    "migrator_settings": "a later version",
}
#: Options of a mapping.
_READ = {
    "account",
    "container",
    "protocol",
    "aws_endpoint",
    "aws_identity",
    "aws_secret",
    "aws_session_token",
    "aws_bucket",
    "encryption",
    "custom_prefix",
    "storage_policy",
    *legacy_policy.READ,
    *legacy_login.SWIFT_LOGIN,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Imported:
    """A converted file.

    :param text: of the new file; has the secrets unless they are in files.
    :param secrets: what to write into which file.
    :param notes: what the operator has to know.
    """

    text: str = dataclasses.field(repr=False)
    secrets: Mapping[str, str] = dataclasses.field(repr=False)
    notes: tuple[str, ...]


def parse(data: bytes, path: str) -> dict[str, Any]:
    """Return the content of a 1space file.

    :param path: for messages.
    :raises ConfigError: it is no JSON object.
    """
    try:
        document = json.loads(data)
    except RecursionError:
        raise ConfigError("not JSON that 1space reads", path=path) from None
    except ValueError as exc:
        # Not chained: the exception holds the file, secrets and all.
        where = f" (line {exc.lineno})" if hasattr(exc, "lineno") else ""
        raise ConfigError(f"not JSON{where}", path=path) from None
    if not isinstance(document, dict):
        raise ConfigError("not a 1space file: no JSON object", path=path)
    return document


def convert(
    document: Mapping[str, Any], *, secrets_dir: str | None = None
) -> Imported:
    """Convert the content of a 1space file.

    :param document: from :func:`parse`.
    :param secrets_dir: folder for files with one secret each; None writes
        secrets into the new file.
    """
    return _Importer(secrets_dir).convert(document)


class _Importer:
    def __init__(self, secrets_dir: str | None) -> None:
        self._secrets_dir = secrets_dir
        self._secrets: dict[str, str] = {}
        self._notes: list[str] = []
        self._credentials: dict[tuple[tuple[str, str], ...], str] = {}
        self._sections: list[tuple[str, dict[str, str]]] = []
        self._names: set[str] = set()

    def convert(self, document: Mapping[str, Any]) -> Imported:
        self._globals(document)
        containers = document.get("containers")
        if not isinstance(containers, list):
            self._notes.append("containers: there are none")
            containers = []
        for number, mapping in enumerate(containers, 1):
            self._mapping(f"containers, number {number}", mapping)
        text = "\n".join(self._lines())
        return Imported(text, dict(self._secrets), tuple(self._notes))

    def _lines(self) -> Iterator[str]:
        for name, values in self._sections:
            yield f"[{name}]"
            for option, value in values.items():
                yield f"{option} = {value}".rstrip()
            yield ""

    def _put(
        self,
        values: dict[str, str],
        where: str,
        option: str,
        value: Any,
        written: str | None = None,
    ) -> None:
        """Put one option, if it is one that a file can hold."""
        text = _written(value)
        if text is None:
            self._notes.append(
                f"{where}: {written or option} cannot be taken over: it is"
                " neither a number, true, false nor a line of text"
            )
        else:
            values[option] = text

    def _put_secret(
        self,
        values: dict[str, str],
        where: str,
        names: tuple[str, str, str],
        value: Any,
    ) -> None:
        """Put a secret, here or into a file.

        :param names: of the section, our option and 1space's.
        """
        section, option, written = names
        # A reader of a secret file drops white space at its ends.
        text = _written(value)
        if self._secrets_dir is None or text is None or text != value:
            self._put(values, where, option, value, written)
            return
        path = os.path.join(self._secrets_dir, f"{section}.{option}")
        self._secrets[path] = text
        self._put(values, where, f"{option}_file", path)

    # -- global options ---------------------------------------------------

    def _globals(self, document: Mapping[str, Any]) -> None:
        values: dict[str, str] = {}
        self._sections.append(("DEFAULT", values))
        for name, value in document.items():
            if value is None or name == "containers":
                continue
            if name in _GLOBALS:
                self._put(values, "the file", _GLOBALS[name], value, name)
            elif name in _SECRET_GLOBALS:
                names = ("default", name, name)
                self._put_secret(values, "the file", names, value)
            elif name == "verification_slack":
                self._slack(values, value)
            elif name == "syslog":
                self._syslog(values, value)
            else:
                why = _GLOBAL_NOTES.get(name, "unknown")
                self._notes.append(
                    f"the file: {_shown(name)} is left out: {why}"
                )
        if "internal_client_path" not in values:
            self._notes.append(
                "the file: 1space took /etc/swift/internal-client.conf where"
                " it was there; where the cluster encrypts at rest, set"
                " internal_client_path"
            )

    def _slack(self, values: dict[str, str], minutes: Any) -> None:
        if isinstance(minutes, int | float) and not isinstance(minutes, bool):
            values["verification_slack"] = f"{minutes}m"
        else:
            self._notes.append("the file: verification_slack is no number")

    def _syslog(self, values: dict[str, str], syslog: Any) -> None:
        if not isinstance(syslog, dict):
            self._notes.append("the file: syslog is no JSON object")
            return
        values["use_syslog"] = "true"
        host = syslog.get("host", "localhost")
        address = f"{host}:{syslog.get('port', 514)}"
        self._put(values, "the file", "syslog_address", address, "syslog")
        if syslog.get("proto", "udp") != "udp":
            self._notes.append("the file: syslog goes by UDP, not by TCP")

    # -- mappings ---------------------------------------------------------

    def _mapping(self, where: str, mapping: Any) -> None:
        if not isinstance(mapping, dict):
            self._notes.append(f"{where}: left out: no JSON object")
            return
        given = {k: v for k, v in mapping.items() if v is not None}
        needed = ("account", "container", "aws_bucket", "aws_identity")
        missing = [name for name in needed if not given.get(name)]
        if missing:
            self._notes.append(
                f"{where}: incomplete, without {', '.join(missing)}"
            )
        protocol = given.get("protocol", "s3")
        if protocol not in ("s3", "swift"):
            self._notes.append(
                f"{where}: left out: 1space has no such protocol"
            )
            return
        values: dict[str, str] = {}
        values["credentials"] = self._login(where, given, protocol)
        self._names_of(where, given, values)
        self._policy(where, given, values, protocol)
        self._target(where, given, values, protocol)
        for name in given.keys() - _READ:
            self._notes.append(f"{where}: {_shown(name)} is left out: unknown")
        name = self._name(f"{given.get('account')}-{_local(given)}", "mapping")
        self._sections.append((f"mapping:{name}", values))

    def _names_of(
        self, where: str, given: Mapping[str, Any], values: dict[str, str]
    ) -> None:
        for ours, theirs in (
            ("account", given.get("account")),
            ("container", _local(given)),
            ("bucket", given.get("aws_bucket")),
        ):
            if theirs:
                self._put(values, where, ours, theirs)

    def _policy(
        self,
        where: str,
        given: Mapping[str, Any],
        values: dict[str, str],
        protocol: str,
    ) -> None:
        chosen, notes = legacy_policy.policy(given, protocol)
        for option, value in chosen.items():
            self._put(values, where, option, value)
        self._notes += [f"{where}: {note}" for note in notes]

    def _target(
        self,
        where: str,
        given: Mapping[str, Any],
        values: dict[str, str],
        protocol: str,
    ) -> None:
        if protocol == "swift":
            if "storage_policy" in given:
                self._put(
                    values, where, "storage_policy", given["storage_policy"]
                )
            if given.get("custom_prefix"):
                self._notes.append(
                    f"{where}: custom_prefix is left out: without effect for"
                    " Swift"
                )
            return
        if "custom_prefix" in given:
            self._put(values, where, "custom_prefix", given["custom_prefix"])
        endpoint = given.get("aws_endpoint") or ""
        if given.get("encryption") is False and legacy_login.is_amazon(
            endpoint
        ):
            values["encryption"] = "none"

    # -- credentials ------------------------------------------------------

    def _login(
        self, where: str, given: Mapping[str, Any], protocol: str
    ) -> str:
        endpoint = given.get("aws_endpoint") or ""
        maker: Callable[..., tuple[str, dict[str, Any], dict[str, Any]]]
        maker = (
            legacy_login.swift_login
            if protocol == "swift"
            else legacy_login.s3_login
        )
        title, plain, secret = maker(given, endpoint)
        key = tuple(
            sorted((n, repr(v)) for n, v in {**plain, **secret}.items())
        )
        if key in self._credentials:
            return self._credentials[key]
        name = self._name(title, "store")
        values: dict[str, str] = {}
        for option, value in plain.items():
            self._put(values, where, option, value)
        for option, value in secret.items():
            names = (name, option, option)
            self._put_secret(values, where, names, value)
        if plain["provider"] == "s3-compatible":
            self._notes.append(
                f"{where}: 1space signed requests to {title} by version"
                " 2; onespace uses version 4. For a store that knows no other"
                f" write signature_version = s3 into [credentials:{name}]"
            )
        self._credentials[key] = name
        self._sections.append((f"credentials:{name}", values))
        return name

    def _name(self, text: str, fallback: str) -> str:
        slug = re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-_.") or fallback
        name, number = slug, 1
        while name in self._names:
            number += 1
            name = f"{slug}-{number}"
        self._names.add(name)
        return name


def _local(given: Mapping[str, Any]) -> Any:
    container = given.get("container")
    return "*" if container == "/*" else container


def _shown(name: str) -> str:
    return name if re.fullmatch(r"\w{1,64}", name) else "an option"


def _written(value: Any) -> str | None:
    """Return a value as it stands in a file; None if it cannot."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if not isinstance(value, str) or _UNWRITABLE.search(value):
        return None
    text = value
    quoted = text[:1] in ("'", '"') and text[:1] == text[-1:]
    if text != text.strip() or quoted or re.search(r"\s[#;]", text):
        return f'"{text}"'
    return text
