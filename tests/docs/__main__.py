"""Write the tables of commands, settings and limits into `docs/settings.md`."""

from tests.docs.pages import TABLES_PAGE, with_tables

TABLES_PAGE.write_text(with_tables(TABLES_PAGE.read_text()))
