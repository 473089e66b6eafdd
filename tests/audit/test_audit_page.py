"""The audit page without a browser: what it does where nothing is kept, and with what cannot be read."""

import asyncio

import pytest

from tests.audit.test_bundle import write
from workbench.audit import AuditError, config
from workbench.audit.present import bundle
from workbench.views.audit.page import AuditPage


def settled(page):
    """The page after what it does when it opens."""
    asyncio.run(page._begin())
    return page


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return bundle.run(config.load(write(tmp_path_factory.mktemp("page"))))


def test_where_nothing_is_kept_a_button_makes_the_first_audit(found):
    steps = []

    def make(progress):
        for i in range(3):
            progress("audit", i, 2)
            steps.append(i)
        return found

    page = settled(AuditPage(dict, make))
    assert page._start.visible
    assert "No audit is kept here yet" in page._notice.title
    assert not page._tabs.visible

    async def click():
        await page._first(None)
        await page._open(None)

    asyncio.run(click())
    assert steps == [0, 1, 2]
    assert not page._start.visible
    assert page._tabs.visible
    assert page._run.options == ["decisions"]
    assert "lower (worse) for Female" in page._parts["Findings"].object
    assert "Stated limits that are exceeded" in page._parts["Findings"].object


def test_an_audit_that_cannot_be_made_is_told_and_can_be_tried_again():
    def make(progress):
        raise AuditError("source.root: CREMA-D's folder is not known; set WORKBENCH_DATA")

    page = settled(AuditPage(dict, make))
    asyncio.run(page._first(None))
    assert page._notice.title.startswith("source.root: CREMA-D's folder is not known")
    assert page._notice.severity == "error"
    assert page._start.visible
    assert not page._start.disabled
    assert not page._bar.visible


def test_without_a_way_to_make_one_the_command_is_named():
    page = settled(AuditPage(dict))
    assert not page._start.visible
    assert "workbench audit run" in page._notice.title


def test_a_run_that_cannot_be_read_is_told(found):
    def broken():
        raise AuditError("votes: not an audit run; make one with `workbench audit run`")

    page = AuditPage(lambda: {"votes": broken})
    page._runs = {"votes": broken}

    async def choose():
        page._run.param.update(options=["votes"], value="votes")
        await page._open(None)

    asyncio.run(choose())
    assert page._notice.title.startswith("votes: not an audit run")
    assert page._notice.severity == "error"


def test_the_download_holds_everything_and_the_laws_summary(found):
    page = AuditPage(lambda: {"x": lambda: found})
    page._bundle = found
    assert page._file().read() == found.html()
    assert page._law().read() == found.ll144.summary()
