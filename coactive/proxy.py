"""Whether a call goes through a proxy, and through which."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

from coactive.host import ip_address, is_loopback


def proxy_for(host: str, proxy: str | None, no_proxy: str | None) -> str | None:
    """The proxy for calls to the origin `host`; None: there is none.

    Args:
        host: the origin, such as `https://app.coactive.ai`.
        proxy: `Configuration.proxy`; None: HTTPS_PROXY or HTTP_PROXY count, but for loopback; "": none at all.
        no_proxy: `Configuration.no_proxy`, hosts that are reached directly: domains, IP addresses or networks
            such as `10.0.0.0/8`, each with a port if need be, separated by commas; None: NO_PROXY counts.
    """
    address = urlsplit(host)
    hostname = address.hostname or ""
    if proxy is None and not is_loopback(hostname):
        proxy = _environment(f"{address.scheme}_proxy")
    exempt = _environment("no_proxy") if no_proxy is None else no_proxy
    port = address.port or (443 if address.scheme == "https" else 80)
    if not proxy or any(_matches(hostname, port, entry.strip()) for entry in (exempt or "").split(",")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _environment(name: str) -> str | None:
    return os.environ.get(name) or os.environ.get(name.upper())


def _matches(hostname: str, port: int, entry: str) -> bool:
    if not entry or entry == "*":
        return entry == "*"
    if "/" in entry:
        address = ip_address(hostname)
        try:
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name, colon, number = entry.rpartition(":")
    if colon and number.isdecimal() and (":" not in name or name.endswith("]")):
        return int(number) == port and _matches(hostname, port, name)
    domain = entry.lower().strip("[]").lstrip("*").lstrip(".")
    return hostname == domain or hostname.endswith(f".{domain}")
