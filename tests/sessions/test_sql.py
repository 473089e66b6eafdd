"""All sessions answer SQL, and nothing else can be done with it."""

import shutil

import pytest

from tests.support.command import workbench as run
from workbench.errors import SessionError
from workbench.sessions import overrides, query
from workbench.sessions.sql import TABLES
from workbench.sessions.store import Session


@pytest.fixture
def two(generated, tmp_path):
    """A folder with two sessions, one of them damaged and corrected."""
    for name in ("a", "b"):
        shutil.copytree(generated, tmp_path / name, ignore=shutil.ignore_patterns("*.wav"))
    overrides.of_score(Session.open(tmp_path / "b"), "clarity", 0.5, "heard again", "ada")
    with (tmp_path / "b" / "transcripts.jsonl").open("ab") as file:
        file.write(b'{"torn')
    (tmp_path / "b" / "prosody.jsonl").unlink()
    return tmp_path


def test_every_table_can_be_asked_and_holds_both_sessions(two):
    found = {name: query(f"select * from {name}", two) for name in TABLES}
    assert all("session" in table.columns for table in found.values())
    assert {name: sorted(table["session"].unique()) for name, table in found.items()} == {
        **{name: ["a", "b"] for name in TABLES}, "overrides": ["b"], "prosody": ["a"],
    }  # fmt: skip


def test_answers_are_those_of_the_store(two):
    session = Session.open(two / "a")
    words = query("select count(*) as n, sum(filler::int) as fillers from words where session = 'a'", two).iloc[0]
    assert (words["n"], words["fillers"]) == (len(session.words), session.words["filler"].sum())
    scores = query("select scope, name, value from scores where session = 'a'", two)
    assert scores["value"].tolist() == session.scores["value"].tolist()
    parts = query("select score, sum(contribution) as s from contributions where session = 'a' and scope = 'session' group by score", two)
    stored = session.scores[session.scores["scope"] == "session"].set_index("name")["value"]
    assert parts.set_index("score")["s"].to_dict() == pytest.approx(stored.to_dict())
    assert query("select fused_emotion.label as l from windows where session = 'a'", two)["l"].tolist() == session.windows["label"].tolist()
    flags = query("select flags from sessions where session = 'b'", two)["flags"][0]
    assert {"damaged", "overridden"} <= set(flags.split(", "))


def test_an_empty_folder_has_empty_tables(tmp_path):
    assert all(query(f"select * from {name}", tmp_path).empty for name in TABLES)


@pytest.mark.parametrize(
    "sql",
    [
        "", "selct 1", "select nope from words", "select 1; select 2", "delete from words", "copy words to 'x.csv'", "drop view words",
        "select * from read_text('/etc/hostname')", "set enable_external_access=true", "install httpfs", "attach 'x.db'",
    ],
)  # fmt: skip
def test_bad_or_writing_sql_is_one_clear_line(two, sql, monkeypatch):
    before = sorted(two.rglob("*"))
    with pytest.raises(SessionError) as caught:
        query(sql, two)
    assert "\n" not in str(caught.value)
    assert any(help_ in str(caught.value) for help_ in ("one SELECT", "tables: sessions, windows", "columns of words: session"))
    monkeypatch.setenv("WORKBENCH_SESSIONS", str(two))
    done = run("sessions", "query", sql)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert sorted(two.rglob("*")) == before


def test_command_line_prints_tables_json_and_csv(two, monkeypatch):
    monkeypatch.setenv("WORKBENCH_SESSIONS", str(two))
    sql = "select session, count(*) as n from segments group by 1 order by 1"
    assert [row["session"] for row in run("sessions", "query", sql, "--json").json] == ["a", "b"]
    assert run("sessions", "query", sql, "--csv").out.splitlines()[0] == "session,n"
    assert "session" in run("sessions", "query", sql).out
    assert "no rows" in run("sessions", "query", "select * from words where false").out


def test_a_column_that_is_not_there_is_answered_with_those_that_are(two):
    with pytest.raises(SessionError, match=r'"id" not found .*; columns of sessions: session, created, duration, purpose'):
        query("select id, purpose from sessions", two)
    with pytest.raises(SessionError, match="tables: sessions, windows"):
        query("select nope", two)
