"""What the documentation site adds to the pages in ``docs``: generated references, the files beside ``docs``, and links to them.

MkDocs calls the functions whose names start with ``on_``. Settings and commands are read from the package itself; no model
library is imported and nothing is fetched.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer
import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from workbench.cli import commands
from workbench.settings import Settings

ROOT = Path(__file__).parents[2]
WORKER = (Path(__file__).parent / "worker.js").read_text(encoding="utf-8")
BESIDE = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Files of the repository that the site shows, and where."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put measurements, cards and corpora into the navigation: one page a file."""
    groups = {"Measurements": _titles("docs/measurements"), "Cards": _titles("docs/cards"), "Corpora": _titles("datasets")}
    evidence = next(group["Evidence"] for group in config.nav or [] if "Evidence" in group)
    evidence += [{title: [{name: where} for where, name in pages.items()]} for title, pages in groups.items()]
    config.nav = [*(config.nav or []), {"Contributing": "contributing.md"}, {"Changes": "changelog.md"}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages and those that lie beside ``docs``."""
    made = {"reference/settings.md": settings_page(), "reference/commands.md": commands_page(), "site-icon.svg": ICON}
    made |= {f"datasets/{path.name}": path.read_text(encoding="utf-8") for path in sorted((ROOT / "datasets").glob("*.md"))}
    made |= {to: (ROOT / source).read_text(encoding="utf-8") for source, to in BESIDE.items() if to != "index.md"}
    for where, text in made.items():
        files.append(File.generated(config, where, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links work on the site that work on a plain git host: to files beside ``docs``, and to folders that the site lacks."""
    source = page.file.src_uri
    here = ROOT / source if (beside := _beside(source)) else ROOT / "docs" / source
    if beside:
        here = ROOT / beside

    def link(match: re.Match[str]) -> str:
        text, target, anchor = match["text"], match["target"], match["anchor"] or ""
        wanted = (here.parent / target).resolve()
        if not target or not wanted.is_relative_to(ROOT):
            return match[0]
        name = wanted.relative_to(ROOT).as_posix()
        on_site = BESIDE.get(name) or name.removeprefix("docs/")
        if files.get_file_from_path(on_site) is None:
            return f"{text} (`{name}`)" if wanted.exists() and not name.startswith("docs/") else match[0]
        up = "../" * source.count("/")
        return f"{match['bang']}[{text}]({up}{on_site}{anchor})"

    return re.sub(r"(?P<bang>!?)\[(?P<text>[^\]]*)\]\((?!\w+:)(?P<target>[^)#\s]*)(?P<anchor>#[^)\s]*)?\)", link, markdown)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """The theme would fetch one script from another host so that search works on pages opened from the disk: ours takes its place."""
    return _local(output)


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:
    """The same for the page of a missing address."""
    return _local(output_content)


def _local(page: str) -> str:
    return page.replace('<script src="https://unpkg.com/iframe-worker/shim"></script>', f"<script>{WORKER}</script>")


def _beside(source: str) -> str | None:
    if source.startswith("datasets/"):
        return source
    return next((file for file, to in BESIDE.items() if to == source and to != "index.md"), None)


def _titles(folder: str) -> dict[str, str]:
    pages = {}
    for path in sorted((ROOT / folder).glob("*.md")):
        title = re.search(r"^# (.+)$", path.read_text(encoding="utf-8"), re.M)
        pages[path.relative_to(ROOT).as_posix().removeprefix("docs/")] = title[1] if title else path.stem
    return pages


SETTINGS = """# Settings

Everything that a run can vary. A YAML file holds the keys that differ from the defaults:

```yaml
fusion:
  weights: {visual: 0.5, audio: 0.5}
```

`workbench settings` prints all of them, `workbench settings FILE` checks and completes a file, `--settings FILE` uses it. A
misspelled key or an impossible value is refused with one line that names it. The environment overrides single values, two
underscores between levels: `WORKBENCH__FUSION__WINDOW=2.0`. Every session keeps the settings it was made with, and replays
with those.

| variable | folder |
|---|---|
| `WORKBENCH_CACHE` | weights and the sample interview; the user's cache folder without it |
| `WORKBENCH_SESSIONS` | sessions; `sessions` in the working folder without it |
| `WORKBENCH_DATA` | corpora, one folder each |
| `MLFLOW_TRACKING_URI` | runs and registered models; `mlflow.db` in the working folder without it |
"""


def settings_page() -> str:
    """A table for each section of the settings: name, default, allowed values, meaning."""
    parts = [SETTINGS]
    schema = Settings.model_json_schema()
    for name, values in Settings().echo().items():
        section = schema["$defs"][schema["properties"][name].get("$ref", "").rpartition("/")[2] or name.capitalize()]
        parts.append(f"## {name}\n\n{section.get('description', '')}\n\n| setting | default | allowed | meaning |\n|---|---|---|---|")
        for key, rule in section["properties"].items():
            default = (
                yaml.safe_dump(values[key], default_flow_style=True, width=10_000, allow_unicode=True).strip().removesuffix("...").strip()
            )
            parts[-1] += f"\n| `{key}` | `{_cell(default)}` | {_cell(_allowed(rule))} | {_cell(rule.get('description', ''))} |"
    return "\n\n".join(parts) + "\n"


WORDS = {"number": "number", "integer": "whole number", "boolean": "true or false", "string": "text", "array": "list", "object": "mapping"}


def _allowed(rule: dict[str, Any]) -> str:
    if "anyOf" in rule:
        return " or ".join(_allowed(r) for r in rule["anyOf"])
    if "enum" in rule:
        return ", ".join(f"`{v}`" for v in rule["enum"])
    if "const" in rule:
        return f"`{rule['const']}`"
    limits = [("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<")]
    bounds = ", ".join(f"{sign} {rule[key]:g}" for key, sign in limits if key in rule)
    return " ".join(filter(None, [WORDS.get(rule.get("type", ""), "nothing"), bounds]))


def commands_page() -> str:
    """Every command with its arguments and options, as the command line itself states them."""
    parts = ["# Commands\n\n`workbench COMMAND --help` prints the same. Exit code 0: done; 1: a stated limit is exceeded; 2: something "
             "is wrong with the input, and one line says what, where and what to do; 130: stopped by Ctrl-C."]  # fmt: skip
    return "\n\n".join([*parts, *_command(typer.main.get_command(commands.app), "workbench", 1)]) + "\n"


def _command(command: Any, name: str, level: int) -> list[str]:
    inner = getattr(command, "commands", None)
    if inner is not None:
        own = [f"{'#' * level} {name}", command.help or ""] if level > 1 else []
        return [*own, *(part for key, sub in inner.items() for part in _command(sub, f"{name} {key}", level + 1))]
    visible = [p for p in command.params if not getattr(p, "hidden", False) and p.name != "help"]
    arguments = [p for p in visible if p.param_type_name == "argument"]
    usage = " ".join(
        [name, *(a.metavar or (a.name or "").upper() for a in arguments), "[OPTIONS]" if len(visible) > len(arguments) else ""]
    )
    parts = [f"{'#' * level} {name}", command.help or "", f"```\n{usage}\n```"]
    if visible:
        rows = [f"| `{_cell(_flag(p))}` | {_cell(getattr(p, 'help', None) or '')} | {_cell(_default(p))} |" for p in visible]
        parts.append("| argument or option | meaning | default |\n|---|---|---|\n" + "\n".join(rows))
    return parts


def _flag(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return parameter.metavar or (parameter.name or "").upper()
    return ", ".join(parameter.opts)


def _default(parameter: Any) -> str:
    if parameter.required:
        return "needed"
    value = parameter.default
    return "" if value is None or value is False or value == "" or callable(value) else f"`{value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="9" cy="9" r="4" fill="#546e7a"/>'
    '<path d="M1 20c0-4 5-5 8-5s8 1 8 5zM17 5c2 3 2 5 0 8M20 3c3 4 3 8 0 12" fill="none" stroke="#546e7a" stroke-width="2"/></svg>'
)
