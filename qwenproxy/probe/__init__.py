"""Asks the real site, as a logged-in account, whether it still speaks as docs/site-protocol.md says, and reports it.

The command line lends an account's page and shows what comes of it. A report names shapes, names, codes, times and
sizes; it never holds a text, a token, an id or a name of a person. Knows the page seam and the site's forms; knows
neither browsers nor the registry.
"""
