"""The download address of an archive, from the package indexes that this machine is configured to use.

No address is fixed in this file. Python packages: ``UV_DEFAULT_INDEX`` or ``UV_INDEX_URL``, else whatever pip is configured to
use (``PIP_INDEX_URL``, its configuration files, its default). npm packages: ``npm_config_registry``, else the registry
that JupyterLab's builder uses.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urljoin

from workbench.errors import WeightsError
from workbench.zoo.registry import Archive

if TYPE_CHECKING:
    import httpx

SIMPLE_API = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"  # PEP 691, with PEP 503 as the older form


@cache
def pip_options() -> Any:
    """Pip's options from its configuration files, the environment and its defaults; read once a process."""
    from pip._internal.commands import create_command

    options, _ = create_command("download").parse_args([])
    return options


def client() -> httpx.Client:
    """An HTTP client with pip's certificates and proxy."""
    import ssl

    import httpx

    verify = ssl.create_default_context(cafile=pip_options().cert) if pip_options().cert else True
    return httpx.Client(follow_redirects=True, timeout=30.0, verify=verify, proxy=pip_options().proxy or None)


def _python_indexes() -> Iterator[str]:
    first = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL") or pip_options().index_url
    for address in (first, *pip_options().extra_index_urls):
        if address and address.startswith(("http://", "https://")):
            yield address.rstrip("/") + "/"


def _npm_registry() -> str:
    address = os.environ.get("npm_config_registry")  # noqa: SIM112 (npm's own spelling)
    if not address:
        from jupyter_builder import constants

        address = constants.JPBLD_NPM_URL
    return address.rstrip("/") + "/"


def _listed(page: httpx.Response, file: str) -> str | None:
    """The address of `file` on a project's page of a simple index, JSON or HTML."""
    if "json" in page.headers.get("content-type", ""):
        links = ((f["filename"], f["url"]) for f in page.json()["files"])
    else:
        hrefs = (unescape(href) for href in re.findall(r"<a\s[^>]*?href=[\"']([^\"']+)", page.text))
        links = ((urldefrag(href).url.rsplit("/", 1)[-1], href) for href in hrefs)
    return next((urldefrag(urljoin(str(page.url), url)).url for name, url in links if name == file), None)


def locate(archive: Archive, http: httpx.Client) -> str:
    """The address to download `archive` from.

    Raises
    ------
    WeightsError
        If no configured index lists the file.
    httpx.TransportError
        If an index cannot be reached.
    """
    if archive.registry == "npm":
        return f"{_npm_registry()}{archive.name}/-/{archive.file}"
    for index in _python_indexes():
        page = http.get(f"{index}{archive.name}/", headers={"Accept": SIMPLE_API})
        if page.is_success and (address := _listed(page, archive.file)):
            return address
    raise WeightsError(f"{archive.file}: not on the configured package index; check PIP_INDEX_URL or give a path to the weights")
