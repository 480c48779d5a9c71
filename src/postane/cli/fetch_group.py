"""`postane fetch` with its sub-commands."""

from . import fetch_state
from .fetch import app

app.add_typer(fetch_state.app, name="state")
