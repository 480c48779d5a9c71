"""Queries with `:name`: what becomes a parameter, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.accounts.queries import BadQuery, Query, parse_query


def read(text: str) -> Query:
    return parse_query(text, ("user", "password"))


@pytest.mark.parametrize(
    ("written", "text", "names"),
    [
        ("SELECT p FROM t WHERE n = :user", "SELECT p FROM t WHERE n = $1", ("user",)),
        ("SELECT p FROM t WHERE n=:user OR m=lower(:user)", "SELECT p FROM t WHERE n=$1 OR m=lower($1)", ("user",)),
        ("UPDATE t SET p=:password WHERE n=:user", "UPDATE t SET p=$1 WHERE n=$2", ("password", "user")),
        ("SELECT :user::text", "SELECT $1::text", ("user",)),
        ("SELECT n::text, ':user', :user", "SELECT n::text, ':user', $1", ("user",)),
        ("SELECT ':user''s :user', :user", "SELECT ':user''s :user', $1", ("user",)),
        ("SELECT E':user\\' :x', :user", "SELECT E':user\\' :x', $1", ("user",)),
        ('SELECT ":x", :user', 'SELECT ":x", $1', ("user",)),
        ('SELECT "a"":x", :user', 'SELECT "a"":x", $1', ("user",)),
        ("SELECT $$:x$$, :user", "SELECT $$:x$$, $1", ("user",)),
        ("SELECT $a$:x $$ :x$a$, :user", "SELECT $a$:x $$ :x$a$, $1", ("user",)),
        ("SELECT 1 -- :x\n, :user", "SELECT 1 -- :x\n, $1", ("user",)),
        ("SELECT /* :x '\n */ :user", "SELECT /* :x '\n */ $1", ("user",)),
        ("SELECT f(a := :user)", "SELECT f(a := $1)", ("user",)),
        ("SELECT a[1:2]", "SELECT a[1:2]", ()),
        ("SELECT a$1, :user", "SELECT a$1, $1", ("user",)),
    ],
)
def test_what_is_a_parameter(written, text, names):
    assert read(written) == Query(text, names)


@pytest.mark.parametrize("text", ["SELECT :usr", "SELECT ':user' || :other", "SELECT :USER", "SELECT :usera"])
def test_an_unknown_parameter_is_refused(text):
    with pytest.raises(BadQuery, match=r"there is no :\w+ here: a query may have :user, :password"):
        read(text)


def test_parameters_by_number_are_refused():
    with pytest.raises(BadQuery, match=r"write :user, :password for what is asked, not \$1"):
        read("SELECT p FROM t WHERE n = $1")


@pytest.mark.parametrize("text", ["", "SELECT p FROM t", "SELECT p FROM t WHERE n = ':user'"])
def test_a_query_that_asks_for_nobody_is_refused(text):
    with pytest.raises(BadQuery, match="it would mean everybody"):
        parse_query(text, ("user",), needed=("user",))


def test_an_empty_query_is_refused():
    with pytest.raises(BadQuery, match="empty"):
        read(" \n")


def test_values_go_in_the_order_of_the_parameters():
    query = read("UPDATE t SET p = :password WHERE n = :user AND :user <> ''")
    assert query.values({"user": "mrose", "password": "x", "other": "y"}) == ["x", "mrose"]


@given(st.text(alphabet=":'\"$aeE user\\\n-/*1", max_size=40))
def test_any_text_is_a_query_or_is_refused(text):
    try:
        query = read(text)
    except BadQuery:
        return
    assert set(query.names) <= {"user", "password"}
