"""Images and files on their way to the site: what they are, where they come from, who has them.

The relay asks here before it asks a question that names any. The site's calls go through the page the relay lends;
bytes go straight to the object store. Stands beside accounts and above upstream; knows no leases and no routes.
"""
