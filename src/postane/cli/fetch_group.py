"""`postane fetch` with its sub-commands."""

from . import fetch_add, fetch_login, fetch_state
from .fetch import app

app.command()(fetch_add.add)
app.command()(fetch_login.login)
app.command()(fetch_login.check)
app.add_typer(fetch_state.app, name="state")
