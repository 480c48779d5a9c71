"""`python -m postane` is the `postane` command."""

from postane.cli.main import main

main()
