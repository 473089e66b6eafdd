"""SQL over all sessions: DuckDB reads their files as views. Nothing can be written, and nothing outside them can be read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import SessionError
from workbench.labels import BASIC

if TYPE_CHECKING:
    import pandas as pd

_EVIDENCE = 'STRUCT(kind VARCHAR, "start" DOUBLE, "end" DOUBLE, "text" VARCHAR, frame_id BIGINT, "value" DOUBLE)'
_CONTRIBUTION = (
    "STRUCT(feature VARCHAR, raw DOUBLE, unit VARCHAR, normalised DOUBLE, weight DOUBLE, contribution DOUBLE, low DOUBLE, "
    f"high DOUBLE, evidence {_EVIDENCE}[], note VARCHAR)"
)
_WORD = (
    'STRUCT(word VARCHAR, "start" DOUBLE, "end" DOUBLE, conf DOUBLE, filler BOOLEAN, aligner VARCHAR, alignment_conf DOUBLE)'
)  # fmt: skip
_PROBS = f"STRUCT({', '.join(f'{label} DOUBLE' for label in BASIC)})"
_SPAN = {"start": "DOUBLE", "end": "DOUBLE"}
_COLUMNS: dict[str, dict[str, str]] = {
    "windows": {
        "window_id": "VARCHAR", **_SPAN, "face_id": "VARCHAR", "visual": "STRUCT(label VARCHAR, score DOUBLE)",
        "audio": "STRUCT(label VARCHAR, score DOUBLE, pitch DOUBLE)",
        "fused_emotion": f"STRUCT(label VARCHAR, score DOUBLE, uncertain BOOLEAN, probs {_PROBS})", "scores": "MAP(VARCHAR, DOUBLE)",
        "transcript_summary": "VARCHAR", "weights": "MAP(VARCHAR, DOUBLE)", "missing": "MAP(VARCHAR, VARCHAR)",
    },
    "transcripts": {
        "segment_id": "VARCHAR", **_SPAN, "transcript": "VARCHAR", "words": f"{_WORD}[]", "asr_confidence": "DOUBLE", "language": "VARCHAR",
        "snr_db": "DOUBLE", "speaker": "VARCHAR",
    },
    "scores": {
        "name": "VARCHAR", "scope": "VARCHAR", "value": "DOUBLE", "low": "DOUBLE", "high": "DOUBLE", "contributions": f"{_CONTRIBUTION}[]",
        "missing": "MAP(VARCHAR, VARCHAR)",
    },
    "answers": {
        "question_id": "VARCHAR", **_SPAN, "text": "VARCHAR", "words": "BIGINT", "fillers": "BIGINT", "filler_rate": "DOUBLE",
        "lexical_diversity": "DOUBLE", "lexical_measure": "VARCHAR", "semantic_similarity": "DOUBLE", "keyword_coverage": "DOUBLE",
        "keywords_found": "MAP(VARCHAR, DOUBLE[])", "keywords_missed": "VARCHAR[]",
    },
    "segments": {"segment_id": "VARCHAR", **_SPAN, "snr_db": "DOUBLE", "rms": "DOUBLE"},
    "prosody": {
        "segment_id": "VARCHAR", **_SPAN,
        **dict.fromkeys(("pitch_mean", "pitch_std", "pitch_slope", "pitch_std_semitones", "rms_mean", "rms_std", "jitter", "shimmer",
                         "hnr_db", "voiced_fraction", "pause_count", "pause_total", "speaking_rate", "articulation_rate", "filler_rate"),
                        "DOUBLE"),
    },
    "acoustics": {"timestamp": "DOUBLE", "values": "MAP(VARCHAR, DOUBLE)", "confidence": "DOUBLE", "valid": "BOOLEAN"},
    "events": {"timestamp": "DOUBLE", "kind": "VARCHAR", "stage": "VARCHAR", "message": "VARCHAR", "data": "JSON"},
    "overrides": {
        "number": "BIGINT", "kind": "VARCHAR", "scope": "VARCHAR", "name": "VARCHAR", **_SPAN, "original": "VARCHAR", "value": "VARCHAR",
        "reason": "VARCHAR", "by": "VARCHAR", "when": "VARCHAR",
    },
}  # fmt: skip
_DERIVED = {
    "words": "select session, segment_id, speaker, unnest(words, max_depth := 2) from transcripts",
    "contributions": "select session, scope, score, feature, raw, unit, normalised, weight, contribution, low, high, note from "
    "(select session, scope, name as score, unnest(contributions, max_depth := 2) from scores)",
}
TABLES: tuple[str, ...] = ("sessions", *_COLUMNS, *_DERIVED)
"""What can be asked."""


def query(sql: str, folder: str | Path | None = None) -> pd.DataFrame:
    """Ask all sessions of a folder at once.

    Parameters
    ----------
    sql : str
        One SELECT over `TABLES`; every table has a column ``session``.
    folder : path, optional
        The sessions folder otherwise.

    Returns
    -------
    DataFrame

    Raises
    ------
    SessionError
        If the SQL is not one SELECT or cannot be answered; the message names the tables.
    """
    import duckdb

    from workbench.settings import sessions_dir

    where = Path(folder or sessions_dir()).resolve()
    with duckdb.connect(":memory:") as connection:
        try:
            statements = connection.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise SessionError("query: give one SELECT; sessions are only read here")
            _views(connection, where)
            return connection.sql(sql).df()
        except duckdb.BinderException as error:
            raise SessionError(f"query: {str(error).strip().splitlines()[0]}; {_columns(connection, sql)}") from None
        except duckdb.Error as error:
            first = str(error).strip().splitlines()[0]
            raise SessionError(f"query: {first}; tables: {', '.join(TABLES)}") from None


def _columns(connection: Any, sql: str) -> str:
    """The columns of the tables that a query names; the tables where it names none."""
    told = []
    for name in (name for name in TABLES if re.search(rf"\b{name}\b", sql, re.IGNORECASE)):
        rows = connection.execute(f"describe {name}").fetchall()
        told.append(f"columns of {name}: {', '.join(row[0] for row in rows)}")
    return "; ".join(told) or f"tables: {', '.join(TABLES)}"


def _views(connection: Any, where: Path) -> None:
    import pandas as pd

    from workbench.sessions.store import list_sessions

    rows = [
        {k: s.get(k) for k in ("created", "duration", "purpose", "jurisdiction", "consent", "recording", "source", "problem")}
        | {"session": Path(s["folder"]).name, "flags": ", ".join(s["flags"])}
        for s in list_sessions(where)
    ]
    kinds: dict[str, Any] = {"session": "str", "created": "str", "duration": float, "purpose": "str", "jurisdiction": "str", 
             "consent": "boolean", "recording": "boolean", "source": "str", "flags": "str", "problem": "str"}  # fmt: skip
    table = pd.DataFrame(rows, columns=list(kinds)).astype({k: v for k, v in kinds.items() if v != "str"})
    connection.register("found", table)
    connection.execute("create table sessions as select * from found")
    connection.unregister("found")
    folders = [Path(s["folder"]) for s in list_sessions(where) if not s["problem"]]
    for name, columns in _COLUMNS.items():
        paths = [str(f / f"{name}.jsonl") for f in folders if (f / f"{name}.jsonl").is_file() and (f / f"{name}.jsonl").stat().st_size]
        if paths:
            source = (
                f"read_json([{', '.join(_literal(p) for p in paths)}], format='newline_delimited', "
                f"ignore_errors=true, filename=true, columns={{{', '.join(f'{_quoted(k)}: {_literal(v)}' for k, v in columns.items())}}})"
            )
            picked = ", ".join(_quoted(k) for k in columns)
            connection.execute(f"create view {name} as select parse_path(filename)[-2] as session, {picked} from {source}")
        else:
            empty = ", ".join(f"null::{v} as {_quoted(k)}" for k, v in columns.items())
            connection.execute(f"create view {name} as select null::varchar as session, {empty} where false")
    for name, text in _DERIVED.items():
        connection.execute(f"create view {name} as {text}")
    connection.execute(f"set allowed_directories=[{_literal(str(where))}]")
    connection.execute("set autoinstall_known_extensions=false; set enable_external_access=false; set lock_configuration=true")


def _quoted(name: str) -> str:
    return f'"{name}"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
