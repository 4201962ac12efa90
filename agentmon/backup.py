"""`agentmon backup`: a copy of the database; restoring is `agentmon serve --db DEST`."""

from pathlib import Path

import click

from agentmon.options import FinePath, common_options, database, option


@click.command()
@common_options
@click.argument("dest", type=FinePath())
@option("--force", is_flag=True, allow_from_autoenv=False, help="Overwrite DEST.")
def backup(dest: Path, force: bool) -> None:
    """Copy the database to DEST, consistent also while a receiver runs; serve --db DEST restores it."""
    from agentmon.output import say
    from store.backup import back_up

    size = back_up(database(), dest, overwrite=force)
    say(f"{dest}: {size / 2**20:.1f} MB")
