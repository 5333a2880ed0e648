"""Images and files on their way to the site: their types, their sources, the accounts that have them.

The relay uses this before it asks a question with attachments. Calls to the site go through the page that the relay
lends; bytes go straight to the object store. Stands above upstream; knows no leases and no routes.
"""
