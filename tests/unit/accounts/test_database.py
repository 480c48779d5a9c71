"""A real database that is slow, stopped, started again, or says no."""

import asyncio
import signal

import pytest
import uvloop

from postane.accounts.base import AccountsUnavailable
from postane.accounts.database import CONNECTIONS, Connections, Database
from postane.accounts.queries import Query, parse_query
from support import engines

ECHO = Query("SELECT $1 AS said", ("word",))


@pytest.fixture(scope="module")
def disturbed():
    engine = engines.Postgres()
    engine.start()
    yield engine
    engine.remove()


@pytest.fixture
async def connections():
    made = Connections(Database(engines.postgres().url))
    yield made
    made.close()


async def unavailable(connections: Connections, query: Query = ECHO, word: str = "hunter2") -> str:
    with pytest.raises(AccountsUnavailable) as caught:
        await connections.ask(query, {"word": word})
    assert caught.value.text == "accounts are not available now"
    assert word not in caught.value.log
    return caught.value.log


@pytest.mark.parametrize("word", ["x", "", "'; DROP TABLE people; --", "şükrü %_\\", "$1 :user"])
async def test_a_value_comes_back_as_it_went(connections, word):
    assert await connections.ask(ECHO, {"word": word}) == [{"said": word}]


async def test_many_ask_at_once_on_few_connections(connections):
    count = Query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'few' AND $1 <> ''", ("word",))
    few = Connections(Database(f"{engines.postgres().url}?application_name=few"))
    answers = await asyncio.gather(*(few.ask(count, {"word": "x"}) for _ in range(50)))
    few.close()
    assert max(rows[0]["count"] for rows in answers) <= CONNECTIONS


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_a_restart_is_survived(disturbed, how):
    connections = Connections(Database(disturbed.url))
    await asyncio.gather(*(connections.ask(ECHO, {"word": "x"}) for _ in range(CONNECTIONS)))
    disturbed.stop(how)
    try:
        assert "cannot be reached" in await unavailable(connections)
    finally:
        disturbed.start()
    for _ in range(CONNECTIONS):
        assert await connections.ask(ECHO, {"word": "x"}) == [{"said": "x"}]
    connections.close()


async def test_a_restart_that_was_not_noticed_is_survived(disturbed):
    connections = Connections(Database(disturbed.url))
    await connections.ask(ECHO, {"word": "x"})
    disturbed.stop()
    disturbed.start()  # all while the event loop sees nothing
    assert await connections.ask(ECHO, {"word": "x"}) == [{"said": "x"}]
    connections.close()


async def test_a_connection_that_the_database_ends_is_replaced(connections):
    rows = await connections.ask(Query("SELECT pg_backend_pid() AS pid, $1 AS word", ("word",)), {"word": "x"})
    engines.postgres().sql(f"SELECT pg_terminate_backend({rows[0]['pid']})")
    assert await connections.ask(ECHO, {"word": "x"}) == [{"said": "x"}]


async def test_silence_is_no_answer(disturbed):
    connections = Connections(Database(disturbed.url, timeout=0.2))
    patient = Connections(Database(disturbed.url))
    await connections.ask(ECHO, {"word": "x"})
    disturbed.pause()
    try:
        assert await unavailable(connections) == "the database has not answered in 0.2 s"
        assert await unavailable(connections) == "the database has not answered in 0.2 s", "nor to a new connection"
    finally:
        disturbed.resume()
    assert await patient.ask(ECHO, {"word": "x"}) == [{"said": "x"}]
    connections.close()
    patient.close()


async def test_a_slow_query_is_given_up(connections):
    slow = Connections(Database(engines.postgres().url, timeout=0.2))
    query = Query("SELECT pg_sleep(30), $1", ("word",))
    await asyncio.gather(*(unavailable(slow, query) for _ in range(CONNECTIONS)))
    slow.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT :word FROM nowhere", 'relation "nowhere" does not exist'),
        ("SELEC :word", 'syntax error at or near "SELEC"'),
        ("SELECT :word::integer", "DataError"),
        ("SELECT :word || 1 / 0", "DivisionByZeroError 22012"),
    ],
)
async def test_a_query_that_the_database_refuses_is_told_without_its_values(connections, text, said):
    assert said in await unavailable(connections, parse_query(text, ("word",)))
    assert await connections.ask(ECHO, {"word": "x"}) == [{"said": "x"}], "the next one is answered"


async def test_a_user_that_is_not_there_is_told(disturbed):
    connections = Connections(Database(disturbed.url.replace("postgres@", "nobody:hunter2@")))
    assert 'role "nobody" does not exist' in await unavailable(connections)


async def test_the_password_is_read_for_each_connection(disturbed, tmp_path):
    disturbed.sql("CREATE ROLE guarded LOGIN PASSWORD 'first'")
    rules = disturbed.folder / "data" / "pg_hba.conf"
    rules.write_text(f"host all guarded all scram-sha-256\n{rules.read_text()}")
    disturbed.sql("SELECT pg_reload_conf()")
    file = tmp_path / "password"
    file.write_text("first\n")
    file.chmod(0o600)
    connections = Connections(Database(disturbed.url.replace("postgres@", "guarded@"), file))
    assert await connections.ask(ECHO, {"word": "x"}) == [{"said": "x"}]
    connections.close()
    disturbed.sql("ALTER ROLE guarded PASSWORD 'second'")
    assert "password authentication failed" in await unavailable(connections)
    file.write_text("second\n")
    assert await connections.ask(ECHO, {"word": "x"}) == [{"said": "x"}]
    connections.close()
    file.chmod(0o640)
    assert "chmod 600" in await unavailable(connections)


async def test_a_url_that_is_none_is_told_without_repeating_it():
    assert "hunter2" not in await unavailable(Connections(Database("postgres//mrose:hunter2@h/d")))


def test_uvloop_serves_as_well():
    async def ask() -> object:
        connections = Connections(Database(engines.postgres().url))
        rows = await connections.ask(ECHO, {"word": "x"})
        connections.close()
        return rows

    assert uvloop.run(ask()) == [{"said": "x"}]


def test_the_url_is_not_shown():
    assert "hunter2" not in repr(Database("postgresql://mrose:hunter2@host/mail"))
