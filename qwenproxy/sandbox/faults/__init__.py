"""What goes wrong at the site, on demand: whom a fault hits, and what it looks like."""
