"""Getting real data in: each format has one file of its own that turns bytes into the dataclasses of `base`.

Everything here except the service is pure: no database, no web, no translation. A file is either read, row by
row with the errors standing on the rows, or refused whole with `crm_mail.importers.base.ImportRefused`.
"""
